//! Frames on their way to the disk: collected until they make a fragment.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use hub::Frame;
use media::fmp4::{Sample, ticks};

/// How long a fragment may be, and how long after its arrival a frame is written: what a kill costs.
pub(super) const LENGTH: Duration = Duration::from_millis(500);
/// How large it may be, but for its last frame: what a recorder holds in memory (DK5).
pub const MAX_BYTES: usize = 4 << 20;
/// How many frames it may have: above any camera's rate.
const MAX_FRAMES: usize = 500;

/// Frames that are missing between two that are there; times in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Missing {
    /// When the last one before them was shown,
    pub(crate) from: u64,
    /// and the first one after them.
    pub(crate) until: u64,
    pub(crate) frames: u64,
}

/// What is written at once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fragment {
    pub(crate) samples: Vec<Sample>,
    /// One a sample.
    pub(crate) payloads: Vec<Bytes>,
    pub(crate) bytes: usize,
    /// Our wall clock at the first frame's arrival.
    pub(crate) wall: Option<SystemTime>,
    /// Before or between its frames.
    pub(crate) missing: Vec<Missing>,
}

impl Fragment {
    pub(crate) fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.length() >= ticks(LENGTH) || self.bytes >= MAX_BYTES || self.samples.len() >= MAX_FRAMES
    }

    /// From the first sample's time to the last one's end.
    pub(crate) fn length(&self) -> u64 {
        self.start().map_or(0, |start| self.end() - start)
    }

    pub(crate) fn start(&self) -> Option<u64> {
        self.samples.first().map(|sample| sample.time)
    }

    pub(crate) fn end(&self) -> u64 {
        self.samples.last().map_or(0, |sample| sample.time + u64::from(sample.duration))
    }

    /// Appends a frame that is shown from `time` on, coded as `payload`. A frame is shown until the next; how long the
    /// last one of a fragment is shown is not known when it is written, so it gets `usual` ticks.
    pub(crate) fn push(&mut self, frame: &Frame, payload: Bytes, key: bool, time: u64, usual: u32) {
        self.wall.get_or_insert(frame.received.wall);
        self.bytes += payload.len();
        self.samples.push(Sample {
            time,
            duration: usual,
            bytes: u32::try_from(payload.len()).unwrap_or(u32::MAX),
            key,
            seq: frame.seq,
            captured: frame.captured.map(hub::CaptureTime::unix_secs),
            metadata: frame.metadata.as_ref().map(Arc::clone),
        });
        self.payloads.push(payload);
    }
}

#[cfg(test)]
mod tests {
    use hub::{Format, Moment};

    use super::*;

    fn fragment(times: &[u64], bytes: usize) -> Fragment {
        let mut fragment = Fragment::default();
        for (at, &time) in times.iter().enumerate() {
            let payload = Bytes::from(vec![0; bytes]);
            let frame = Frame {
                seq: at as u64 + 1,
                received: Moment { mono: std::time::Instant::now(), wall: SystemTime::UNIX_EPOCH },
                payload: payload.clone(),
                format: Format::jpeg(1, 1),
                captured: None,
                source_seq: None,
                metadata: None,
            };
            fragment.push(&frame, payload, true, time, 3000);
        }
        fragment
    }

    #[test]
    fn it_lasts_until_its_last_frame_was_shown_as_long_as_usual() {
        let fragment = fragment(&[900, 4000, 4001], 1);
        assert_eq!((fragment.start(), fragment.end(), fragment.length()), (Some(900), 7001, 6101));
    }

    #[test]
    fn it_is_full_by_length_by_bytes_or_by_frames() {
        assert!(!fragment(&[0, 30_000], 1).is_full());
        assert!(fragment(&[0, 42_000], 1).is_full());
        assert!(fragment(&[0, 3000, 6000], MAX_BYTES / 3 + 1).is_full());
        assert!(fragment(&(0..MAX_FRAMES as u64).collect::<Vec<_>>(), 0).is_full());
        assert!(!Fragment::default().is_full());
    }
}
