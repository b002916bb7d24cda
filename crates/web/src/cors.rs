//! Cross-origin access (`server.cors_enabled`): pages of other origins, all or those of `server.allowed_origins`, may
//! show and control streams, never with a cookie.
//! Fetch standard, section 3.3 (CORS protocol).

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::auth::{
    Access,
    origin::{ANY, is_listed},
};

/// How long a browser may remember the answer to a preflight.
const MAX_AGE_SECS: &str = "86400";

/// The answer to a browser that asks before it sends.
pub(crate) fn preflight(request: &Request) -> Option<Response> {
    let asks_first = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    asks_first.then(|| allowed(request.headers()))
}

/// The origin that may read the response to a request with these headers; `None`: no other than the hub's.
pub(crate) fn origin(access: &Access, asked: &HeaderMap) -> Option<HeaderValue> {
    if !access.cors {
        return None;
    }
    if access.allowed_origins.is_empty() {
        return Some(HeaderValue::from_static(ANY));
    }
    let origin = asked.get(header::ORIGIN)?;
    is_listed(origin.to_str().ok()?, &access.allowed_origins).then(|| origin.clone())
}

/// Lets the page that sent the request read the response, a refusal too.
pub(crate) fn open(response: &mut Response, origin: HeaderValue) {
    let headers = response.headers_mut();
    if origin != ANY {
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    let exposed =
        "accept-ranges, content-range, etag, x-frame-seq, x-timestamp, x-frame-metadata, retry-after";
    let exposed = HeaderValue::from_static(exposed);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
}

fn allowed(asked: &HeaderMap) -> Response {
    let mut headers = HeaderMap::new();
    let methods = HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE, OPTIONS");
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    let any = HeaderValue::from_static("*");
    let wanted = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned().unwrap_or(any);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE_SECS));
    (StatusCode::NO_CONTENT, headers).into_response()
}
