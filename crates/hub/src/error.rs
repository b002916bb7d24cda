//! Everything that can be refused here, each with the address of the trouble and a stable code.

use std::time::Duration;

use crate::StreamName;

/// Why a stream could not be claimed for publishing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimError {
    #[error(
        "stream '{name}' already has a connected publisher: stop it, publish under another name, or add ?takeover=1"
    )]
    Claimed { name: StreamName },
    #[error(
        "stream limit reached ({limit} streams): delete a stream, wait for an idle one to be removed, \
         or raise streams.max_concurrent"
    )]
    StreamLimit { limit: usize },
    #[error("the hub is shutting down")]
    ShuttingDown,
}

impl ClaimError {
    pub fn code(&self) -> &'static str {
        match self {
            Self::Claimed { .. } => "STREAM_CLAIMED",
            Self::StreamLimit { .. } => "STREAM_LIMIT",
            Self::ShuttingDown => "SHUTTING_DOWN",
        }
    }
}

/// Why a claimed stream no longer takes frames.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    #[error("another publisher took over stream '{name}'")]
    TakenOver { name: StreamName },
    #[error("stream '{name}' was closed: {reason}")]
    Closed { name: StreamName, reason: Closed },
}

impl PublishError {
    pub fn code(&self) -> &'static str {
        match self {
            Self::TakenOver { .. } => "TAKEN_OVER",
            Self::Closed { .. } => "STREAM_CLOSED",
        }
    }
}

/// Why a stream cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    #[error(
        "stream '{name}' has reached its limit of {limit} viewers: try again later, or raise viewers.max_per_stream"
    )]
    ViewerLimit { name: StreamName, limit: usize },
    #[error("stream '{name}' was closed: {reason}")]
    Closed { name: StreamName, reason: Closed },
}

impl SubscribeError {
    pub fn code(&self) -> &'static str {
        match self {
            Self::ViewerLimit { .. } => "VIEWER_LIMIT",
            Self::Closed { .. } => "STREAM_CLOSED",
        }
    }
}

/// How a stream came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Closed {
    #[error("it was deleted")]
    Deleted,
    #[error("no frame came for {} s", .0.as_secs())]
    Idle(Duration),
    /// Of a derived stream whose parent lives on.
    #[error("it is no longer made in this form")]
    Retired,
    #[error("the hub is shutting down")]
    ShuttingDown,
}
