//! What a stream's recorder is doing, for statistics and control.

use std::time::Instant;

use hub::StreamName;
use jiff::Timestamp;

use crate::RecordingId;

/// What a stream's recorder is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Frames are being written.
    Recording,
    /// It is ready, and no frame has come yet.
    Waiting,
    /// It cannot write, says why, and tries again by itself.
    Failed,
}

/// A stream's recorder at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Activity {
    pub stream: StreamName,
    pub state: State,
    /// Why it failed, in words.
    pub error: Option<String>,
    /// The file being written.
    pub current: Option<RecordingId>,
    /// By the clock as it was set last.
    pub started: Timestamp,
    /// When this recorder began: what its duration goes by.
    pub since: Instant,
    /// Since this recorder began; all of its files together.
    pub frames: u64,
    pub bytes: u64,
    pub frames_lost: u64,
}
