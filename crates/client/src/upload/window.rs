//! The frames that are under way: sent, not yet acknowledged, kept so that they can be sent again.

use super::Frame;
use std::collections::VecDeque;

/// Enough to fill a link across an ocean (0.2 s at 30 frames a second are 6) and a hub's disk that hesitates.
const MOST_FRAMES: usize = 64;
/// Five raw pictures of 1080p. One frame is let through, whatever its size.
const MOST_BYTES: usize = 32 * 1024 * 1024;

/// Bounded by [`MOST_FRAMES`] and [`MOST_BYTES`].
#[derive(Debug, Default)]
pub(super) struct Window {
    frames: VecDeque<Frame>,
    bytes: usize,
}

impl Window {
    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Whether a frame of so many bytes may be sent now.
    pub(super) fn has_room_for(&self, bytes: usize) -> bool {
        let fits = self.frames.len() < MOST_FRAMES && self.bytes + bytes <= MOST_BYTES;
        fits || self.is_empty()
    }

    pub(super) fn push(&mut self, frame: Frame) {
        self.bytes += frame.bytes.len();
        self.frames.push_back(frame);
    }

    /// Takes out the frame of this number; `false` if it is not under way.
    pub(super) fn acknowledge(&mut self, number: u64) -> bool {
        // Acknowledgements keep the order: it is the first, but after a loss.
        let Some(at) = self.frames.iter().position(|frame| frame.number == number) else { return false };
        if let Some(frame) = self.frames.remove(at) {
            self.bytes -= frame.bytes.len();
        }
        true
    }

    /// Takes out the frames below `next`, which the hub says it has. How many there were.
    pub(super) fn acknowledge_before(&mut self, next: u64) -> u64 {
        let before = self.frames.len();
        self.frames.retain(|frame| frame.number >= next);
        self.bytes = self.frames.iter().map(|frame| frame.bytes.len()).sum();
        (before - self.frames.len()) as u64
    }

    /// All of them, oldest first.
    pub(super) fn frames(&self) -> impl Iterator<Item = &Frame> {
        self.frames.iter()
    }
}

#[cfg(test)]
mod tests;
