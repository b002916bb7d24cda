//! Messages of the hub.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Error;
use crate::json;

/// A hub's text message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    SessionStarted {
        session_id: String,
        /// Answers `"resume": true`: whether there was a session to go on with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resumed: Option<bool>,
        /// The lowest frame number that is not there yet.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next_frame: Option<u64>,
        /// Where the resumed session stands: `receiving_frames`, `frames_complete` or `processing`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<String>,
    },
    FrameAck {
        session_id: String,
        frame_number: u64,
        status: AckStatus,
    },
    SessionEnded {
        session_id: String,
        validation: Validation,
    },
    SignalAck {
        session_id: String,
        status: AckStatus,
    },
    ProcessStart {
        session_id: String,
    },
    ProcessProgress {
        session_id: String,
        stage: String,
        /// 0 to 1.
        progress: f64,
        message: String,
    },
    ProcessComplete {
        session_id: String,
        result: Map<String, Value>,
    },
    Error {
        /// Absent where there is no session.
        session_id: Option<String>,
        error_code: ErrorCode,
        error_message: String,
        /// Whether the session goes on as if nothing had happened.
        recoverable: bool,
    },
    Pong,
}

impl ServerMessage {
    /// Reads a hub's text message.
    ///
    /// # Errors
    /// [`Error::NotJson`], [`Error::BadField`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let message: Value =
            serde_json::from_str(text).map_err(|error| Error::NotJson { reason: error.to_string() })?;
        let bad = |error: serde_json::Error| Error::BadField {
            kind: "the hub's message",
            reason: error.to_string(),
        };
        serde_json::from_value(message).map_err(bad)
    }

    /// The text message.
    pub fn to_json(&self) -> String {
        json::text(self)
    }
}

/// What became of a frame or a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AckStatus {
    Received,
    /// The number was there before; this one is dropped.
    Duplicate,
    /// It was not taken; an `error` before this says why.
    Error,
}

/// What the hub found when all frames had been sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validation {
    /// Whether there is no issue.
    pub valid: bool,
    /// In words.
    pub issues: Vec<String>,
    pub frame_count: u64,
    pub missing_frames: u64,
    pub duplicate_frames: u64,
    pub out_of_order_frames: u64,
    pub has_signal: bool,
}

/// Every code of an `error`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorCode {
    /// Not what may come now, or a member is missing or wrong.
    ProtocolError,
    /// No JSON.
    InvalidMessage,
    SessionStartFailed,
    NoActiveSession,
    FrameProcessingFailed,
    SessionEndFailed,
    ProcessingFailed,
    InternalError,
    UnknownMessageType,
    /// This hub takes no uploads.
    StreamingDisabled,
}

impl ErrorCode {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ProtocolError => "PROTOCOL_ERROR",
            Self::InvalidMessage => "INVALID_MESSAGE",
            Self::SessionStartFailed => "SESSION_START_FAILED",
            Self::NoActiveSession => "NO_ACTIVE_SESSION",
            Self::FrameProcessingFailed => "FRAME_PROCESSING_FAILED",
            Self::SessionEndFailed => "SESSION_END_FAILED",
            Self::ProcessingFailed => "PROCESSING_FAILED",
            Self::InternalError => "INTERNAL_ERROR",
            Self::UnknownMessageType => "UNKNOWN_MESSAGE_TYPE",
            Self::StreamingDisabled => "STREAMING_DISABLED",
        }
    }

    /// Whether the session goes on as if nothing had happened.
    pub fn is_recoverable(self) -> bool {
        matches!(self, Self::FrameProcessingFailed | Self::UnknownMessageType)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
