//! What bounds uploads, and where they keep things.

use std::{path::PathBuf, time::Duration};

#[derive(Debug, Clone)]
pub struct Settings {
    /// At the same time; 0: this hub takes none.
    pub max_sessions: usize,
    /// Frames of all sessions together that are in memory.
    pub max_memory_bytes: u64,
    /// Frames of one session that may be in memory; what is beyond goes to disk.
    pub spool_memory_bytes: u64,
    /// A session without a message for so long ends.
    pub session_timeout: Duration,
    /// Bytes of one frame.
    pub max_frame_bytes: usize,
    /// Bytes of a video that is sent as one file.
    pub max_video_bytes: u64,
    /// Analyses that run at once; the others wait in order.
    pub analyses: usize,
    /// Artifacts, a folder a session.
    pub folder: PathBuf,
    /// What the spool leaves free on the disk.
    pub min_free_bytes: u64,
    /// Of the JPEGs that viewers get where a session sends PNG or raw frames, 1 to 100.
    pub jpeg_quality: u8,
}

impl Settings {
    /// A session's part of the memory: what it may have, but no more than leaves room for all others.
    pub(crate) fn share(&self) -> u64 {
        let sessions = u64::try_from(self.max_sessions.max(1)).unwrap_or(u64::MAX);
        self.spool_memory_bytes.min(self.max_memory_bytes / sessions)
    }
}
