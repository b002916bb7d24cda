//! Tests of `endpoint`.
#![allow(clippy::unwrap_used)]
use super::*;

#[test]
fn an_endpoint_is_host_port_and_base() {
    for (given, url) in [
        ("http://localhost:5000", "http://localhost:5000"),
        ("http://localhost:5000/", "http://localhost:5000"),
        ("ws://10.0.0.7:81/hub/", "http://10.0.0.7:81/hub"),
        ("camera.lan", "http://camera.lan:5000"),
        ("localhost:5000", "http://localhost:5000"),
        ("localhost", "http://localhost:5000"),
        ("http://localhost", "http://localhost:80"),
        ("http://[::1]:5000/x", "http://[::1]:5000/x"),
        ("http://[::1]", "http://[::1]:80"),
        ("https://hub.example/base", "https://hub.example:443/base"),
        ("wss://hub.example:5443", "https://hub.example:5443"),
    ] {
        assert_eq!(Endpoint::parse(given).unwrap().url(""), url, "{given}");
    }
}

#[test]
fn nonsense_is_refused_with_a_reason() {
    for url in
        ["", "http://", "ftp://hub", "http://hub:0x50", "http://hub:99999", "http://a b", "http://hub:"]
    {
        let error = Endpoint::parse(url).unwrap_err();
        assert_eq!(error.code(), "BAD_URL", "{url}: {error}");
    }
    assert!(Endpoint::parse("http://hub?x=1").unwrap_err().to_string().contains("query"));
}

#[test]
fn publishing_finds_the_stream_in_the_address_or_takes_the_name() {
    let path = |url: &str, name: Option<&str>| {
        let target = Target::publish(url, name)?;
        Ok::<_, Error>((target.endpoint.url(""), target.path, target.stream.unwrap()))
    };
    let hub = "http://h:5000".to_owned();
    let cam1 = (hub.clone(), "/publish/cam1".to_owned(), "cam1".to_owned());
    assert_eq!(path("http://h:5000/publish/cam1", None).unwrap(), cam1);
    assert_eq!(path("http://h:5000/stream/cam1/", None).unwrap(), cam1);
    assert_eq!(path("http://h:5000/stream/cam1/mjpeg", None).unwrap(), cam1);
    assert_eq!(path("http://h:5000", Some("cam1")).unwrap(), cam1);
    assert_eq!(path("http://h:5000/publish/cam1", Some("cam1")).unwrap(), cam1);
    assert_eq!(path("http://h:5000/publish/", Some("cam1")).unwrap(), cam1);
    let behind_proxy = path("http://h:5000/video/publish/a?x=1", None).unwrap();
    assert_eq!(behind_proxy.0, "http://h:5000/video");
    assert_eq!(behind_proxy.1, "/publish/a?x=1");
    assert!(path("http://h:5000", None).is_err());
    assert!(path("http://h:5000/publish/a", Some("b")).is_err());
    assert_eq!(path("http://h:5000/publish/a.b", None).unwrap_err().code(), "BAD_URL");
    assert!(path("http://h:5000", Some("../etc")).is_err());
}

#[test]
fn watching_takes_streams_hubs_and_any_mjpeg_address() {
    let url = |url: &str, name: Option<&str>| Target::watch(url, name).map(|target| target.url());
    assert_eq!(url("http://h:5000", None).unwrap(), "http://h:5000/stream");
    assert_eq!(url("http://h:5000", Some("a")).unwrap(), "http://h:5000/stream/a");
    assert_eq!(url("http://h:5000/publish/a", None).unwrap(), "http://h:5000/stream/a");
    assert_eq!(url("http://camera/stream/video.mjpg", None).unwrap(), "http://camera:80/stream/video.mjpg");
    assert!(url("http://h:5000/stream/a", Some("b")).is_err());
    assert_eq!(
        url("http://camera/axis-cgi/mjpg/video.cgi", None).unwrap(),
        "http://camera:80/axis-cgi/mjpg/video.cgi"
    );
    let with_query = Target::watch("http://h/stream/a?fps=5&api_key=s", None).unwrap();
    assert_eq!(with_query.path, "/stream/a?fps=5&api_key=s");
    assert_eq!(with_query.query(), Some("fps=5&api_key=s"));
    assert_eq!(with_query.url(), "http://h:80/stream/a");
    assert_eq!(format!("{with_query:?}"), "Target(http://h:80/stream/a)");
}

#[test]
fn a_key_is_never_shown() {
    let endpoint = Endpoint::parse("http://h").unwrap().with_api_key(Some("top-secret")).unwrap();
    let target = Target::stream(&endpoint, "cam");
    assert!(!format!("{endpoint:?} {endpoint} {target:?}").contains("top-secret"));
    assert_eq!(
        Endpoint::parse("http://h").unwrap().with_api_key(Some("a\nb")).unwrap_err().code(),
        "BAD_KEY"
    );
    assert!(Endpoint::parse("http://h").unwrap().with_api_key(Some(" ")).unwrap().api_key.is_none());
    assert!(!Endpoint::parse("http://u:secret@h").unwrap_err().to_string().contains("secret"));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,60}") {
        let _ = Target::publish(&text, None);
        let _ = Target::watch(&text, Some("cam"));
    }

    #[test]
    fn a_password_in_an_address_is_not_repeated(
        scheme in "((http|https|ws|wss|ftp)://)?",
        pieces in proptest::collection::vec("[A-Z]{4}", 1..4),
        between in "[#?@/:&%=\\\\ ]",
        path in "(/publish/cam|/x)?",
    ) {
        let address = format!("{scheme}user:{}@hub{path}", pieces.join(&between));
        for target in [Target::publish(&address, None), Target::watch(&address, Some("cam"))] {
            if let Err(error) = target {
                let shown = format!("{error} {error:?}");
                proptest::prop_assert!(pieces.iter().all(|piece| !shown.contains(piece.as_str())), "{}", shown);
            }
        }
    }
}
