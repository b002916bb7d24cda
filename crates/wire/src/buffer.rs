//! The buffer that one frame is collected in, and its memory rules.
//!
//! Here belongs how much to reserve for a frame whose length is promised, guessed or unknown, and what a finished
//! frame may waste. Where a frame begins and ends is its user's business.
//!
//! A promise (a `Content-Length`) costs a stranger nothing, so it buys no more than [`FIRST_RESERVE_BYTES`], or as
//! much as the last frame of the same connection really had: a thousand connections that promise 10 MB each and send
//! nothing hold a few untouched pages. A camera's second frame is reserved whole and copied once.

use bytes::Bytes;

/// What a promise alone may reserve. Nearly all JPEG frames of live cameras are smaller, so they are never moved.
const FIRST_RESERVE_BYTES: usize = 256 * 1024;

/// The step for a frame of which nothing is known; a small form field stays small.
const UNKNOWN_RESERVE_BYTES: usize = 4 * 1024;

/// The frame would pass the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

/// How long a frame will be, as far as that is known. Bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    Exactly(usize),
    /// The rest of a body that may have further parts.
    AtMost(usize),
    Unknown,
}

/// One frame being collected.
#[derive(Debug)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    /// No frame is longer, in bytes.
    limit: usize,
    length: Length,
    /// Length of the last finished frame: what this peer has proven to send.
    last: usize,
}

impl Buffer {
    pub(crate) fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), limit, length: Length::Unknown, last: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Forgets what was collected and starts a frame.
    pub(crate) fn begin(&mut self, length: Length) {
        let reserve = match length {
            Length::Exactly(bytes) => bytes.min(self.trusted()),
            Length::AtMost(bytes) if self.last == 0 => bytes.min(self.trusted()),
            Length::AtMost(bytes) => bytes.min(self.like_last()),
            Length::Unknown => self.like_last(),
        };
        self.bytes = Vec::with_capacity(reserve.min(self.limit));
        self.length = length;
    }

    /// Frames of one camera differ by some percent: a sixteenth more saves most of them a move.
    fn like_last(&self) -> usize {
        self.last.saturating_add(self.last / 16)
    }

    /// Copies `more` to the end.
    pub(crate) fn append(&mut self, more: &[u8]) -> Result<(), Full> {
        let needed = self.bytes.len().checked_add(more.len()).ok_or(Full)?;
        if needed > self.limit {
            return Err(Full);
        }
        if needed > self.bytes.capacity() {
            self.grow(needed);
        }
        self.bytes.extend_from_slice(more);
        Ok(())
    }

    fn grow(&mut self, needed: usize) {
        let doubled = self.bytes.capacity().saturating_mul(2).max(UNKNOWN_RESERVE_BYTES);
        let target = match self.length {
            Length::Exactly(bytes) | Length::AtMost(bytes) => bytes.min(doubled.max(self.trusted())),
            Length::Unknown => doubled,
        };
        let target = target.max(needed).min(self.limit);
        self.bytes.reserve_exact(target - self.bytes.len());
    }

    fn trusted(&self) -> usize {
        self.last.max(FIRST_RESERVE_BYTES)
    }

    /// Hands the frame out; at most an eighth of its memory is unused, since a ring may keep it for long.
    pub(crate) fn take(&mut self) -> Bytes {
        let mut bytes = std::mem::take(&mut self.bytes);
        self.last = bytes.len();
        if bytes.capacity() - bytes.len() > bytes.len() / 8 {
            bytes.shrink_to_fit();
        }
        Bytes::from(bytes)
    }

    /// Drops what was collected, and its memory.
    pub(crate) fn clear(&mut self) {
        self.bytes = Vec::new();
        self.length = Length::Unknown;
    }
}

#[cfg(test)]
mod tests;
