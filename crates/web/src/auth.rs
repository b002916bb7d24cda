//! Keys (document 004): with any key configured, every route but the probes needs one. The robot's routes need one in
//! any case.
//!
//! A key comes as `X-API-Key`, `Authorization: Bearer`, the password of `Authorization: Basic` (so that a browser
//! asks for it), or `?api_key=`, since an `<img>` cannot send headers. Keys are compared in constant time and never
//! logged.

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use percent_encoding::percent_decode_str;
use subtle::ConstantTimeEq;

use crate::{App, error::ApiError};

/// Routes that a load balancer or a supervisor probes without a key.
const OPEN: [&str; 3] = ["/health", "/livez", "/readyz"];

/// Routes that are never open.
const ROBOT: &str = "/api/robot/";

/// The refusal of a request that lacks a key, if keys are configured and the route needs one.
pub(crate) fn refusal(app: &App, request: &Request) -> Option<Response> {
    let keys = &app.settings().api_keys;
    let path = request.uri().path();
    if keys.is_empty() && path.starts_with(ROBOT) {
        return Some(refuse(
            "the robot's stream always needs an API key, and none is set: start the hub with API_KEYS=<key> \
             (auth.api_keys), and send that key as X-API-Key",
        ));
    }
    if keys.is_empty() || OPEN.contains(&path) || request.method() == Method::OPTIONS {
        return None;
    }
    match sent_key(request.headers(), request.uri()) {
        Some(key) if is_known(keys, &key) => None,
        Some(_) => Some(refuse("the API key is not known here: check it against API_KEYS of the hub")),
        None => {
            Some(refuse("an API key is needed: send it as X-API-Key, Authorization: Bearer, or ?api_key="))
        }
    }
}

/// Compares with every key, so that the time taken does not tell which one came close.
fn is_known(keys: &[String], sent: &str) -> bool {
    keys.iter().fold(false, |known, key| known | bool::from(key.as_bytes().ct_eq(sent.as_bytes())))
}

fn sent_key(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
    if let Some(key) = headers.get("x-api-key").and_then(text) {
        return Some(key);
    }
    if let Some(value) = headers.get(header::AUTHORIZATION).and_then(text) {
        let (scheme, rest) = value.split_once(' ')?;
        return match scheme.to_ascii_lowercase().as_str() {
            "bearer" => Some(rest.trim().to_owned()),
            "basic" => basic_password(rest.trim()),
            _ => None,
        };
    }
    let pairs = uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    let (_, key) = pairs.into_iter().find(|(name, _)| *name == "api_key")?;
    percent_decode_str(key).decode_utf8().ok().map(|key| key.into_owned())
}

/// RFC 7617: base64 of `user:password`; the user's name does not matter.
fn basic_password(encoded: &str) -> Option<String> {
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    decoded.split_once(':').map(|(_, password)| password.to_owned())
}

fn refuse(message: &str) -> Response {
    let mut response = ApiError::new(StatusCode::UNAUTHORIZED, "API_KEY_REQUIRED", message).into_response();
    let challenge = HeaderValue::from_static("Basic realm=\"Framehub: any name, the API key as password\"");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn sent(name: &'static str, value: &str, uri: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        sent_key(&headers, &uri.parse().unwrap())
    }

    #[test]
    fn a_key_is_found_wherever_clients_put_it() {
        assert_eq!(sent("x-api-key", "secret", "/stream"), Some("secret".into()));
        assert_eq!(sent("authorization", "Bearer secret", "/stream"), Some("secret".into()));
        assert_eq!(sent("authorization", "Basic bWU6c2Vj4oKscmV0", "/stream"), Some("sec€ret".into()));
        assert_eq!(sent("accept", "*/*", "/stream?fps=5&api_key=sec%2Bret"), Some("sec+ret".into()));
        assert_eq!(sent("authorization", "Digest x", "/stream"), None);
        assert_eq!(sent("accept", "*/*", "/stream"), None);
    }

    #[test]
    fn only_the_whole_key_is_known() {
        let keys = ["first-key".to_owned(), "second-key".to_owned()];
        assert!(is_known(&keys, "second-key"));
        for wrong in ["", "second-ke", "second-key2", "SECOND-KEY"] {
            assert!(!is_known(&keys, wrong));
        }
    }
}
