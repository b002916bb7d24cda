//! What all recorders together have done since the start.

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
