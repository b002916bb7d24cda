//! When a frame is shown in its recording: by its capture time where that can be believed, else by its arrival.
//!
//! A variable frame rate stays as it is; only frames beyond the target rate are left out.

use std::time::Instant;

use hub::Frame;
use media::fmp4::{TIMESCALE, ticks};

/// A capture time that strays further than this from our own clock, measured since they were last seen together, is
/// not believed any more: the publisher's clock was set.
const TOLERANCE: f64 = 1.0;
/// Frames that a network bunches come so much too early, in seconds, and are not too many for that.
const BUNCHING: f64 = 0.5;
/// With each frame that is one too many it becomes likelier that the stream is too fast, rather than bunched: what was
/// granted is taken back, a few frames at a time. With each that comes in time, a part of an interval is granted again.
const TAKEN_BACK: f64 = 0.93;
const GRANTED: f64 = 0.1;

/// Our clock, the publisher's and the recording's, read together.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    received: Instant,
    captured: Option<f64>,
    /// Ticks since the recording's begin.
    time: u64,
}

#[derive(Debug)]
pub(crate) struct Timeline {
    /// Ticks between two frames at the highest rate.
    interval: f64,
    anchor: Option<Anchor>,
    last: Option<u64>,
    /// The next frame is taken from this time on, in ticks.
    due: f64,
    /// How much earlier it may come, in ticks.
    early: f64,
}

impl Timeline {
    /// `max_fps`: above 0.
    pub(crate) fn new(max_fps: f64) -> Self {
        let interval = f64::from(TIMESCALE) / max_fps;
        Self { interval, anchor: None, last: None, due: 0.0, early: most_early(interval) }
    }

    /// The frame's time in ticks, later than any before it; `None` if it is one too many.
    pub(crate) fn place(&mut self, frame: &Frame) -> Option<u64> {
        let time = self.time_of(frame);
        if (time as f64) < self.due - self.early {
            self.early = (self.early * TAKEN_BACK).max(self.interval / 2.0);
            return None;
        }
        if time as f64 >= self.due {
            self.early = (self.early + GRANTED * self.interval).min(most_early(self.interval));
        }
        self.due = (self.due + self.interval).max(time as f64);
        self.last = Some(time);
        Some(time)
    }

    fn time_of(&mut self, frame: &Frame) -> u64 {
        let captured = frame.captured.map(hub::CaptureTime::unix_secs);
        let earliest = self.last.map_or(0, |last| last + 1);
        let Some(anchor) = self.anchor else {
            self.anchor = Some(Anchor { received: frame.received.mono, captured, time: 0 });
            return earliest;
        };
        let by_arrival = anchor.time + ticks(frame.received.mono.saturating_duration_since(anchor.received));
        if let (Some(then), Some(now)) = (anchor.captured, captured) {
            let since = now - then;
            let by_capture = anchor.time as f64 + since * f64::from(TIMESCALE);
            let strays = (by_capture - by_arrival as f64).abs() / f64::from(TIMESCALE);
            if since >= 0.0 && strays <= TOLERANCE {
                return (by_capture.round() as u64).max(earliest);
            }
        }
        let time = by_arrival.max(earliest);
        if captured.is_some() || anchor.captured.is_some() {
            self.anchor = Some(Anchor { received: frame.received.mono, captured, time });
        }
        time
    }
}

fn most_early(interval: f64) -> f64 {
    (interval / 2.0).max(BUNCHING * f64::from(TIMESCALE))
}

#[cfg(test)]
mod tests;
