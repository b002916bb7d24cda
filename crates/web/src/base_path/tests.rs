//! Tests of `base_path`.
#![allow(clippy::unwrap_used)]
use axum::body::Body;
use proptest::prelude::*;

use super::*;

fn base(text: &str) -> BasePath {
    text.parse().unwrap()
}

fn entered(base: &BasePath, uri: &str) -> Result<String, (StatusCode, Option<String>)> {
    let request = Request::builder().uri(uri).body(Body::empty()).unwrap();
    base.enter(request, base).map(|request| request.uri().to_string()).map_err(|response| {
        let location = response.headers().get(header::LOCATION);
        (response.status(), location.map(|to| to.to_str().unwrap().to_owned()))
    })
}

#[test]
fn a_base_path_is_plain_segments() {
    for (text, path) in
        [("", ""), ("/", ""), ("/cams", "/cams"), ("/cams/", "/cams"), ("/a-b/c.d", "/a-b/c.d")]
    {
        assert_eq!(base(text).to_string(), path);
    }
    for text in ["cams", "//", "/a//b", "/a/../b", "/.", "/ä", "/a b", "/a?b", "/a%20b", "https://host/cams"]
    {
        assert_eq!(text.parse::<BasePath>(), Err(InvalidBasePath), "{text}");
    }
}

#[test]
fn what_lies_below_is_entered_and_nothing_else() {
    let cams = base("/cams");
    let elsewhere = Err((StatusCode::NOT_FOUND, None));
    let top = |to: &str| Err((StatusCode::PERMANENT_REDIRECT, Some(to.to_owned())));
    assert_eq!(entered(&cams, "/cams/"), Ok("/".into()));
    assert_eq!(entered(&cams, "/cams/stream/a?fps=5"), Ok("/stream/a?fps=5".into()));
    assert_eq!(entered(&cams, "https://host/cams/stats"), Ok("https://host/stats".into()));
    assert_eq!(entered(&cams, "/cams/cams/"), Ok("/cams/".into()));
    assert_eq!(entered(&cams, "/cams//"), Ok("//".into()));
    assert_eq!(entered(&cams, "/cams"), top("/cams/"));
    assert_eq!(entered(&cams, "/cams?api_key=x"), top("/cams/?api_key=x"));
    for uri in ["/", "/stats", "/camsx", "/CAMS/", "/x/cams/", "/?/cams/", "*"] {
        assert_eq!(entered(&cams, uri), elsewhere, "{uri}");
    }
    assert_eq!(entered(&base("/"), "/stats?x"), Ok("/stats?x".into()));
}

#[test]
fn redirections_within_the_hub_keep_the_base_path() {
    let cams = base("/cams");
    let cases = [
        ("/docs/", "/cams/docs/"),
        ("docs/", "docs/"),
        ("https://host/", "https://host/"),
        ("//host", "//host"),
    ];
    for (to, whole) in cases {
        let mut response = [(header::LOCATION, to)].into_response();
        cams.leave(&mut response);
        assert_eq!(response.headers()[header::LOCATION], whole);
    }
}

proptest! {
    #[test]
    fn whatever_is_asked_below_is_found_again(rest in "/[a-z0-9/._~%-]{0,20}(\\?[a-z=&/?]{0,10})?") {
        let cams = base("/cams/two");
        if let Ok(_well_formed) = rest.parse::<Uri>() {
            prop_assert_eq!(entered(&cams, &cams.at(&rest)), Ok(rest));
        }
    }

    #[test]
    fn parsing_never_panics(text in ".{0,20}") {
        let _either = text.parse::<BasePath>();
    }
}
