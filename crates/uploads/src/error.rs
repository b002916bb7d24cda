//! What can be refused, each with the code that the upload protocol gives to it.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use wire::upload::ErrorCode;

use crate::{analysis::Failure, check::BadFrame};

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // ---- a session's begin ----
    #[error(
        "Maximum concurrent sessions reached: all {max} are in use; wait for one to end, or raise REFEREE_MAX_STREAMING_SESSIONS"
    )]
    TooManySessions { max: usize },
    #[error(
        "session_id {shown:?} is not taken: use 1 to 56 letters, digits, '_' or '-', since its frames are shown as stream session_<id>"
    )]
    BadId { shown: String },
    #[error("no right to publish as stream '{stream}': send a key that has it there")]
    Forbidden { stream: String },
    #[error(
        "session '{id}' is in use by another connection: choose another session_id, or send \"resume\": true to take it over"
    )]
    InUse { id: String },
    #[error("this connection has session '{id}' already: end it first, with session_abort if need be")]
    HasSession { id: String },
    #[error("pipeline {shown:?} is unknown: this hub has {}", list(known))]
    UnknownPipeline { shown: String, known: Vec<&'static str> },
    #[error("the upload of frames is turned off here: set REFEREE_MAX_STREAMING_SESSIONS above 0")]
    Disabled,
    #[error("the hub is shutting down")]
    ShuttingDown,
    #[error("fps {fps} is not a rate: send frames a second, or leave it out")]
    BadFps { fps: f64 },

    // ---- within a session ----
    #[error("no session is active on this connection: send session_start first")]
    NoSession,
    #[error("this connection has no session {shown:?}: send the session_id of its session_start")]
    OtherSession { shown: String },
    #[error("session '{id}' was taken over by another connection")]
    TakenOver { id: String },
    #[error("Session timeout: no activity for {} seconds", .after.as_secs_f64())]
    Timeout { after: Duration },
    #[error("{what} may not come {when}")]
    OutOfTurn { what: &'static str, when: &'static str },
    #[error("session_end may not come once the analysis is being finished")]
    TooLateToEnd,
    #[error("the signal has {bytes} bytes: at most {max} are taken")]
    SignalTooLarge { bytes: usize, max: usize },

    // ---- a frame ----
    #[error("frame {number}: {reason}")]
    BadFrame { number: u64, reason: BadFrame },
    #[error(
        "Maximum memory limit reached: frame {number} of {bytes} bytes does not fit into what REFEREE_MAX_STREAMING_MEMORY_MB leaves; send smaller frames, or raise it"
    )]
    MemoryLimit { number: u64, bytes: usize },
    #[error("frame {number}: a session has at most {max} frames")]
    TooManyFrames { number: u64, max: usize },
    #[error("frame {number} cannot be kept: {}: {source}; make room there, then send it again", folder.display())]
    Disk { number: u64, folder: PathBuf, source: io::Error },

    // ---- the end ----
    #[error("{0}")]
    Processing(Arc<Failure>),
}

impl Error {
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::TooManySessions { .. }
            | Self::BadId { .. }
            | Self::Forbidden { .. }
            | Self::InUse { .. }
            | Self::HasSession { .. }
            | Self::UnknownPipeline { .. }
            | Self::ShuttingDown
            | Self::BadFps { .. } => ErrorCode::SessionStartFailed,
            Self::Disabled => ErrorCode::StreamingDisabled,
            Self::NoSession | Self::OtherSession { .. } | Self::TakenOver { .. } | Self::Timeout { .. } => {
                ErrorCode::NoActiveSession
            }
            Self::OutOfTurn { .. } | Self::SignalTooLarge { .. } => ErrorCode::ProtocolError,
            Self::TooLateToEnd => ErrorCode::SessionEndFailed,
            Self::BadFrame { .. } | Self::MemoryLimit { .. } | Self::TooManyFrames { .. } => {
                ErrorCode::FrameProcessingFailed
            }
            Self::Disk { .. } => ErrorCode::InternalError,
            Self::Processing(_) => ErrorCode::ProcessingFailed,
        }
    }

    /// Whether the session goes on as if nothing had happened.
    pub fn is_recoverable(&self) -> bool {
        self.code().is_recoverable() || matches!(self, Self::Disk { .. })
    }
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
