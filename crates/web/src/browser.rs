//! Whether a browser or a program asks: they need pictures and refusals in different forms.

use http::{HeaderMap, header};

/// Browsers send `Sec-Fetch-Dest`, though only to HTTPS and loopback origins; elsewhere they are known by their name.
pub(crate) fn is_browser(headers: &HeaderMap) -> bool {
    let names_itself = || {
        let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        agent.is_some_and(|agent| agent.starts_with("Mozilla/"))
    };
    headers.contains_key("sec-fetch-dest") || names_itself()
}

/// Whether it wants a page to show, rather than a picture or data for a page that it shows already.
pub(crate) fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    is_browser(headers) && accept.is_some_and(|accept| accept.contains("text/html"))
}
