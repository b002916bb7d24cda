//! The messages of the simulator proxy's WebSocket view: JSON text, the frame in base64.
//!
//! Here belong the hub's messages to viewers and what a simulator sends in the same form. Which messages are relayed
//! to whom is the session's business.

use base64::{
    Engine,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::json;

/// Takes base64 with or without the `=` at its end: some simulators' encoders leave it out.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Outgoing<'a> {
    Status { message: &'a str },
    Error { message: &'a str },
}

/// `{"type":"status","message":…}`
pub fn status(message: &str) -> String {
    json::text(&Outgoing::Status { message })
}

/// `{"type":"error","message":…}`
pub fn error(message: &str) -> String {
    json::text(&Outgoing::Error { message })
}

/// `{"type":"metadata","seq":…,"timestamp":…,"width":…,"height":…,"metadata":{…}|null}`, sent right before the frame
/// that it is about. `timestamp` is in Unix seconds; `metadata` is one valid JSON object.
pub fn metadata(seq: u64, timestamp: f64, (width, height): (u32, u32), metadata: Option<&str>) -> String {
    let timestamp = if timestamp.is_finite() { timestamp } else { 0.0 };
    let metadata = metadata.unwrap_or("null");
    format!(
        r#"{{"type":"metadata","seq":{seq},"timestamp":{timestamp:?},"width":{width},"height":{height},"metadata":{metadata}}}"#
    )
}

/// `{"type":"frame","data":"<base64>"}`, in one allocation.
pub fn frame(jpeg: &[u8]) -> String {
    const START: &str = r#"{"type":"frame","data":""#;
    const END: &str = r#""}"#;
    let encoded = jpeg.len().div_ceil(3) * 4;
    let mut text = String::with_capacity(START.len() + encoded + END.len());
    text.push_str(START);
    STANDARD.encode_string(jpeg, &mut text);
    text.push_str(END);
    text
}

/// Bytes of a message with a picture of that size: in base64 it takes a third more; a kilobyte for what stands around it.
pub fn max_message_bytes(max_frame_bytes: usize) -> usize {
    max_frame_bytes / 3 * 4 + 1024
}

/// A text message that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// `{"type":"frame","data":…}`, decoded. Whether these bytes are a picture is not known yet.
    Frame(Bytes),
    /// Anything else, JSON or not: signalling that is relayed as it came.
    Other,
}

/// Why a message of type `frame` has no frame for us.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("a message of type `frame` has no text `data`; send the picture there, in base64")]
    NoData,
    #[error("the frame has more than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("the frame's `data` is no base64: {reason}")]
    BadBase64 { reason: String },
}

impl Error {
    /// Stable name for JSON errors.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoData => "NO_FRAME_DATA",
            Self::TooLarge { .. } => "FRAME_TOO_LARGE",
            Self::BadBase64 { .. } => "BAD_BASE64",
        }
    }
}

/// The two members that say whether a message is a frame, not yet read.
#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// Reads a text message; a frame may have `max_frame_bytes` after decoding.
///
/// # Errors
/// Only for messages whose type is `frame`; see [`Error`].
pub fn parse(text: &str, max_frame_bytes: usize) -> Result<Incoming, Error> {
    let Ok(members) = serde_json::from_str::<Members<'_>>(text) else {
        return Ok(Incoming::Other);
    };
    if members.kind.and_then(json::string).as_deref() != Some("frame") {
        return Ok(Incoming::Other);
    }
    let data = members.data.and_then(json::string).ok_or(Error::NoData)?;
    decode(&data, max_frame_bytes).map(Incoming::Frame)
}

fn decode(data: &str, max_frame_bytes: usize) -> Result<Bytes, Error> {
    let data = without_prefix(data.trim());
    if decoded_bytes(data) <= max_frame_bytes
        && let Ok(bytes) = LENIENT.decode(data)
    {
        return Ok(Bytes::from(bytes));
    }
    // Line breaks (MIME) are rare: only a text that failed is copied without them and tried again.
    let data: String = data.split_ascii_whitespace().collect();
    if decoded_bytes(&data) > max_frame_bytes {
        return Err(Error::TooLarge { limit: max_frame_bytes });
    }
    let bytes = LENIENT.decode(&data).map_err(|error| Error::BadBase64 { reason: error.to_string() })?;
    Ok(Bytes::from(bytes))
}

/// What base64 of this length decodes to, if it has no blanks.
fn decoded_bytes(data: &str) -> usize {
    let digits = data.trim_end_matches('=').len();
    digits / 4 * 3 + digits % 4 * 3 / 4
}

/// A named tolerance: simulators that reuse what their canvas gave them send `data:image/jpeg;base64,…`.
fn without_prefix(data: &str) -> &str {
    match data.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")) {
        Some((_media_type, encoded)) => encoded,
        None => data,
    }
}
