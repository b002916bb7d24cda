//! Cross-origin access (`server.cors_enabled`): pages of other origins, all or those of `server.allowed_origins`, may
//! show and control streams, never with a cookie. What every response says of itself to a browser.
//! Fetch standard, sections 3.3 (CORS protocol) and 3.7 (`Cross-Origin-Resource-Policy`).

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use crate::auth::{
    Access,
    origin::{ANY, is_listed},
};

/// How long a browser may remember the answer to a preflight.
const MAX_AGE_SECS: &str = "86400";

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// What a response says of itself, as decided by its request.
pub(crate) struct Openness {
    /// The origin that may read it.
    reader: Option<HeaderValue>,
    /// Another origin would be told something else.
    varies: bool,
    /// Pages of other origins may show it.
    is_shown: bool,
}

impl Openness {
    pub(crate) fn of(access: &Access, request: &Request) -> Self {
        Self {
            reader: reader(access, request.headers()),
            varies: access.cors && !access.allowed_origins.is_empty(),
            // A link is for the page that it was given to.
            is_shown: access.cors || access.is_by_address(request),
        }
    }

    /// The answer to a browser that asks before it sends.
    pub(crate) fn preflight(&self, request: &Request) -> Option<Response> {
        let asks_first = request.method() == Method::OPTIONS
            && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        (asks_first && self.reader.is_some()).then(|| allowed(request.headers()))
    }

    /// Lets the page that sent the request read the response, a refusal too, or none.
    pub(crate) fn describe(self, response: &mut Response) {
        let headers = response.headers_mut();
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        let shown = if self.is_shown { "cross-origin" } else { "same-origin" };
        headers.insert(RESOURCE_POLICY, HeaderValue::from_static(shown));
        if self.varies {
            headers.append(header::VARY, HeaderValue::from_static("Origin"));
        }
        let Some(origin) = self.reader else { return };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        let exposed = "accept-ranges, content-range, etag, x-frame-seq, x-frame-age-ms, x-timestamp, \
            x-frame-metadata, retry-after";
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(exposed));
    }
}

fn reader(access: &Access, asked: &HeaderMap) -> Option<HeaderValue> {
    if access.takes_every_origin() {
        return Some(HeaderValue::from_static(ANY));
    }
    let origin = asked.get(header::ORIGIN).filter(|_| access.cors)?;
    is_listed(origin.to_str().ok()?, &access.allowed_origins).then(|| origin.clone())
}

fn allowed(asked: &HeaderMap) -> Response {
    let mut headers = HeaderMap::new();
    let methods = HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE, OPTIONS");
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    let any = HeaderValue::from_static("*");
    let wanted = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned().unwrap_or(any);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE_SECS));
    // Of a page on the internet that asks for a hub in the browser's own network.
    if asked.contains_key("access-control-request-private-network") {
        headers.insert("access-control-allow-private-network", HeaderValue::from_static("true"));
    }
    (StatusCode::NO_CONTENT, headers).into_response()
}
