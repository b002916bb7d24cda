//! A frame: one picture, immutable from the moment it is published (F1), and what describes it.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;

/// How a payload is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// A whole JPEG file (ITU-T T.81 with JFIF/EXIF markers), SOI to EOI.
    Jpeg,
    /// One H.264 access unit in Annex B form.
    H264,
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jpeg => "JPEG",
            Self::H264 => "H.264",
        })
    }
}

/// All that is needed to read a payload (F5), found out once, at the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Format {
    pub codec: Codec,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Whether decoding may start at this frame. Always true for JPEG.
    pub key: bool,
}

impl Format {
    pub fn jpeg(width: u32, height: u32) -> Self {
        Self { codec: Codec::Jpeg, width, height, key: true }
    }
}

/// Our clocks read together: `mono` for durations, `wall` for people and names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub mono: Instant,
    pub wall: SystemTime,
}

impl Moment {
    pub fn now() -> Self {
        Self { mono: Instant::now(), wall: SystemTime::now() }
    }
}

/// When the publisher says that the picture was taken: seconds since the Unix epoch by *its* clock (F4), which
/// may be wrong, so it is shown and stored, and compared with ours only to leave out what cannot be true.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CaptureTime(f64);

impl CaptureTime {
    /// As a publisher says, whatever that is: publishing leaves out what cannot be true.
    pub fn claimed(secs: f64) -> Self {
        Self(secs)
    }

    /// `None` unless finite and not negative.
    pub fn from_unix_secs(secs: f64) -> Option<Self> {
        (secs.is_finite() && secs >= 0.0).then_some(Self(secs))
    }

    pub fn unix_secs(self) -> f64 {
        self.0
    }
}

/// What a publisher hands over: a frame that has no number and no arrival time yet.
#[derive(Clone)]
pub struct NewFrame {
    /// Owns exactly its bytes (F2).
    pub payload: Bytes,
    pub format: Format,
    pub captured: Option<CaptureTime>,
    /// The publisher's own number (F3).
    pub source_seq: Option<u64>,
    /// A JSON object in text form, checked and bounded where it was read.
    pub metadata: Option<Arc<str>>,
}

impl NewFrame {
    pub fn new(payload: Bytes, format: Format) -> Self {
        Self { payload, format, captured: None, source_seq: None, metadata: None }
    }
}

/// One published picture.
#[derive(Clone)]
pub struct Frame {
    /// From 1, without holes within one epoch of a stream (F3).
    pub seq: u64,
    pub received: Moment,
    pub payload: Bytes,
    pub format: Format,
    pub captured: Option<CaptureTime>,
    pub source_seq: Option<u64>,
    pub metadata: Option<Arc<str>>,
}

impl Frame {
    pub(crate) fn numbered(seq: u64, new: NewFrame, received: Moment) -> Self {
        let NewFrame { payload, format, captured, source_seq, metadata } = new;
        Self { seq, received, payload, format, captured, source_seq, metadata }
    }

    /// Seconds since the Unix epoch for `X-Timestamp` and the like: the capture time if known, else our wall clock.
    pub fn timestamp_unix_secs(&self) -> f64 {
        let received =
            || self.received.wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        self.captured.map_or_else(received, CaptureTime::unix_secs)
    }

    /// How long ago this hub received it.
    pub fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.received.mono)
    }
}

impl fmt::Debug for NewFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewFrame").field("bytes", &self.payload.len()).field("format", &self.format).finish()
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut s = f.debug_struct("Frame");
        s.field("seq", &self.seq).field("bytes", &self.payload.len()).field("format", &self.format).finish()
    }
}

#[cfg(test)]
mod tests;
