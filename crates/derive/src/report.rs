//! Statistics of what is made.

use std::time::{Duration, SystemTime};

use hub::{StreamStats, Want};

/// One derived stream, and what it has cost.
#[derive(Debug, Clone)]
pub struct Report {
    pub want: Want,
    pub since: SystemTime,
    /// Of the derived stream itself.
    pub stream: StreamStats,
    /// Frames made anew, however many watch.
    pub made: u64,
    /// Frames passed over for newer ones.
    pub skipped: u64,
    /// Frames that could not be read.
    pub errors: u64,
    pub last_error: Option<String>,
    pub busy: Duration,
}

impl Report {
    /// Mean time spent on a frame, in milliseconds.
    pub fn mean_millis(&self) -> f64 {
        self.busy.as_secs_f64() * 1000.0 / self.made.max(1) as f64
    }
}

/// Over all renditions that ever were.
#[derive(Debug, Clone, Copy)]
pub struct RenditionTotals {
    /// Those that are made now.
    pub active: usize,
    pub encodes: u64,
    pub errors: u64,
    pub busy: Duration,
}
