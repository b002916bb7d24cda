//! Where clients put a key: `X-API-Key`, `Authorization: Bearer`, the password of `Authorization: Basic`, or
//! `?api_key=`, since an `<img>` cannot send headers. A shared link has `?token=`, a browser that logged in a cookie.

use access::Credential;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, Uri, header};
use percent_encoding::percent_decode_str;

use crate::pages::TICKET;

/// The name of the cookie that `POST /api/login` sets.
pub(crate) const COOKIE: &str = "framehub_login";

/// What a request was sent with. What the request itself holds comes before the cookie, which browsers add to
/// everything.
pub(super) fn of(headers: &HeaderMap, uri: &Uri) -> Credential {
    let key = of_headers(headers).or_else(|| query_value(uri, "api_key").filter(|key| !key.is_empty()));
    if let Some(key) = key {
        return Credential::Key(key);
    }
    if let Some(token) = query_value(uri, "token") {
        return Credential::Link(token);
    }
    if let Some(ticket) = of_path(uri.path()) {
        return Credential::Ticket(ticket.to_owned());
    }
    of_cookie(headers).map_or(Credential::Nothing, |value| Credential::Login(value.to_owned()))
}

fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()
}

fn of_headers(headers: &HeaderMap) -> Option<String> {
    if let Some(key) = headers.get("x-api-key").and_then(text) {
        return Some(key.to_owned());
    }
    let (scheme, rest) = headers.get(header::AUTHORIZATION).and_then(text)?.split_once(' ')?;
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" => Some(rest.trim().to_owned()),
        "basic" => basic_password(rest.trim()),
        _ => None,
    }
}

/// RFC 7617: base64 of `user:password`; the user's name does not matter.
fn basic_password(encoded: &str) -> Option<String> {
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    decoded.split_once(':').map(|(_, password)| password.to_owned())
}

/// Whether the address itself holds the credential.
pub(super) fn is_in_address(uri: &Uri) -> bool {
    ["api_key", "token"].iter().any(|name| query_value(uri, name).is_some())
}

/// Whether the browser added the credential by itself, no matter which page made it send the request.
pub(super) fn is_ambient(headers: &HeaderMap) -> bool {
    if headers.contains_key("x-api-key") {
        return false;
    }
    match headers.get(header::AUTHORIZATION) {
        Some(value) => value.as_bytes().get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"basic")),
        None => of_cookie(headers).is_some(),
    }
}

/// `/assets/~<ticket>/file`.
fn of_path(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("/assets/")?.strip_prefix(TICKET)?;
    rest.split_once('/').map(|(ticket, _)| ticket)
}

fn query_value(uri: &Uri, name: &str) -> Option<String> {
    let pairs = uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.into_iter().find(|(known, _)| *known == name)?;
    percent_decode_str(value).decode_utf8().ok().map(|value| value.into_owned())
}

/// RFC 6265, section 4.2.1.
fn of_cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(text);
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn sent(headers: &[(&'static str, &str)], uri: &str) -> Credential {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        of(&map, &uri.parse().unwrap())
    }

    fn key(text: &str) -> Credential {
        Credential::Key(text.to_owned())
    }

    #[test]
    fn a_key_is_found_wherever_clients_put_it() {
        assert_eq!(sent(&[("x-api-key", "secret")], "/stream"), key("secret"));
        assert_eq!(sent(&[("authorization", "Bearer secret")], "/stream"), key("secret"));
        assert_eq!(sent(&[("authorization", "Basic bWU6c2Vj4oKscmV0")], "/stream"), key("sec€ret"));
        assert_eq!(sent(&[], "/stream?fps=5&api_key=sec%2Bret"), key("sec+ret"));
        assert_eq!(sent(&[("authorization", "Digest x")], "/stream"), Credential::Nothing);
        assert_eq!(sent(&[], "/stream"), Credential::Nothing);
        assert_eq!(sent(&[], "/stream?api_key="), Credential::Nothing);
    }

    #[test]
    fn the_request_comes_before_the_cookie() {
        let cookie = ("cookie", "theme=dark; framehub_login=abc.def");
        assert_eq!(sent(&[cookie], "/"), Credential::Login("abc.def".into()));
        assert_eq!(sent(&[("cookie", "a=b"), cookie], "/"), Credential::Login("abc.def".into()));
        assert_eq!(sent(&[cookie], "/?token=t"), Credential::Link("t".into()));
        assert_eq!(sent(&[cookie], "/assets/~t.u/recordings/list.js"), Credential::Ticket("t.u".into()));
        assert_eq!(sent(&[cookie], "/stream/~t.u/x"), Credential::Login("abc.def".into()));
        assert_eq!(sent(&[cookie, ("x-api-key", "k")], "/?token=t"), key("k"));
        assert_eq!(sent(&[("cookie", "other_framehub_login=x; y")], "/"), Credential::Nothing);
    }
}
