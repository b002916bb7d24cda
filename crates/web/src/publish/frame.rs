//! One frame of a request: its headers, and the answer to it.

use bytes::Bytes;
use hub::{CaptureTime, Frame};
use ingest::{IncomingFrame, Ingest};
use serde::Serialize;
use utoipa::ToSchema;
use wire::publish::Metadata;

use crate::error::ApiError;

/// `X-Timestamp` (Unix seconds, the capture time), `X-Frame-Seq` (the publisher's own number) and `X-Frame-Metadata`
/// (what a WebSocket publisher sends as a text message) travel with a frame.
pub(super) fn incoming_frame<'a>(
    bytes: Bytes,
    header: impl Fn(&str) -> Option<&'a str>,
) -> Result<IncomingFrame, ApiError> {
    let metadata = match header("x-frame-metadata") {
        Some(text) => Metadata::parse(text).map_err(|error| bad_metadata(&error))?,
        None => Metadata::default(),
    };
    let captured = header("x-timestamp").and_then(|text| text.trim().parse().ok()).or(metadata.captured);
    Ok(IncomingFrame {
        bytes,
        captured: captured.map(CaptureTime::claimed),
        source_seq: header("x-frame-seq").and_then(|text| text.trim().parse().ok()).or(metadata.seq),
        metadata: metadata.rest,
    })
}

fn bad_metadata(error: &wire::publish::Error) -> ApiError {
    let message = match error {
        // Its own text speaks of WebSocket messages.
        wire::publish::Error::NotAnObject { reason } => {
            format!("the header X-Frame-Metadata is no JSON object: {reason}")
        }
        other => format!("the header X-Frame-Metadata: {other}"),
    };
    ApiError::bad_request(error.code(), message)
}

/// The answer to a published frame; to a body of many, with their totals.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Published {
    #[schema(example = "success")]
    pub(super) status: &'static str,
    #[schema(example = "camera1")]
    pub(super) stream: String,
    /// Bytes of the (last) frame as it was received.
    #[schema(example = 45678)]
    pub(super) frame_size: usize,
    /// The (last) frame's number in the stream.
    pub(super) seq: u64,
    /// Of a body of many frames: how many were taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) frames: Option<u64>,
    /// Of a body of many frames: how many were refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rejected: Option<u64>,
    /// Of a body of many frames: bytes taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bytes: Option<u64>,
}

impl Published {
    pub(super) fn new(ingest: &Ingest, frame: &Frame, frame_size: usize) -> Self {
        let stream = ingest.name().to_string();
        Self { status: "success", stream, frame_size, seq: frame.seq, ..Self::default() }
    }
}
