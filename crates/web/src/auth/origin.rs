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
mod tests;
