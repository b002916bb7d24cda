//! What connections to cameras and simulators have in common: time limits, credentials, refusals.

use std::time::Duration;

use ::http::StatusCode;
use percent_encoding::percent_decode_str;
use url::Url;

use super::error::Error;

/// Connecting, TLS included. A camera on a radio link answers within that or not at all.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// From the request to the answer's head.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// User and password of a URL, decoded.
pub fn credentials(url: &Url) -> (String, String) {
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    (decode(url.username()), decode(url.password().unwrap_or_default()))
}

/// The error for an answer that is no success.
pub fn refused(status: StatusCode, has_password: bool) -> Error {
    let hint = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if has_password => {
            ": user or password are not taken"
        }
        StatusCode::UNAUTHORIZED => ": it wants a password; write http://USER:PASSWORD@HOST/…",
        StatusCode::NOT_FOUND => ": there is nothing at this address",
        _ => "",
    };
    Error::Refused { status: status.as_u16(), hint }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn credentials_are_decoded() {
        let url = "http://me%40home:p%3A%2F@cam/".parse().unwrap();
        assert_eq!(credentials(&url), ("me@home".to_owned(), "p:/".to_owned()));
    }
}
