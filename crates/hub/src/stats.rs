//! Counters and snapshots: one source of figures for every protocol (H4).

use std::time::{Duration, SystemTime};

use crate::{Demand, Format, StreamName};

/// Counters that only grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Frames published.
    pub frames: u64,
    /// Bytes published.
    pub bytes: u64,
    /// Frames that publishers sent and the hub refused (not an image, too large, …).
    pub rejected: u64,
    /// Frames whose capture time cannot be true: they go by their arrival.
    pub capture_times_ignored: u64,
    /// Frames handed to viewers.
    pub served: u64,
    /// Frames that viewers passed over because a newer one was there.
    pub skipped: u64,
}

impl Totals {
    pub(crate) fn add(&mut self, other: Totals) {
        self.frames += other.frames;
        self.bytes += other.bytes;
        self.rejected += other.rejected;
        self.capture_times_ignored += other.capture_times_ignored;
        self.served += other.served;
        self.skipped += other.skipped;
    }
}

/// One stream at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamStats {
    pub name: StreamName,
    /// Distinguishes a re-created stream from the one before it (H2).
    pub epoch: u64,
    pub created: SystemTime,
    pub uptime: Duration,
    /// Wall time of the newest frame.
    pub last_frame: Option<SystemTime>,
    /// Since the newest frame, or since creation.
    pub inactive: Duration,
    pub totals: Totals,
    pub demand: Demand,
    /// Frames a second over the last seconds.
    pub fps: f64,
    /// Bytes a second over the last seconds.
    pub bytes_per_sec: f64,
    /// Frames in the ring now, and how many it may hold.
    pub buffered_frames: usize,
    pub buffer_capacity: usize,
    pub buffered_bytes: usize,
    /// Of the newest frame.
    pub format: Option<Format>,
    pub frame_bytes: Option<usize>,
    pub newest_seq: u64,
    /// A connection (not one-shot requests) publishes it.
    pub claimed: bool,
    /// A source of the hub's own feeds it, and rests while it has no readers.
    pub on_demand: bool,
    /// What was odd about how its frames came, each once.
    pub remarks: Vec<&'static str>,
}

/// The whole hub at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct HubStats {
    /// In the order of their names.
    pub streams: Vec<StreamStats>,
    /// Over all streams that ever were; of those that have ended, as they stood at their end.
    pub totals: Totals,
}

impl HubStats {
    /// Only the streams whose name `shows`, and the totals over them alone.
    pub fn retain(&mut self, shows: impl Fn(&StreamName) -> bool) {
        self.streams.retain(|stream| shows(&stream.name));
        self.totals = Totals::default();
        for stream in &self.streams {
            self.totals.add(stream.totals);
        }
    }
}
