//! Statistics of what is made.

use std::time::SystemTime;

use hub::{StreamStats, Want};

use crate::Counts;

/// One derived stream, and what it has cost.
#[derive(Debug, Clone)]
pub struct Report {
    pub want: Want,
    pub since: SystemTime,
    /// Of the derived stream itself.
    pub stream: StreamStats,
    pub counts: Counts,
}

impl Report {
    /// Mean time spent on a frame, in milliseconds.
    pub fn mean_millis(&self) -> f64 {
        self.counts.busy.as_secs_f64() * 1000.0 / self.counts.made.max(1) as f64
    }
}

/// Over all renditions that ever were.
#[derive(Debug, Clone)]
pub struct RenditionTotals {
    /// Those that are made now.
    pub active: usize,
    pub counts: Counts,
}
