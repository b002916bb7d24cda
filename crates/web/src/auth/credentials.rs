//! Where clients put a key: `X-API-Key`, `Authorization: Bearer`, the password of `Authorization: Basic`, or
//! `?api_key=`, since an `<img>` cannot send headers. A shared link has `?token=`, a browser that logged in a cookie.

use access::Credential;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, Uri, header};
use percent_encoding::percent_decode_str;

use crate::pages::TICKET;

/// The name of the cookie that `POST /api/login` sets.
pub(crate) const COOKIE: &str = "framehub_login";

/// The one credential that a request is judged by, and who put it there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) credential: Credential,
    pub(super) by: By,
}

/// Who puts a credential into a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// There is none.
    Nobody,
    /// The page or program that sends the request: it knows the credential.
    Sender,
    /// The same, in the address.
    Address,
    /// The browser, whichever page makes it send the request: a cookie, a password that it keeps.
    Browser,
}

/// What a request was sent with. What the request itself holds comes before the cookie, which browsers add to
/// everything. An empty value is none: forms send those.
pub(super) fn of(headers: &HeaderMap, uri: &Uri) -> Sent {
    let in_address = |name, credential: fn(String) -> Credential| {
        query_value(uri, name).map(|value| Sent { credential: credential(value), by: By::Address })
    };
    of_headers(headers)
        .or_else(|| in_address("api_key", Credential::Key))
        .or_else(|| in_address("token", Credential::Link))
        .or_else(|| of_path(uri.path()))
        .or_else(|| of_cookie(headers))
        .unwrap_or(Sent { credential: Credential::Nothing, by: By::Nobody })
}

fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()
}

fn of_headers(headers: &HeaderMap) -> Option<Sent> {
    let sent = |key: String, by| (!key.is_empty()).then_some(Sent { credential: Credential::Key(key), by });
    let own = headers.get("x-api-key").and_then(text).and_then(|key| sent(key.to_owned(), By::Sender));
    own.or_else(|| {
        let (scheme, rest) = headers.get(header::AUTHORIZATION).and_then(text)?.split_once(' ')?;
        match scheme.to_ascii_lowercase().as_str() {
            "bearer" => sent(rest.trim().to_owned(), By::Sender),
            "basic" => sent(basic_password(rest.trim())?, By::Browser),
            _ => None,
        }
    })
}

/// RFC 7617: base64 of `user:password`; the user's name does not matter.
fn basic_password(encoded: &str) -> Option<String> {
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    decoded.split_once(':').map(|(_, password)| password.to_owned())
}

/// `/assets/~<ticket>/file`.
fn of_path(path: &str) -> Option<Sent> {
    let rest = path.strip_prefix("/assets/")?.strip_prefix(TICKET)?;
    let (ticket, _) = rest.split_once('/')?;
    Some(Sent { credential: Credential::Ticket(ticket.to_owned()), by: By::Address })
}

/// RFC 6265, section 4.2.1.
fn of_cookie(headers: &HeaderMap) -> Option<Sent> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(text);
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, token) = pairs.find(|(name, value)| *name == COOKIE && !value.is_empty())?;
    Some(Sent { credential: Credential::Login(token.to_owned()), by: By::Browser })
}

fn query_value(uri: &Uri, name: &str) -> Option<String> {
    let mut pairs = uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(known, value)| *known == name && !value.is_empty())?;
    percent_decode_str(value).decode_utf8().ok().map(|value| value.into_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn sent(headers: &[(&'static str, &str)], uri: &str) -> Sent {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        of(&map, &uri.parse().unwrap())
    }

    fn key(text: &str, by: By) -> Sent {
        Sent { credential: Credential::Key(text.to_owned()), by }
    }

    const NOTHING: Sent = Sent { credential: Credential::Nothing, by: By::Nobody };
    const BASIC: (&str, &str) = ("authorization", "Basic bWU6c2Vj4oKscmV0");
    const LOGGED_IN: (&str, &str) = ("cookie", "theme=dark; framehub_login=abc.def");

    #[test]
    fn a_key_is_found_wherever_clients_put_it() {
        assert_eq!(sent(&[("x-api-key", "secret")], "/stream"), key("secret", By::Sender));
        assert_eq!(sent(&[("authorization", "Bearer secret")], "/stream"), key("secret", By::Sender));
        assert_eq!(sent(&[BASIC], "/stream"), key("sec€ret", By::Browser));
        assert_eq!(sent(&[], "/stream?fps=5&api_key=sec%2Bret"), key("sec+ret", By::Address));
        assert_eq!(sent(&[], "/stream?api_key=&api_key=secret"), key("secret", By::Address));
        assert_eq!(sent(&[("authorization", "Digest x")], "/stream"), NOTHING);
        assert_eq!(sent(&[], "/stream"), NOTHING);
    }

    #[test]
    fn an_empty_credential_is_none_and_hides_no_other() {
        let login = sent(&[LOGGED_IN], "/");
        for empty in ["/?api_key=", "/?token=", "/?api_key", "/?api_key=&token="] {
            assert_eq!(sent(&[], empty), NOTHING, "{empty}");
            assert_eq!(sent(&[LOGGED_IN], empty), login, "{empty}");
            assert_eq!(sent(&[BASIC], empty), key("sec€ret", By::Browser), "{empty}");
        }
        for empty in [("x-api-key", ""), ("authorization", "Bearer "), ("authorization", "Basic dTo=")] {
            assert_eq!(sent(&[empty, LOGGED_IN], "/"), login, "{empty:?}");
            assert_eq!(sent(&[empty], "/?api_key=k"), key("k", By::Address), "{empty:?}");
        }
        assert_eq!(sent(&[("cookie", "framehub_login=")], "/"), NOTHING);
    }

    #[test]
    fn the_request_comes_before_the_cookie() {
        let login = Sent { credential: Credential::Login("abc.def".into()), by: By::Browser };
        assert_eq!(sent(&[LOGGED_IN], "/"), login);
        assert_eq!(sent(&[("cookie", "a=b"), LOGGED_IN], "/"), login);
        let link = Sent { credential: Credential::Link("t".into()), by: By::Address };
        assert_eq!(sent(&[LOGGED_IN], "/?token=t"), link);
        let ticket = Sent { credential: Credential::Ticket("t.u".into()), by: By::Address };
        assert_eq!(sent(&[LOGGED_IN], "/assets/~t.u/recordings/list.js"), ticket);
        assert_eq!(sent(&[LOGGED_IN], "/stream/~t.u/x"), login);
        assert_eq!(sent(&[LOGGED_IN, ("x-api-key", "k")], "/?token=t"), key("k", By::Sender));
        assert_eq!(
            sent(&[BASIC], "/?token=t"),
            key("sec€ret", By::Browser),
            "what is not used changes nothing"
        );
        assert_eq!(sent(&[("cookie", "other_framehub_login=x; y")], "/"), NOTHING);
    }
}
