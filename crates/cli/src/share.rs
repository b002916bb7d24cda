//! `framehub share`: a link that opens one stream for a while. It is signed here, with the hub's own secret, so the hub
//! need not be asked, or even run.

use std::time::{Duration, SystemTime};

use anyhow::{Context, bail};
use hub::StreamName;
use server::config;

use crate::terminal::{self, print};
use crate::{address, inputs::InputArgs};

/// What `share` takes.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ShareArgs {
    /// The stream that the link opens, and no other
    #[arg(value_name = "STREAM")]
    pub(crate) stream: StreamName,
    /// How long it does: 90s, 30m, 2h, 7d
    #[arg(long = "for", value_name = "SPAN", value_parser = span, default_value = "1h")]
    pub(crate) span: Duration,
    /// The address by which others reach the hub [default: that of server.host and server.port]
    #[arg(long, value_name = "URL", value_parser = base)]
    pub(crate) url: Option<String>,
    #[command(flatten)]
    pub(crate) sources: InputArgs,
}

/// A link outlives no year: who wants more wants a key.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A hub on this machine answers at once.
const PATIENCE: Duration = Duration::from_secs(2);

/// Runs the command.
///
/// # Errors
/// The configuration's problems, a hub without keys, a secret that cannot be kept.
pub(crate) fn run(args: ShareArgs) -> anyhow::Result<()> {
    let config = config::load(&args.sources.into())?.config;
    if config.auth.is_open() {
        bail!(
            "no key is set here (auth.keys, API_KEYS), so the stream's own address is open to all; \
             is this the hub's configuration? See --config"
        );
    }
    let secret = config.auth.signing_secret(&config.recording.directory)?;
    let until = SystemTime::now() + args.span;
    let token = access::share_token(&secret, &args.stream, until).context("the link cannot be signed")?;
    let base = args.url.unwrap_or_else(|| address::of_hub(&config));
    let link = |rest: &str| format!("{base}/stream/{}{rest}?token={token}", args.stream);
    let ends = jiff::Timestamp::try_from(until).map(|time| format!("{time:.0}")).unwrap_or_default();
    let local = address::of_hub(&config);
    terminal::block_on(async {
        warn_of_unknown(&local, &args.stream, &token).await;
        Ok(())
    })?;
    eprintln!("opens {} until {ends}; as a page: {}", args.stream, link("/embed"));
    print(&format!("{}\n", link("")))?;
    Ok(())
}

/// A name with a slip in it would open nothing. The hub need not run, and then nothing is said.
async fn warn_of_unknown(hub: &str, stream: &StreamName, token: &str) {
    let Ok(hub) = client::Endpoint::parse(hub) else { return };
    let path = format!("/api/streams/{stream}/stats?token={token}");
    let asked = tokio::time::timeout(PATIENCE, client::http::get_json(&hub, &path)).await;
    // Another program may answer there, too.
    let Ok(Err(client::Error::Refused { hub_code: Some(code), .. })) = asked else { return };
    if code == "STREAM_NOT_FOUND" {
        eprintln!(
            "warning: {hub} has no stream {stream} now; the link opens it once there is one of that name"
        );
    }
}

fn span(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text} is not a span such as 90s, 30m, 2h or 7d, of a year at most");
    let unit = text.chars().next_back().filter(char::is_ascii_alphabetic);
    let number = unit.map_or(text, |_| &text[..text.len() - 1]);
    let secs = match unit {
        None | Some('s') => 1,
        Some('m') => 60,
        Some('h') => 60 * 60,
        Some('d') => 24 * 60 * 60,
        Some(_) => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let span = number.checked_mul(secs).map(Duration::from_secs).ok_or_else(wrong)?;
    if span.is_zero() || span > LONGEST { Err(wrong()) } else { Ok(span) }
}

fn base(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match host.map(|host| host.trim_end_matches('/')) {
        Some(host) if !host.is_empty() && !host.contains(['?', '#', ' ']) => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => Err("it is no address such as https://video.example".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_span_has_a_number_and_a_unit() {
        for (text, secs) in
            [("90", 90), ("90s", 90), ("30m", 1800), ("2h", 7200), ("7d", 604_800), ("365d", 31_536_000)]
        {
            assert_eq!(span(text).unwrap().as_secs(), secs, "{text}");
        }
        for wrong in ["", "h", "2 h", "2w", "-1h", "0s", "1.5h", "366d", "99999999999999999999d", "2ä"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_has_a_scheme_and_a_host() {
        assert_eq!(base("https://video.example/hub/").unwrap(), "https://video.example/hub");
        for wrong in ["video.example", "ftp://video.example", "https://", "https:///", "http://a?b"] {
            assert!(base(wrong).is_err(), "{wrong}");
        }
    }
}
