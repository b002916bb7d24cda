//! Whether a page may do what it sends. Browsers add cookies (and passwords that they keep) to what any page makes
//! them send, let any page post forms to any host, and open a WebSocket to it: the `Origin` that they send with all of
//! these distinguishes such a page from ours (RFC 6454, section 7; RFC 6455, section 10.2).

use http::{HeaderMap, Method, StatusCode, header};

use super::{Access, credentials::By};
use crate::error::ApiError;

/// An origin other than the hub's own that is let in.
pub(crate) const ANY: &str = "*";

/// A request that a page may not be free to send: one that changes something, or opens a WebSocket.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    origin: &'a str,
    opens_socket: bool,
}

impl<'a> Asked<'a> {
    /// Programs send no origin, and the answers to other requests stay unread.
    pub(super) fn by(method: &Method, headers: &'a HeaderMap) -> Option<Self> {
        let origin = headers.get(header::ORIGIN)?.to_str().unwrap_or("");
        let opens_socket = headers.contains_key(header::UPGRADE);
        let changes = !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        (changes || opens_socket).then_some(Self { origin, opens_socket })
    }
}

/// Refuses the request of a page that has no business here. `by`: who sent the credential; `host`: as the browser knows
/// the hub.
pub(super) fn check(access: &Access, asked: Asked<'_>, by: By, host: Option<&str>) -> Result<(), ApiError> {
    let Asked { origin, opens_socket } = asked;
    // A browser lets any page open a WebSocket and read it, cookies and all: where there are keys, those that are known.
    let in_its_visitors_name = (opens_socket || by == By::Browser) && !access.guard.is_open();
    let is_free = match by {
        // What it holds itself, it may use wherever pages of other origins are wanted at all.
        By::Sender | By::Address => access.cors && !in_its_visitors_name,
        _ => access.takes_every_origin() && !in_its_visitors_name,
    };
    if is_free || is_own(origin, host) || is_listed(origin, &access.allowed_origins) {
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
mod tests;
