//! Messages of a client.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Error, MAX_MESSAGE_BYTES, field};
use crate::json;

/// A client's text message.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientMessage {
    /// Makes a session, or takes one up again.
    SessionStart(SessionStart),
    /// The next binary message is this frame.
    Frame(FrameHead),
    /// All frames are sent.
    SessionEnd(SessionEnd),
    /// The next binary message is the signal log; the analysis is to be finished.
    Signal(SignalHead),
    /// Ends the session and forgets what was sent.
    SessionAbort(SessionAbort),
    Ping,
}

/// Existing clients send id, rate and size; everything but the id may be missing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionStart {
    /// Not checked yet.
    pub session_id: String,
    /// Frames a second; absent or 0: not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fps: Option<f64>,
    /// Pixels; absent or 0: the first frame decides.
    #[serde(default, deserialize_with = "field::side", skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    #[serde(default, deserialize_with = "field::side", skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    #[serde(default, deserialize_with = "field::optional_whole", skip_serializing_if = "Option::is_none")]
    pub expected_frames: Option<u64>,
    /// `bgr24`; sent by existing clients, of no consequence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub video_format: Option<String>,
    /// Which analysis; absent: `referee`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<String>,
    /// Whether the result is to hold the key points.
    #[serde(default, deserialize_with = "field::or_default", skip_serializing_if = "is_false")]
    pub include_keypoints: bool,
    /// Whether a video with the analysis drawn into it is made; absent: yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub save_overlay: Option<bool>,
    /// Goes on with the session of that id where the connection to it was lost.
    #[serde(default, deserialize_with = "field::or_default", skip_serializing_if = "is_false")]
    pub resume: bool,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// What comes before the bytes of a frame.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FrameHead {
    /// Absent: the connection's session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The client's, from 0.
    #[serde(deserialize_with = "field::whole")]
    pub frame_number: u64,
    /// Unix seconds by the client's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<f64>,
    /// As an [`Encoding`](super::Encoding) is spelt; absent: `jpeg`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// Of the JPEG; of no consequence.
    #[serde(default, deserialize_with = "field::optional_whole", skip_serializing_if = "Option::is_none")]
    pub quality: Option<u64>,
    /// Bytes that will follow.
    #[serde(default, deserialize_with = "field::optional_whole", skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionEnd {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Frames that the client has sent.
    #[serde(default, deserialize_with = "field::optional_whole", skip_serializing_if = "Option::is_none")]
    pub total_frames: Option<u64>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SignalHead {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// Bytes that will follow.
    #[serde(default, deserialize_with = "field::optional_whole", skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionAbort {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
}

impl ClientMessage {
    /// Reads a client's text message. Members that are not known are passed over.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_MESSAGE_BYTES {
            return Err(Error::TooLarge { bytes: text.len() });
        }
        let message: Value = serde_json::from_str(&json::mended(text))
            .map_err(|error| Error::NotJson { reason: error.to_string() })?;
        let Some(kind) = message.get("type").and_then(Value::as_str) else {
            return Err(Error::NoType { found: crate::preview(text.as_bytes()) });
        };
        match kind {
            "session_start" => fields("session_start", message).map(Self::SessionStart),
            "frame" => fields("frame", message).map(Self::Frame),
            "session_end" => fields("session_end", message).map(Self::SessionEnd),
            "signal" => fields("signal", message).map(Self::Signal),
            "session_abort" => fields("session_abort", message).map(Self::SessionAbort),
            "ping" => Ok(Self::Ping),
            other => Err(Error::UnknownType { found: crate::preview(other.as_bytes()) }),
        }
    }

    /// The text message.
    pub fn to_json(&self) -> String {
        json::text(self)
    }
}

fn fields<T: DeserializeOwned>(kind: &'static str, message: Value) -> Result<T, Error> {
    serde_json::from_value(message).map_err(|error| Error::BadField { kind, reason: error.to_string() })
}
