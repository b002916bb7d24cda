//! A running hub: does it answer, is it one, does its clock agree, may this key see it, do its streams live.

use std::time::{Duration, Instant, SystemTime};

use client::{Endpoint, Error, http};
use serde_json::Value;
use server::config::Config;

use super::finding::{Finding, Verdict};
use super::machine;

/// Further apart, and the age of a picture says nothing.
const CLOCKS_APART: Duration = Duration::from_millis(500);
/// Streams that are asked about one by one.
const MOST_STREAMS: usize = 50;
/// A published stream that is silent for so long has lost its publisher.
const SILENT_SECS: f64 = 10.0;

/// The hub's health: `Err` ends the examination of it. `named`: the user gave its address.
pub(super) async fn is_there(hub: &Endpoint, named: bool, config: &Config) -> Result<Vec<Finding>, Finding> {
    let asked = SystemTime::now();
    let started = Instant::now();
    let health = http::get_json(hub, "/health").await;
    let round_trip = started.elapsed();
    match health {
        Ok(health) if health["service"] == "framehub" => {
            Ok(vec![version(hub, &health, round_trip), clock(&health, asked + round_trip / 2, round_trip)])
        }
        Ok(_) if named => Err(not_a_hub(hub, "another program answers")),
        Err(error) if named => Err(unreachable(hub, &error)),
        Err(Error::Connect { .. }) => Err(not_running(hub, config)),
        // A hub behind TLS that this machine does not trust is one, too.
        Err(error @ Error::Tls { .. }) => Err(unreachable(hub, &error)),
        Ok(_) | Err(_) => Err(machine::port(config.server.address())),
    }
}

fn not_running(hub: &Endpoint, config: &Config) -> Finding {
    let port = machine::port(config.server.address());
    if port.verdict != Verdict::Ok {
        return port;
    }
    Finding::note(
        "hub",
        format!("none runs at {hub}; {}", port.what),
        "start it with `framehub`, or name another one: framehub doctor http://HOST:5000",
    )
}

fn version(hub: &Endpoint, health: &Value, round_trip: Duration) -> Finding {
    let theirs = health["version"].as_str().unwrap_or("unknown");
    let ours = env!("CARGO_PKG_VERSION");
    let what = format!("{hub} answers in {:.1} ms: version {theirs}", round_trip.as_secs_f64() * 1e3);
    if theirs == ours {
        return Finding::ok("hub", what);
    }
    Finding::note("hub", what, format!("this program is {ours}; use the same version on both sides"))
}

/// `between`: when the hub wrote its time, as far as this side can know.
fn clock(health: &Value, between: SystemTime, round_trip: Duration) -> Finding {
    let theirs = health["timestamp"].as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let Some(theirs) = theirs.map(SystemTime::from) else {
        return Finding::note("clocks", "the hub does not say its time", "is it an old version?");
    };
    let (apart, word) = match theirs.duration_since(between) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    // The answer may have taken all of the way on one side.
    if apart <= CLOCKS_APART + round_trip / 2 {
        return Finding::ok(
            "clocks",
            format!("the hub's and this machine's agree within {:.0} ms", apart.as_secs_f64() * 1e3),
        );
    }
    let what = format!(
        "the hub's is {:.1} s {word} this machine's: ages of pictures are wrong by that",
        apart.as_secs_f64()
    );
    Finding::wrong("clocks", what, "synchronise both by NTP (timedatectl set-ntp true)")
}

fn not_a_hub(hub: &Endpoint, what: &str) -> Finding {
    Finding::wrong(
        "hub",
        format!("{hub}/health: {what}"),
        "does the address have the path that the proxy or server.base_path gives the hub (http://HOST/cams)?",
    )
}

fn unreachable(hub: &Endpoint, error: &Error) -> Finding {
    let mend = match error {
        Error::Refused { status: 404, .. } | Error::BadReply { .. } => {
            return not_a_hub(hub, &error.to_string());
        }
        Error::Refused { status: 502..=504, .. } => {
            "the proxy does not reach the hub: does it run, and at the address that the proxy names?"
        }
        Error::Refused { .. } => {
            "something in front of the hub refuses: look at the proxy's configuration and log"
        }
        Error::Tls { .. } => {
            "docs/guide/https.md says how to trust a self-signed certificate (SSL_CERT_FILE=cert.pem)"
        }
        Error::Connect { .. } => {
            "does it run there, does it listen on more than loopback (server.host=0.0.0.0), and does a firewall let the port through?"
        }
        Error::Timeout { .. } => "a firewall may drop the packets, or the machine is off",
        _ => "does a hub run there, and is it http:// or https://?",
    };
    Finding::wrong("hub", error.to_string(), mend)
}

/// Whether the key, or its absence, opens the hub; without that nothing else can be asked.
pub(super) async fn rights(hub: &Endpoint) -> Result<Finding, Finding> {
    let error = match http::get_json(hub, "/api/streams").await {
        Ok(_) => return Ok(Finding::ok("key", "the hub shows its streams")),
        Err(error) => error,
    };
    let (what, mend) = match error {
        Error::Refused { status: 401, message, .. } => {
            (message, "give a key of the hub's auth.keys or API_KEYS with --api-key or FRAMEHUB_API_KEY")
        }
        Error::Refused { status: 403, message, .. } => {
            (message, "use a key with the scope view, better admin")
        }
        error => (error.to_string(), "is there a proxy that answers in the hub's place?"),
    };
    Err(Finding::wrong("key", what, mend))
}

/// The streams, and what is wrong with any of them.
pub(super) async fn streams(hub: &Endpoint) -> Vec<Finding> {
    let list = match http::get_json(hub, "/api/streams").await {
        Ok(list) => list,
        Err(error) => return vec![Finding::wrong("streams", error.to_string(), "try again")],
    };
    let names: Vec<&str> =
        list["streams"].as_array().into_iter().flatten().filter_map(|s| s["name"].as_str()).collect();
    if names.is_empty() {
        let mend = "publish one: framehub publish testsrc";
        return vec![Finding::note("streams", "none", mend)];
    }
    let mut ill = Vec::new();
    for name in names.iter().take(MOST_STREAMS) {
        // One that has ended meanwhile is nothing to report.
        let Ok(stats) = http::get_json(hub, &format!("/api/streams/{name}/stats")).await else { continue };
        ill.extend(ill_stream(name, &stats));
    }
    let live = names.len() - ill.len();
    let mut findings = vec![Finding::ok("streams", format!("{live} of {} without complaint", names.len()))];
    findings.extend(ill);
    findings
}

fn ill_stream(name: &str, stats: &Value) -> Option<Finding> {
    let state = stats["source"]["state"].as_str();
    if state == Some("failed") {
        let why = stats["source"]["error"].as_str().unwrap_or("no reason is known");
        let mend = "mend its source in the configuration, or the camera behind it";
        return Some(Finding::wrong("stream", format!("{name}: {why}"), mend));
    }
    if stats["recorder"]["state"] == "failed" {
        let why = stats["recorder"]["error"].as_str().unwrap_or("no reason is known");
        return Some(Finding::wrong("stream", format!("{name} is not recorded: {why}"), "look at the disk"));
    }
    let silent = stats["inactive_seconds"].as_f64().unwrap_or(0.0);
    // A source that nobody watches is silent as it should be.
    if state.is_none() && silent > SILENT_SECS {
        let what = format!("{name}: no picture for {silent:.0} s");
        return Some(Finding::note("stream", what, "does its publisher still run?"));
    }
    None
}

/// The page and one of its files, as a browser would fetch them.
pub(super) async fn page(hub: &Endpoint) -> Finding {
    for path in ["/", "/assets/hub.js"] {
        if let Err(error) = http::get_text(hub, path).await {
            let mend = "let the proxy pass all paths below the hub's address, not some of them";
            return Finding::wrong("page", error.to_string(), mend);
        }
    }
    Finding::ok("page", format!("{hub}/"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn clocks_that_differ_are_told_with_the_difference() {
        let now: SystemTime = "2026-05-01T12:00:00Z".parse::<jiff::Timestamp>().unwrap().into();
        let health = |time: &str| json!({ "timestamp": time });
        let way = Duration::from_millis(20);
        assert_eq!(clock(&health("2026-05-01T12:00:00.100Z"), now, way).verdict, Verdict::Ok);
        let ahead = clock(&health("2026-05-01T12:02:00Z"), now, way);
        assert!(ahead.verdict == Verdict::Wrong && ahead.what.contains("120.0 s ahead of"), "{}", ahead.what);
        assert!(clock(&health("2026-05-01T11:59:50Z"), now, way).what.contains("10.0 s behind"));
        assert_eq!(clock(&json!({}), now, way).verdict, Verdict::Note);
    }

    #[test]
    fn a_failed_source_is_wrong_and_one_at_rest_is_fine() {
        let failed = json!({ "source": { "state": "failed", "error": "cannot reach 10.0.0.7:554" } });
        assert_eq!(ill_stream("door", &failed).unwrap().what, "door: cannot reach 10.0.0.7:554");
        let resting = json!({ "source": { "state": "resting" }, "inactive_seconds": 99.0 });
        assert_eq!(ill_stream("demo", &resting), None);
        let silent = json!({ "source": null, "inactive_seconds": 99.0 });
        assert_eq!(ill_stream("cam", &silent).unwrap().verdict, Verdict::Note);
    }
}
