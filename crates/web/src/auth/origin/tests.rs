//! Tests of `origin`.
#![allow(clippy::unwrap_used)]
use super::*;
use crate::{auth::tests::with_keys, tests::support};

/// A hub with or without keys, and what it says of other origins.
fn access(has_keys: bool, cors: bool, allowed: &[&str]) -> Access {
    let settings = support::settings();
    let auth = if has_keys { with_keys(&[]) } else { settings.auth.clone() };
    let allowed_origins = allowed.iter().map(|&origin| origin.to_owned()).collect();
    Access::new(&crate::Settings { auth, cors, allowed_origins, ..settings })
}

fn passes(access: &Access, origin: &str, by: By) -> bool {
    check(access, Asked { origin, opens_socket: false }, by, Some("hub:5000")).is_ok()
}

fn opens(access: &Access, origin: &str, by: By) -> bool {
    check(access, Asked { origin, opens_socket: true }, by, Some("hub:5000")).is_ok()
}

#[test]
fn only_what_changes_something_or_stays_open_is_looked_at() {
    let looked_at = |method: Method, headers: &[(&'static str, &'static str)]| {
        let pairs = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        Asked::by(&method, &pairs.collect()).is_some()
    };
    let origin = ("origin", "http://evil.example");
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        assert!(looked_at(method.clone(), &[origin]), "{method}");
        assert!(!looked_at(method, &[]), "programs send no origin");
    }
    assert!(!looked_at(Method::GET, &[origin]), "its answer stays unread");
    assert!(looked_at(Method::GET, &[origin, ("upgrade", "websocket")]));
    assert!(!looked_at(Method::GET, &[("upgrade", "websocket")]));
}

const EVERYBODY: [By; 4] = [By::Nobody, By::Sender, By::Address, By::Browser];

#[test]
fn our_own_pages_and_listed_ones_may_do_all() {
    for (has_keys, cors) in [(true, true), (true, false), (false, true), (false, false)] {
        let access = access(has_keys, cors, &["https://app.example"]);
        for by in EVERYBODY {
            for good in ["http://hub:5000", "https://HUB:5000", "https://app.example"] {
                assert!(passes(&access, good, by) && opens(&access, good, by), "{good}, {by:?}");
            }
        }
    }
}

#[test]
fn other_pages_may_do_what_needs_nothing_of_their_visitor_if_they_are_wanted_at_all() {
    let foreign = [
        "http://evil.example",
        "http://hub",
        "http://hub:5000.evil.example",
        "null",
        "",
        "http://app.example",
    ];
    let listed: &[&str] = &["https://app.example"];
    // Keys, server.cors_enabled, server.allowed_origins: who may send credentials.
    let cases: [(bool, bool, &[&str], &[By]); 6] = [
        (true, true, &[], &[By::Nobody, By::Sender, By::Address]),
        (true, true, listed, &[By::Sender, By::Address]),
        (true, false, &[], &[]),
        (false, true, &[], &[By::Nobody, By::Sender, By::Address, By::Browser]),
        (false, false, &[], &[]),
        (false, false, listed, &[]),
    ];
    for (has_keys, cors, allowed, free) in cases {
        let access = access(has_keys, cors, allowed);
        for by in EVERYBODY {
            for origin in foreign {
                let case = format!("keys {has_keys}, cors {cors}, {allowed:?}, {origin:?}, {by:?}");
                assert_eq!(passes(&access, origin, by), free.contains(&by), "{case}");
                assert_eq!(
                    opens(&access, origin, by),
                    free.contains(&by) && !has_keys,
                    "{case}: a WebSocket"
                );
            }
        }
    }
    assert!(passes(&access(true, true, &["*"]), "http://evil.example", By::Browser));
}
