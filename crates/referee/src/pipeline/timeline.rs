//! When a frame is shown, and where a group of frames begins that decodes on its own.

use media::fmp4::TIMESCALE;

use super::Frame;
use crate::film::Moment;

/// A group lasts about a second, but has no more frames than this, which bounds what a video holds in memory.
const MAX_GROUP: f64 = 30.0;

/// After a gap like this a group begins, too; a fragment cannot span half a day.
const GAP_TICKS: u64 = 10 * TIMESCALE as u64;

/// The most frames a second that times are computed for.
const MAX_FPS: f64 = 1000.0;

/// Counts frames and ticks.
#[derive(Debug)]
pub(super) struct Timeline {
    pub(super) fps: f64,
    first: Option<u64>,
    in_group: u32,
    last_ticks: u64,
}

/// Where a frame belongs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    pub(super) moment: Moment,
    /// On the signal log's clock.
    pub(super) time_secs: f64,
    pub(super) begins_group: bool,
}

impl Timeline {
    pub(super) fn new(fps: f64) -> Self {
        let fps = if fps > 0.0 { fps.min(MAX_FPS) } else { 30.0 };
        Self { fps, first: None, in_group: 0, last_ticks: 0 }
    }

    /// The next frame's place; numbers rise.
    pub(super) fn place(&mut self, frame: &Frame<'_>) -> Place {
        let is_first = self.first.is_none();
        let first = *self.first.get_or_insert(frame.number);
        let step = f64::from(TIMESCALE) / self.fps;
        let ticks = (frame.number.saturating_sub(first) as f64 * step).round() as u64;
        let group = self.fps.round().clamp(1.0, MAX_GROUP) as u32;
        let begins_group =
            is_first || self.in_group >= group || ticks.saturating_sub(self.last_ticks) > GAP_TICKS;
        self.in_group = if begins_group { 1 } else { self.in_group + 1 };
        self.last_ticks = ticks;
        let duration = step.round().max(1.0) as u32;
        let moment = Moment { ticks, duration, number: frame.number, captured: frame.captured };
        Place { moment, time_secs: frame.number as f64 / self.fps, begins_group }
    }
}
