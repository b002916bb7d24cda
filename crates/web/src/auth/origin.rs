//! Where a browser's request comes from. Browsers add cookies (and passwords that they keep) to what any page makes
//! them send, and let any page open a WebSocket: the `Origin` that they send distinguishes such a page from ours
//! (RFC 6454, section 7; RFC 6455, section 10.2).

use http::{HeaderMap, Method, StatusCode, Uri, header};

use super::credentials;
use crate::error::ApiError;

/// An origin other than the hub's own that is let in.
pub(crate) const ANY: &str = "*";

/// The refusal of a request that another site's page sends in its visitor's name.
pub(crate) fn check(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    host: Option<&str>,
    allowed: &[String],
) -> Result<(), ApiError> {
    let is_upgrade = headers.contains_key(header::UPGRADE);
    let changes = !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    let in_its_name = !credentials::is_in_address(uri) && credentials::is_ambient(headers);
    if !(is_upgrade || changes && in_its_name) {
        return Ok(());
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or("");
    if is_own(origin, host) || is_listed(origin, allowed) {
        return Ok(());
    }
    let shown: String = origin.chars().take(100).collect();
    let message = format!(
        "a page of {shown:?} may not do this here: add that origin to server.allowed_origins of the hub if it is yours"
    );
    Err(ApiError::new(StatusCode::FORBIDDEN, "ORIGIN_REFUSED", message))
}

/// The same host and port, whatever the scheme: a proxy may have taken TLS off.
fn is_own(origin: &str, host: Option<&str>) -> bool {
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    matches!((authority, host), (Some(authority), Some(host)) if authority.eq_ignore_ascii_case(host))
}

pub(crate) fn is_listed(origin: &str, allowed: &[String]) -> bool {
    allowed.iter().any(|known| known == ANY || known.eq_ignore_ascii_case(origin))
}

#[cfg(test)]
mod tests {
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
        let from = |origin: &'static str| {
            passes(&Method::GET, &[upgrade, ("origin", origin)], &["https://app.example"])
        };
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
}
