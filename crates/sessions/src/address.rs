//! Where a simulator runs, and the three addresses at which it answers.

use std::fmt;

use url::Url;
use wire::{
    address::{has_stray_at, redacted},
    options::{self, Options},
};

/// A simulator's addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulator {
    /// Its WebSocket: pictures, signalling, or both.
    pub(crate) socket: Url,
    /// Its MJPEG stream, read while the WebSocket brings no pictures.
    pub(crate) stream: Url,
    /// Asked once, when a session is made, whether the simulator is alive.
    pub(crate) ping: Url,
}

/// Host and ports, as configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// A name or an IP address, IPv6 without brackets.
    pub host: String,
    /// HTTP, for `/ping`.
    pub port: u16,
    pub ws_port: u16,
    /// MJPEG, at `/stream`.
    pub stream_port: u16,
    /// Of the WebSocket; begins with a slash.
    pub ws_path: String,
}

/// The text is no simulator's address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSimulator {
    #[error("{host:?} is no host: write HOST or HOST:PORT, such as 10.0.0.7:8211")]
    Host { host: String },
    #[error(transparent)]
    Option(#[from] options::Error),
}

impl Place {
    /// Reads `HOST`, `HOST:PORT` or either with options, `10.0.0.7:8211#stream_port=8766&ws_path=/live`. A port in the
    /// address is that of HTTP and of the WebSocket. Missing values are those of `self`.
    ///
    /// # Errors
    /// [`InvalidSimulator`], with the text in question.
    pub fn parse(&self, text: &str) -> Result<Self, InvalidSimulator> {
        let (address, options) = text.trim().split_once('#').unwrap_or((text.trim(), ""));
        let scheme = if text.contains("://") { "" } else { "ws://" };
        let whole = format!("{scheme}{}", text.trim());
        let shown = || redacted(&whole).trim_start_matches("ws://").chars().take(80).collect();
        let no_host = || InvalidSimulator::Host { host: shown() };
        if has_stray_at(&whole) {
            return Err(no_host());
        }
        let url = Url::parse(&format!("ws://{address}")).map_err(|_| no_host())?;
        let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let is_bare = url.path() == "/" && url.query().is_none() && url.username().is_empty();
        if host.is_empty() || !is_bare || address.ends_with('/') {
            return Err(no_host());
        }
        let mut options = Options::parse(options)?;
        // The URL leaves out the port that is its scheme's own.
        let written = url.port().or_else(|| address.ends_with(":80").then_some(80));
        let port = |asked: Option<u32>, own: u16| asked.map_or(own, |port| port as u16);
        let place = Self {
            host: host.to_owned(),
            port: port(options.whole("port", 1..=65_535)?, written.unwrap_or(self.port)),
            ws_port: port(options.whole("ws_port", 1..=65_535)?, written.unwrap_or(self.ws_port)),
            stream_port: port(options.whole("stream_port", 1..=65_535)?, self.stream_port),
            ws_path: options.path("ws_path")?.unwrap_or_else(|| self.ws_path.clone()),
        };
        options.finish("simulators")?;
        Ok(place)
    }

    /// The addresses.
    ///
    /// # Errors
    /// Where the host is none.
    pub fn simulator(&self) -> Result<Simulator, InvalidSimulator> {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let no_host = |_| InvalidSimulator::Host { host: self.host.clone() };
        let url =
            |scheme: &str, port: u16, path: &str| Url::parse(&format!("{scheme}://{host}:{port}{path}"));
        Ok(Simulator {
            socket: url("ws", self.ws_port, &self.ws_path).map_err(no_host)?,
            stream: url("http", self.stream_port, "/stream").map_err(no_host)?,
            ping: url("http", self.port, "/ping").map_err(no_host)?,
        })
    }
}

/// As [`Place::parse`] reads it.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, ws_port, stream_port, ws_path } = self;
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let ws_path = ws_path.replace('%', "%25").replace('&', "%26");
        write!(f, "{host}:{port}#ws_port={ws_port}&stream_port={stream_port}&ws_path={ws_path}")
    }
}

#[cfg(test)]
mod tests;
