//! Publishing by request body: a form with the field `frame`, or a body in which pictures come.

use std::sync::Arc;

use axum::extract::Request;
use http::{HeaderMap, header};
use hub::{Claim, StreamName};
use wire::multipart::{self, Part};

use super::{
    Publishing, Query, form,
    frame::{Published, incoming_frame},
    incoming::{Incoming, unless_stopping},
    multipart::bad_multipart,
    open, pictures,
};
use crate::error::ApiError;

pub(crate) async fn publish(
    publishing: Arc<Publishing>,
    name: StreamName,
    query: Query,
    request: Request,
) -> Result<Published, ApiError> {
    let (head, body) = Incoming::of(request);
    match form_boundary(&publishing, &head.headers)? {
        Some(boundary) => publish_form(&publishing, name, &boundary, &head.headers, body).await,
        None => pictures::publish(&publishing, name, query, &head.headers, body).await,
    }
}

/// The boundary of a form; `None` for any other body.
fn form_boundary(publishing: &Publishing, headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let text = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("multipart/form-data") {
        return Ok(None);
    }
    multipart::boundary(text).map(Some).map_err(|error| bad_multipart(publishing, &error))
}

/// The one frame of a form.
async fn publish_form(
    publishing: &Publishing,
    name: StreamName,
    boundary: &str,
    headers: &HeaderMap,
    body: Incoming,
) -> Result<Published, ApiError> {
    let mut ingest = open(publishing, name, Claim::Shared)?;
    let part = unless_stopping(publishing, form::read(publishing, boundary, body)).await.flatten();
    let of_request = |name: &str| headers.get(name).and_then(|value| str::from_utf8(value.as_bytes()).ok());
    // What the request says holds for a part that says nothing else.
    let frame = part.and_then(|Part { headers, body }| {
        incoming_frame(body, |name| headers.get(name).or_else(|| of_request(name)))
    });
    let frame = frame.inspect_err(|_| ingest.count_rejected())?;
    let frame_size = frame.bytes.len();
    let published = ingest.frame(frame).await?;
    Ok(Published::new(&ingest, &published, frame_size))
}
