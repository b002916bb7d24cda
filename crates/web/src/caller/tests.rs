//! Tests of `caller`.
#![allow(clippy::unwrap_used)]
use super::*;

fn caller(peer: &str, headers: &[(&'static str, &str)]) -> Caller {
    let trusted: Vec<Cidr> = vec!["127.0.0.1".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, value.parse().unwrap());
    }
    let mut extensions = Extensions::new();
    extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
    Caller::of(&trusted, &Uri::from_static("/"), &map, &extensions)
}

#[test]
fn a_trusted_proxy_says_what_it_has_taken_off_the_path() {
    let taken_off = |peer: &str, value: &str| {
        let mut map = HeaderMap::new();
        map.append("x-forwarded-prefix", value.parse().unwrap());
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        prefix(&["127.0.0.1".parse().unwrap()], &map, &extensions).to_string()
    };
    assert_eq!(taken_off("127.0.0.1", "/ipc/cam24"), "/ipc/cam24");
    assert_eq!(taken_off("127.0.0.1", "/outer, /ipc/"), "/ipc");
    assert_eq!(taken_off("203.0.113.9", "/ipc"), "", "a stranger");
    for wrong in ["//evil.example", "/a/../b", "https://evil.example/", "/a b", "ipc"] {
        assert_eq!(taken_off("127.0.0.1", wrong), "", "{wrong}");
    }
}

fn seen(peer: &str, forwarded: &str) -> String {
    caller(peer, &[("x-forwarded-for", forwarded)]).address.unwrap().to_string()
}

#[test]
fn a_stranger_is_who_connects_whatever_they_say() {
    let said = [
        ("host", "hub:5000"),
        ("x-forwarded-for", "1.2.3.4"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "bank.example"),
    ];
    let stranger = caller("203.0.113.9", &said);
    assert_eq!(stranger.address, Some("203.0.113.9".parse().unwrap()));
    assert_eq!(stranger.base(), "http://hub:5000");
}

#[test]
fn a_trusted_proxy_says_for_whom_it_asks() {
    assert_eq!(seen("127.0.0.1", "198.51.100.1"), "198.51.100.1");
    assert_eq!(seen("::ffff:127.0.0.1", "198.51.100.1"), "198.51.100.1");
    assert_eq!(
        seen("127.0.0.1", "1.1.1.1, 198.51.100.1, 10.0.0.3"),
        "198.51.100.1",
        "1.1.1.1 may be invented"
    );
    assert_eq!(seen("127.0.0.1", "10.0.0.5, 10.0.0.3"), "10.0.0.5", "all are ours");
    assert_eq!(seen("127.0.0.1", "[2001:db8::1]:443"), "2001:db8::1");
    assert_eq!(seen("127.0.0.1", "1.1.1.1, unknown"), "127.0.0.1");
    let said = [("host", "inside"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "video.example")];
    assert_eq!(caller("10.1.1.1", &said).base(), "https://video.example");
}
