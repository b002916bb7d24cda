//! The wall: one WebSocket for any number of streams.
//!
//! The browser sends which streams are on its screen (`watch`) and which frame it has painted (`shown`); the hub sends
//! the list of streams each second as text, and frames as binary messages:
//! `u16 big-endian N | N bytes of JSON header | JPEG`.
//! At most [`WINDOW`] frames of a stream are on the way, so a slow browser builds no queue.
//! Here belong the messages of both sides; when to send which is theirs.

use std::{borrow::Cow, collections::BTreeMap, ops::RangeInclusive};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::json;
pub use crate::view::error;

/// Streams that one wall may watch.
pub const MAX_STREAMS: usize = 256;
/// Bytes of a client's message.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;
/// The highest rate that a client may name.
pub const MAX_FPS: f64 = 1000.0;
/// Frames of a stream that may be sent and not yet shown.
pub const WINDOW: usize = 2;

/// Pixels that a side may be asked to have. Smaller pictures show nothing, larger ones are larger than any camera's.
pub const SIDES: RangeInclusive<u32> = 16..=8192;
/// JPEG qualities that may be asked for.
pub const QUALITIES: RangeInclusive<u8> = 1..=100;

/// How a client wants to see a stream.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StreamRequest {
    /// Pixels, within [`SIDES`]. One alone keeps the proportions; no picture is made larger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Of the JPEG, within [`QUALITIES`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<u8>,
    /// Frames per second at most, from 0 to [`MAX_FPS`]; 0 or absent: as many as viewers usually get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fps: Option<f64>,
    /// Name of a running analysis: only frames that it has analysed, as published, with its findings in their metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlay: Option<String>,
}

impl StreamRequest {
    /// The rate to keep to; `None`: as viewers usually get.
    pub fn max_fps(&self) -> Option<f64> {
        self.fps.filter(|fps| *fps > 0.0)
    }
}

/// Messages of a client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum ClientMessage {
    /// Replaces the whole set of watched streams. The names are not checked yet.
    Watch { streams: BTreeMap<String, StreamRequest> },
    /// The frame was painted, or skipped for a newer one.
    Shown { stream: String, seq: u64 },
}

/// Why a message is none of the wall's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("the message has {bytes} bytes; at most {MAX_MESSAGE_BYTES} are taken")]
    MessageTooLarge { bytes: usize },
    #[error("not a message of the wall: {reason}")]
    Malformed { reason: String },
    #[error("{count} streams are named; one wall watches at most {MAX_STREAMS}")]
    TooManyStreams { count: usize },
    #[error("`fps` of stream `{stream}` is {fps}; it must be from 0 (as published) to {MAX_FPS}")]
    BadFps { stream: String, fps: String },
    #[error("the picture wished for of stream `{stream}` cannot be made: sides are {} to {} pixels, quality is {} to {}",
        SIDES.start(), SIDES.end(), QUALITIES.start(), QUALITIES.end())]
    BadLook { stream: String },
    #[error(
        "an overlay comes with the picture of stream `{stream}` as published: leave width, height and quality out"
    )]
    OverlayLook { stream: String },
    #[error("the header of a frame has {bytes} bytes; at most 65535 fit before a frame")]
    HeaderTooLarge { bytes: usize },
    #[error("the binary message of {bytes} bytes ends inside its header")]
    Truncated { bytes: usize },
}

impl Error {
    /// Stable name for JSON errors.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MessageTooLarge { .. } => "MESSAGE_TOO_LARGE",
            Self::Malformed { .. } => "BAD_MESSAGE",
            Self::TooManyStreams { .. } => "TOO_MANY_STREAMS",
            Self::BadFps { .. } => "BAD_FPS",
            Self::BadLook { .. } => "BAD_LOOK",
            Self::OverlayLook { .. } => "OVERLAY_LOOK",
            Self::HeaderTooLarge { .. } => "HEADER_TOO_LARGE",
            Self::Truncated { .. } => "TRUNCATED_MESSAGE",
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Malformed { reason: error.to_string() }
    }
}

impl ClientMessage {
    /// Reads a client's text message and checks its limits.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_MESSAGE_BYTES {
            return Err(Error::MessageTooLarge { bytes: text.len() });
        }
        let message = serde_json::from_str(text)?;
        if let Self::Watch { streams } = &message {
            check_requests(streams)?;
        }
        Ok(message)
    }

    /// The text message.
    pub fn to_json(&self) -> String {
        json::text(self)
    }
}

fn check_requests(streams: &BTreeMap<String, StreamRequest>) -> Result<(), Error> {
    if streams.len() > MAX_STREAMS {
        return Err(Error::TooManyStreams { count: streams.len() });
    }
    for (stream, request) in streams {
        let fps = request.fps.unwrap_or(0.0);
        if !(0.0..=MAX_FPS).contains(&fps) {
            return Err(Error::BadFps { stream: crate::preview(stream.as_bytes()), fps: fps.to_string() });
        }
        let can_be_made = request.width.iter().chain(&request.height).all(|side| SIDES.contains(side))
            && request.quality.iter().all(|quality| QUALITIES.contains(quality));
        if !can_be_made {
            return Err(Error::BadLook { stream: crate::preview(stream.as_bytes()) });
        }
        let has_look = request.width.is_some() || request.height.is_some() || request.quality.is_some();
        if request.overlay.is_some() && has_look {
            return Err(Error::OverlayLook { stream: crate::preview(stream.as_bytes()) });
        }
    }
    Ok(())
}

/// Text messages of the hub, as a client reads them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum ServerMessage {
    /// All streams, each as `/api/streams` shows it.
    Streams { default: Option<String>, streams: Vec<serde_json::Value> },
    /// A watched stream has ended.
    Gone { stream: String, message: String },
    /// The last message was refused.
    Error { message: String },
}

impl ServerMessage {
    /// Reads a hub's text message.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        Ok(serde_json::from_str(text)?)
    }
}

/// `{"type":"streams","default":…,"streams":[…]}`; the objects are the caller's.
///
/// # Errors
/// [`Error::Malformed`] when an object does not serialise.
pub fn streams<S: Serialize>(default: Option<&str>, streams: &[S]) -> Result<String, Error> {
    #[derive(Serialize)]
    struct Streams<'a, S> {
        r#type: &'static str,
        default: Option<&'a str>,
        streams: &'a [S],
    }
    Ok(serde_json::to_string(&Streams { r#type: "streams", default, streams })?)
}

/// `{"type":"gone","stream":…,"message":…}`
pub fn gone(stream: &str, message: &str) -> String {
    json::text(&ServerMessage::Gone { stream: stream.to_owned(), message: message.to_owned() })
}

/// What stands before a frame's JPEG.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrameHeader<'a> {
    #[serde(borrow)]
    pub stream: Cow<'a, str>,
    /// The stream's number of the frame.
    pub seq: u64,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Unix seconds; the capture time if known.
    pub timestamp: f64,
    /// Milliseconds since the hub received the frame.
    pub age_ms: f64,
    /// Frames that this client did not get since the last one.
    #[serde(default)]
    pub skipped: u64,
    /// The publisher's metadata: one valid JSON object, as [`publish::Metadata`](crate::publish::Metadata) gives it.
    /// Spliced in by hand, for it is valid JSON already.
    #[serde(borrow, default, skip_serializing, deserialize_with = "as_spelt")]
    pub metadata: Option<Cow<'a, str>>,
}

fn as_spelt<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Cow<'de, str>>, D::Error> {
    Ok(Option::<&RawValue>::deserialize(deserializer)?.map(|raw| Cow::Borrowed(raw.get())))
}

impl<'a> FrameHeader<'a> {
    /// The bytes before the JPEG: length and JSON. The JPEG itself follows without a copy.
    ///
    /// # Errors
    /// [`Error::HeaderTooLarge`].
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        const USUAL_BYTES: usize = 192;
        let metadata = self.metadata.as_deref().unwrap_or("");
        let mut message = Vec::with_capacity(USUAL_BYTES + metadata.len());
        message.extend_from_slice(&[0, 0]);
        let finite = |value: f64| if value.is_finite() { value } else { 0.0 };
        let header = FrameHeader {
            stream: Cow::Borrowed(&self.stream),
            timestamp: finite(self.timestamp),
            // Microseconds say enough of an age, and keep the text short.
            age_ms: (finite(self.age_ms) * 1000.0).round() / 1000.0,
            metadata: None,
            ..*self
        };
        serde_json::to_writer(&mut message, &header)?;
        if !metadata.is_empty() {
            message.pop(); // the closing brace
            message.extend_from_slice(b",\"metadata\":");
            message.extend_from_slice(metadata.as_bytes());
            message.push(b'}');
        }
        let bytes = message.len() - 2;
        let length = u16::try_from(bytes).map_err(|_| Error::HeaderTooLarge { bytes })?;
        message[..2].copy_from_slice(&length.to_be_bytes());
        Ok(message)
    }

    /// Reads a binary message: its header and the JPEG.
    ///
    /// # Errors
    /// [`Error::Truncated`], [`Error::Malformed`].
    pub fn decode(message: &'a [u8]) -> Result<(Self, &'a [u8]), Error> {
        let truncated = Error::Truncated { bytes: message.len() };
        let Some((&length, rest)) = message.split_first_chunk() else {
            return Err(truncated);
        };
        let length = usize::from(u16::from_be_bytes(length));
        let Some((header, jpeg)) = rest.split_at_checked(length) else {
            return Err(truncated);
        };
        Ok((serde_json::from_slice(header)?, jpeg))
    }
}
