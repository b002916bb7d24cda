//! Tests of `origin`.
#![allow(clippy::unwrap_used)]
use super::*;

fn passes(method: &Method, headers: &[(&'static str, &str)], allowed: &[&str]) -> bool {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, value.parse().unwrap());
    }
    let allowed: Vec<String> = allowed.iter().map(|origin| (*origin).to_owned()).collect();
    check(method, &Uri::from_static("/"), &map, Some("hub:5000"), &allowed).is_ok()
}

#[test]
fn a_websocket_is_for_our_pages_and_for_programs() {
    let upgrade = ("upgrade", "websocket");
    let from =
        |origin: &'static str| passes(&Method::GET, &[upgrade, ("origin", origin)], &["https://app.example"]);
    assert!(passes(&Method::GET, &[upgrade], &[]), "programs send no origin");
    assert!(from("http://hub:5000") && from("https://HUB:5000") && from("https://app.example"));
    for foreign in [
        "http://evil.example",
        "http://hub",
        "http://hub:5000.evil.example",
        "null",
        "",
        "http://app.example",
    ] {
        assert!(!from(foreign), "{foreign:?}");
    }
    assert!(passes(&Method::GET, &[upgrade, ("origin", "http://evil.example")], &["*"]));
}

#[test]
fn what_a_browser_adds_by_itself_does_not_serve_other_sites() {
    let evil = ("origin", "http://evil.example");
    let (cookie, basic) = (("cookie", "framehub_login=x"), ("authorization", "Basic bWU6a2V5"));
    for ambient in [cookie, basic] {
        assert!(!passes(&Method::POST, &[evil, ambient], &[]));
        assert!(!passes(&Method::DELETE, &[evil, ambient], &[]));
        assert!(passes(&Method::GET, &[evil, ambient], &[]), "its answer stays unread");
        assert!(passes(&Method::POST, &[("origin", "http://hub:5000"), ambient], &[]));
        assert!(passes(&Method::POST, &[ambient], &[]));
    }
    assert!(passes(&Method::POST, &[evil, ("x-api-key", "k"), cookie], &[]), "the page knows the key");
    assert!(passes(&Method::POST, &[evil], &[]));
}
