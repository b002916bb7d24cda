//! Publishing by request body: a picture as the body, a form with the field `frame`, or a `multipart/x-mixed-replace`
//! body that never ends.

use std::sync::Arc;

use axum::extract::Request;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use hub::{Claim, StreamName};
use ingest::{IncomingFrame, Ingest};
use wire::multipart::{self, Part};

use super::{
    Publishing, Query, endless, form,
    frame::{Published, incoming_frame},
    incoming::{Incoming, unless_stopping},
    multipart::bad_multipart,
    open,
};
use crate::error::ApiError;

enum Kind {
    Picture,
    Form { boundary: String },
    Endless { boundary: String },
}

pub(crate) async fn publish(
    publishing: Arc<Publishing>,
    name: StreamName,
    query: Query,
    request: Request,
) -> Result<Published, ApiError> {
    let (head, mut body) = Incoming::of(request);
    let kind = match choose(&publishing, &head.headers)? {
        Some(kind) => kind,
        None => guess(&publishing, &mut body).await?,
    };
    let claim = if matches!(kind, Kind::Endless { .. }) { query.claim() } else { Claim::Shared };
    let ingest = open(&publishing, name, claim)?;
    let text = |name: &str| head.headers.get(name).and_then(|value| str::from_utf8(value.as_bytes()).ok());
    match kind {
        Kind::Picture => {
            let picture = unless_stopping(&publishing, collect(&publishing, body)).await.flatten();
            one(ingest, picture.and_then(|bytes| incoming_frame(bytes, text))).await
        }
        Kind::Form { boundary } => {
            let part = unless_stopping(&publishing, form::read(&publishing, &boundary, body)).await.flatten();
            // What the request says holds for a part that says nothing else.
            let frame = part.and_then(|Part { headers, body }| {
                incoming_frame(body, |name| headers.get(name).or_else(|| text(name)))
            });
            one(ingest, frame).await
        }
        Kind::Endless { boundary } => endless::publish(&publishing, ingest, &boundary, body).await,
    }
}

/// Publishes the one frame of a request.
async fn one(mut ingest: Ingest, frame: Result<IncomingFrame, ApiError>) -> Result<Published, ApiError> {
    let frame = frame.inspect_err(|_| ingest.count_rejected())?;
    let frame_size = frame.bytes.len();
    let published = ingest.frame(frame).await?;
    Ok(Published::new(&ingest, &published, frame_size))
}

/// By the content type; `None` if that leaves it open.
fn choose(publishing: &Publishing, headers: &HeaderMap) -> Result<Option<Kind>, ApiError> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let boundary = || multipart::boundary(text).map_err(|error| bad_multipart(publishing, &error));
    match essence.as_str() {
        "multipart/form-data" => Ok(Some(Kind::Form { boundary: boundary()? })),
        "multipart/x-mixed-replace" => Ok(Some(Kind::Endless { boundary: boundary()? })),
        "image/jpeg" | "image/jpg" | "image/pjpeg" | "image/png" => Ok(Some(Kind::Picture)),
        "" | "application/octet-stream" => Ok(None),
        other => {
            let message = format!(
                "content type '{other}' is not taken: send multipart/form-data with a field 'frame', \
                 image/jpeg, image/png, or multipart/x-mixed-replace"
            );
            Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_CONTENT_TYPE", message))
        }
    }
}

/// Without a content type (ffmpeg sends none) the first bytes decide: a body that begins with a delimiter is a
/// stream of parts, anything else has to be a picture.
async fn guess(publishing: &Publishing, body: &mut Incoming) -> Result<Kind, ApiError> {
    let first = unless_stopping(publishing, body.peek()).await??;
    let line = first.as_deref().unwrap_or_default().split(|&b| b == b'\n').next().unwrap_or_default();
    let boundary =
        line.strip_prefix(b"--").and_then(|rest| std::str::from_utf8(rest).ok()).map(str::trim_end);
    match boundary {
        Some(boundary) if !boundary.is_empty() => Ok(Kind::Endless { boundary: boundary.to_owned() }),
        _ => Ok(Kind::Picture),
    }
}

/// One copy, from the socket's chunks into a buffer of the frame's own size.
async fn collect(publishing: &Publishing, mut body: Incoming) -> Result<Bytes, ApiError> {
    let limits = publishing.admission.limits();
    let announced = body.announced();
    if announced.is_some_and(|length| length > limits.max_bytes as u64) {
        return Err(limits.too_large().into());
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await? {
        if bytes.len() + chunk.len() > limits.max_bytes {
            return Err(limits.too_large().into());
        }
        if bytes.is_empty() {
            // Reserved only now that bytes have come: a promise alone costs nothing.
            bytes.reserve_exact(
                announced.and_then(|length| usize::try_from(length).ok()).unwrap_or(chunk.len()),
            );
        }
        bytes.extend_from_slice(&chunk);
    }
    if let Some(length) = announced.filter(|&length| length > bytes.len() as u64) {
        let message = format!("the body ended after {} of {length} bytes", bytes.len());
        return Err(ApiError::bad_request("BODY_TRUNCATED", message));
    }
    Ok(bytes.into_boxed_slice().into())
}
