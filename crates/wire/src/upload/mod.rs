//! Frame upload (`docs/ref/compatibility.md`): one WebSocket on which a client sends a session's frames, every one
//! acknowledged, then the signal log, and receives the progress and the result of the analysis.
//!
//! A message is a text; `frame` and `signal` are followed by their bytes as the next binary message. Here belong the
//! messages of both sides and the header of raw pictures; in which order they may come is the session's business.

mod client;
mod field;
mod raw;
mod server;

pub use client::{ClientMessage, FrameHead, SessionAbort, SessionEnd, SessionStart, SignalHead};
pub use raw::{Raw, RawError};
pub use server::{AckStatus, ErrorCode, ServerMessage, Validation};

use std::{fmt, str::FromStr};

/// Bytes of a client's text message.
pub const MAX_MESSAGE_BYTES: usize = 16 * 1024;

/// How a frame's bytes are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    Jpeg,
    Png,
    /// See [`Raw`].
    Raw,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::Raw => "raw",
        })
    }
}

/// A name that stands for no encoding of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("encoding `{found}` is not taken: allowed are jpeg, png and raw")]
pub struct UnknownEncoding {
    found: String,
}

impl FromStr for Encoding {
    type Err = UnknownEncoding;

    fn from_str(text: &str) -> Result<Self, UnknownEncoding> {
        match text.to_ascii_lowercase().as_str() {
            "jpeg" | "jpg" => Ok(Self::Jpeg),
            "png" => Ok(Self::Png),
            "raw" => Ok(Self::Raw),
            _ => Err(UnknownEncoding { found: crate::preview(text.as_bytes()) }),
        }
    }
}

/// Why a text message is none of this protocol's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("the message has {bytes} bytes; at most {MAX_MESSAGE_BYTES} are taken")]
    TooLarge { bytes: usize },
    #[error("the message is no JSON: {reason}")]
    NotJson { reason: String },
    #[error("the message is no JSON object with a `type`: {found}")]
    NoType { found: String },
    #[error(
        "message type `{found}` is unknown: known are session_start, frame, session_end, signal, session_abort and ping"
    )]
    UnknownType { found: String },
    #[error("{kind}: {reason}")]
    BadField { kind: &'static str, reason: String },
}

impl Error {
    /// The code that the protocol gives to it.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotJson { .. } => ErrorCode::InvalidMessage,
            Self::UnknownType { .. } => ErrorCode::UnknownMessageType,
            Self::TooLarge { .. } | Self::NoType { .. } | Self::BadField { .. } => ErrorCode::ProtocolError,
        }
    }
}
