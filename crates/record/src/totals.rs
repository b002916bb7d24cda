//! What all recorders together have done since the start.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters that only grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Frames written.
    pub frames: u64,
    /// Bytes written, headers included.
    pub bytes: u64,
    /// Frames that could not be written.
    pub frames_lost: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    frames: AtomicU64,
    bytes: AtomicU64,
    frames_lost: AtomicU64,
}

impl Counters {
    pub(crate) fn written(&self, frames: u64, bytes: u64) {
        self.frames.fetch_add(frames, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn lost(&self, frames: u64) {
        self.frames_lost.fetch_add(frames, Ordering::Relaxed);
    }

    pub(crate) fn totals(&self) -> Totals {
        Totals {
            frames: self.frames.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            frames_lost: self.frames_lost.load(Ordering::Relaxed),
        }
    }
}
