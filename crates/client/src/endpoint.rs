//! Where a hub is, and what of it is meant: turns what a person types into an [`Endpoint`] (host, port,
//! base path, key) or a [`Target`] (an endpoint and one stream or path of it). All URL rules are here; the
//! rest of the crate never looks at URL text again.

use crate::Error;
use http::{HeaderValue, Uri};
use std::fmt;
use wire::address::{STRAY_AT, has_stray_at, redacted};

const LONGEST_NAME: usize = 64;

/// Where a hub listens unless it is told otherwise.
const HUB_PORT: u16 = 5000;

/// A hub: host, port and, behind a proxy, a base path. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// TLS.
    pub(crate) secure: bool,
    /// Empty, or starting with a slash and not ending in one.
    base: String,
    pub(crate) api_key: Option<HeaderValue>,
}

impl Endpoint {
    /// Parses `http://host[:port][/base]`, or `https://` for TLS; `ws://` and `wss://` mean the same, and
    /// `host:port` alone is taken as `http://`, `host` as port 5000 of it. A query is not part of an endpoint and is refused.
    pub fn parse(url: &str) -> Result<Endpoint, Error> {
        let (endpoint, query) = split_url(url)?;
        if query.is_some() {
            return Err(bad(url, "a hub's address has no '?query'"));
        }
        Ok(endpoint)
    }

    /// The same endpoint with a key that every request carries as `X-API-Key`; an empty key is none.
    pub fn with_api_key(mut self, key: Option<&str>) -> Result<Endpoint, Error> {
        let key = key.map(str::trim).filter(|key| !key.is_empty());
        self.api_key = key.map(HeaderValue::from_str).transpose().map_err(|_| Error::BadKey)?;
        if let Some(key) = &mut self.api_key {
            key.set_sensitive(true);
        }
        Ok(self)
    }

    /// `http://host:port/base` (or `https://`) + `path`, where `path` starts with a slash (or is empty).
    pub fn url(&self, path: &str) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}{}{path}", self.authority(), self.base)
    }

    /// The path to ask the server for: the base in front of `path`.
    pub(crate) fn request_path(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// `host:port` as the `Host` header wants it.
    pub(crate) fn authority(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.api_key.as_ref().map(|_| "(hidden)");
        f.debug_struct("Endpoint").field("url", &self.url("")).field("api_key", &key).finish()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url(""))
    }
}

/// One thing of a hub: a stream to publish to, or a path to watch.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    pub endpoint: Endpoint,
    /// The stream's name, where the URL or the caller gave one.
    pub stream: Option<String>,
    /// Path and query below the endpoint, starting with a slash.
    pub path: String,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({})", self.url())
    }
}

impl Target {
    /// Where frames go: `http://host:5000/publish/cam1` (or `/stream/cam1`, the address people watch it
    /// at), or the hub alone together with `name`. A path that is neither is taken as the hub's base path.
    pub fn publish(url: &str, name: Option<&str>) -> Result<Target, Error> {
        let (mut endpoint, query) = split_url(url)?;
        let in_url = take_stream(&mut endpoint);
        if in_url.is_none() && endpoint.base.ends_with("/publish") {
            // "…/publish/" and a name of its own.
            endpoint.base.truncate(endpoint.base.len() - "/publish".len());
        }
        let stream = match (in_url, name) {
            (Some(in_url), Some(name)) if in_url != name => {
                return Err(bad(
                    url,
                    &format!("it names the stream '{in_url}', but the name given is '{name}'"),
                ));
            }
            (Some(found), _) => found,
            (None, Some(name)) => name.to_owned(),
            (None, None) => {
                return Err(bad(
                    url,
                    "it names no stream; write http://HOST:PORT/publish/NAME, or give a name",
                ));
            }
        };
        check_name(&stream).map_err(|reason| bad(url, &reason))?;
        let path = with_query(format!("/publish/{stream}"), query);
        Ok(Target { endpoint, stream: Some(stream), path })
    }

    /// What to watch: a stream's page (`/stream/cam1`, or the `/publish/cam1` it is sent to), the hub alone
    /// (its default stream, or the stream `name`), or any other MJPEG address, taken as it stands.
    pub fn watch(url: &str, name: Option<&str>) -> Result<Target, Error> {
        let (mut endpoint, query) = split_url(url)?;
        if let Some(name) = name {
            check_name(name).map_err(|reason| bad(url, &reason))?;
            let in_url = take_stream(&mut endpoint);
            if in_url.is_some_and(|in_url| in_url != name) {
                return Err(bad(url, &format!("it names another stream than the name given, '{name}'")));
            }
            let path = with_query(format!("/stream/{name}"), query);
            return Ok(Target { endpoint, stream: Some(name.to_owned()), path });
        }
        let whole = endpoint.clone();
        // Other makers' cameras have addresses such as /stream/video.mjpg: those stay as they are.
        if let Some(stream) = take_stream(&mut endpoint).filter(|stream| check_name(stream).is_ok()) {
            let path = with_query(format!("/stream/{stream}"), query);
            return Ok(Target { endpoint, stream: Some(stream), path });
        }
        let mut endpoint = whole;
        let own_path = std::mem::take(&mut endpoint.base);
        let path = if own_path.is_empty() { "/stream".to_owned() } else { own_path };
        Ok(Target { endpoint, stream: None, path: with_query(path, query) })
    }

    /// The view of stream `name`, which the caller knows to be valid.
    pub fn stream(endpoint: &Endpoint, name: &str) -> Target {
        Target { endpoint: endpoint.clone(), stream: Some(name.to_owned()), path: format!("/stream/{name}") }
    }

    /// What stands after the `?`.
    pub fn query(&self) -> Option<&str> {
        self.path.split_once('?').map(|(_, query)| query)
    }

    /// The whole address, without the query: a query may hold a key.
    pub fn url(&self) -> String {
        let path = self.path.split('?').next().unwrap_or("");
        self.endpoint.url(path)
    }
}

/// Whether `name` may name a stream: 1 to 64 letters, digits, `_` or `-`.
pub fn check_name(name: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.len() <= LONGEST_NAME && name.chars().all(allowed) {
        return Ok(());
    }
    Err(format!("'{name}' is no stream name; use 1 to {LONGEST_NAME} letters, digits, '_' or '-'"))
}

/// Takes a trailing `/publish/NAME`, `/stream/NAME` or `/stream/NAME/mjpeg` off the endpoint's base path.
fn take_stream(endpoint: &mut Endpoint) -> Option<String> {
    let path = endpoint.base.strip_suffix("/mjpeg").unwrap_or(&endpoint.base);
    let (rest, name) = path.rsplit_once('/')?;
    let base = rest.strip_suffix("/publish").or_else(|| rest.strip_suffix("/stream"))?;
    let (base, name) = (base.to_owned(), name.to_owned());
    endpoint.base = base;
    Some(name)
}

fn with_query(path: String, query: Option<String>) -> String {
    match query {
        Some(query) => format!("{path}?{query}"),
        None => path,
    }
}

fn bad(url: &str, reason: &str) -> Error {
    Error::BadUrl { url: redacted(url), reason: reason.to_owned() }
}

/// The endpoint (its base is the URL's whole path) and the query.
fn split_url(url: &str) -> Result<(Endpoint, Option<String>), Error> {
    let text = url.trim();
    if has_stray_at(text) {
        return Err(bad(url, STRAY_AT));
    }
    let is_short = !text.contains("://");
    let text = if is_short { format!("http://{text}") } else { text.to_owned() };
    let uri: Uri = text.parse().map_err(|error| bad(url, &format!("{error}")))?;
    let secure = match uri.scheme_str() {
        Some("http" | "ws") => false,
        Some("https" | "wss") => true,
        _ => return Err(bad(url, "it must start with http://, https://, ws:// or wss://")),
    };
    let authority = uri.authority().ok_or_else(|| bad(url, "it has no host"))?;
    if authority.as_str().contains('@') {
        let reason = "a user or password in the address is not supported; give the key as an API key";
        return Err(bad(url, reason));
    }
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() {
        return Err(bad(url, "it has no host"));
    }
    let port = match authority.as_str().rsplit_once(':') {
        Some((_, digits)) if !digits.contains(']') => {
            digits.parse().map_err(|_| bad(url, "its port is not a number from 1 to 65535"))?
        }
        _ if secure => 443,
        // `localhost` means the hub there, and not a web server.
        _ if is_short => HUB_PORT,
        _ => 80,
    };
    let base = uri.path().trim_end_matches('/').to_owned();
    let endpoint = Endpoint { host: host.to_owned(), port, secure, base, api_key: None };
    Ok((endpoint, uri.query().map(str::to_owned)))
}

#[cfg(test)]
mod tests;
