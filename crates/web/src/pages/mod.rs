//! The pages, embedded in the binary: plain HTML, CSS and ES modules, served as they lie in `assets/`.

pub(crate) mod swagger;

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use rust_embed::RustEmbed;

use crate::error::ApiError;

#[derive(RustEmbed)]
#[folder = "src/pages/assets"]
struct Assets;

/// A page or a file that it loads. Revalidated at each load by its hash, so that a new binary shows at once.
pub(crate) fn file(path: &str, request: &HeaderMap) -> Response {
    let Some(file) = Assets::get(path) else {
        return ApiError::new(StatusCode::NOT_FOUND, "NOT_FOUND", "no such page file").into_response();
    };
    let hash = file.metadata.sha256_hash();
    let tag = hash[..8].iter().fold(String::from("\""), |tag, byte| format!("{tag}{byte:02x}")) + "\"";
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, content_type(path));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if request.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
    for_any_frame(path, (headers, file.data).into_response())
}

/// A page that was opened by a key or a link in its address: what it loads is named so that it needs neither again,
/// nor a cookie, which a browser does not send from within another site's frame.
pub(crate) fn page(path: &str, request: &HeaderMap, ticket: Option<&str>) -> Response {
    let (Some(ticket), Some(file)) = (ticket, Assets::get(path)) else { return file(path, request) };
    let page = String::from_utf8_lossy(&file.data).replace("assets/", &format!("assets/{TICKET}{ticket}/"));
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, content_type(path));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    for_any_frame(path, (headers, page).into_response())
}

/// Begins the part of a file's path that is a ticket.
pub(crate) const TICKET: char = '~';

/// The page that asks for a key, in place of the one at `path`.
pub(crate) fn login(path: &str) -> Response {
    let Some(file) = Assets::get("login.html") else {
        return ApiError::new(StatusCode::NOT_FOUND, "NOT_FOUND", "no such page file").into_response();
    };
    let up = "../".repeat(path.matches('/').count().saturating_sub(1));
    let page =
        String::from_utf8_lossy(&file.data).replace("data-hub=\"./\"", &format!("data-hub=\"./{up}\""));
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, content_type("login.html"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; \
        img-src data:; base-uri 'none'; form-action 'self'";
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    (StatusCode::UNAUTHORIZED, headers, page).into_response()
}

/// What pages may load and run: their own files. Pictures are shown as blobs, too.
const OWN_FILES: &str = "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; object-src 'none'; \
    base-uri 'none'; form-action 'self'";

/// In a response's extensions: any page may show it in a frame.
#[derive(Clone, Copy)]
struct InAnyFrame;

/// The embed page is for frames of any site, those of isolated pages (COEP) included.
fn for_any_frame(path: &str, mut response: Response) -> Response {
    if path == "embed.html" {
        response.extensions_mut().insert(InAnyFrame);
        let isolated = HeaderValue::from_static("require-corp");
        response.headers_mut().insert("cross-origin-embedder-policy", isolated);
    }
    response
}

/// Every page says what it may load, and is shown in no other site's frame but those of `origins`.
pub(crate) fn protect(response: &mut Response, origins: &[String]) {
    let content_type = response.headers().get(header::CONTENT_TYPE);
    if !content_type.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html")) {
        return;
    }
    let said = response.headers().get(header::CONTENT_SECURITY_POLICY);
    let mut policy = said.and_then(|policy| policy.to_str().ok()).unwrap_or(OWN_FILES).to_owned();
    // Left out rather than `*`, which stands for pages of HTTP alone.
    if response.extensions().get::<InAnyFrame>().is_none() {
        policy += "; frame-ancestors 'self'";
        policy.extend(origins.iter().map(|origin| format!(" {origin}")));
    }
    if let Ok(policy) = HeaderValue::try_from(policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
}

fn content_type(path: &str) -> HeaderValue {
    HeaderValue::from_static(match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        _ => "application/octet-stream",
    })
}
