//! What all tasks of a measurement share: the plan, the clock, the measured window.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use serde::{Serialize, Serializer};
use tokio_util::sync::CancellationToken;

use super::frames::Stamp;

/// How frames are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// A POST with a form for each frame, as Python's requests does
    Multipart,
    /// A POST with the JPEG as its body for each frame
    Raw,
    /// One WebSocket a stream, each frame acknowledged
    Ws,
}

/// What is offered to the hub, checked.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Plan {
    pub(super) streams: u32,
    pub(super) fps: f64,
    pub(super) frame_bytes: usize,
    pub(super) viewers: u32,
    pub(super) slow: u32,
    pub(super) slow_kbps: f64,
    pub(super) mode: Mode,
    #[serde(rename = "warmup_secs", serialize_with = "as_secs")]
    pub(super) warmup: Duration,
    #[serde(rename = "duration_secs", serialize_with = "as_secs")]
    pub(super) duration: Duration,
}

fn as_secs<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

/// The measured time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub(super) start: Instant,
    pub(super) end: Instant,
}

impl Window {
    /// Where in the window an instant lies, 0 to 1.
    pub(super) fn share(&self, at: Instant) -> f64 {
        (at - self.start).as_secs_f64() / (self.end - self.start).as_secs_f64()
    }
}

/// What all tasks of a measurement share.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) plan: Plan,
    /// In every stamp and stream name: two runs never meet at one hub.
    pub(super) id: u64,
    /// Zero of the stamps' clock.
    pub(super) zero: Instant,
    /// Set once all publishers and viewers are ready.
    pub(super) window: OnceLock<Window>,
    pub(super) stop: CancellationToken,
}

impl Run {
    pub(super) fn new(plan: Plan) -> Run {
        let id = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), std::process::id());
        let (window, stop) = (OnceLock::new(), CancellationToken::new());
        Run { plan, id, zero: Instant::now(), window, stop }
    }

    pub(super) fn stream_name(&self, number: u32) -> String {
        format!("bench-{:06x}-{number}", self.id & 0xFF_FFFF)
    }

    pub(super) fn nanos_at(&self, at: Instant) -> u64 {
        (at - self.zero).as_nanos() as u64
    }

    pub(super) fn age(&self, stamp: &Stamp, at: Instant) -> Duration {
        Duration::from_nanos(self.nanos_at(at).saturating_sub(stamp.sent_nanos))
    }

    pub(super) fn measures(&self, at: Instant) -> bool {
        self.window.get().is_some_and(|window| (window.start..window.end).contains(&at))
    }
}

/// CPU time of this process, all threads.
pub(super) fn own_cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.max(0) as u64, time.tv_nsec.max(0) as u32)
}
