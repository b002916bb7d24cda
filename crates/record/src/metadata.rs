//! The JSON beside a recording: document 001's fields, and ours after them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Codec, Kind};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Being written.
    Recording,
    #[default]
    Finished,
    /// Its writer did not come to its end: cut to the last whole fragment at the next start.
    Healed,
}

/// Frames that are missing, since the disk did not keep up.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// When the first of them would have been shown.
    pub at: Timestamp,
    pub seconds: f64,
    pub frames: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    pub stream_name: String,
    pub start_time: Timestamp,
    pub end_time: Timestamp,
    pub duration_seconds: f64,
    pub total_frames: u64,
    pub average_fps: f64,
    pub target_fps: f64,
    pub codec: Codec,
    /// As the recordings' folder is configured: relative if that is.
    pub recording_path: String,
    pub file: String,
    pub status: Status,
    pub kind: Kind,
    pub size_bytes: u64,
    pub width: u32,
    pub height: u32,
    /// All of them, also of gaps that are listed no more.
    pub frames_lost: u64,
    /// The first hundred.
    pub gaps: Vec<Gap>,
}
