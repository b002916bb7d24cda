//! How often something is let through, whatever the rhythm in which it comes.

use std::time::{Duration, Instant};

/// Thins frames out to a rate, by the times at which they come (the generic cell rate algorithm). A frame may come early
/// by some tolerance, so that a source of just the rate that is allowed loses none to its jitter; over time the rate
/// holds, and a pause earns no more than the tolerance.
///
/// This decides about frames that come by themselves. A reader that takes frames at a rate waits instead.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// None: as often as they come.
    interval: Option<Duration>,
    tolerance: Duration,
    /// When the next one is expected.
    next: Option<Instant>,
}

impl Pace {
    /// Evenly spaced: a frame may come half an interval early. `max_fps` is positive and finite; `None` is no limit.
    pub fn new(max_fps: Option<f64>) -> Self {
        Self::with_burst(max_fps, 1.5)
    }

    /// Lets `burst` frames (at least one) pass at once after a pause.
    pub fn with_burst(max_fps: Option<f64>, burst: f64) -> Self {
        let interval = max_fps.and_then(|fps| Duration::try_from_secs_f64(1.0 / fps).ok());
        let tolerance = interval.unwrap_or_default().mul_f64(burst - 1.0);
        Self { interval, tolerance, next: None }
    }

    /// Whether a frame would be taken now.
    pub fn is_due(&self, now: Instant) -> bool {
        self.interval.is_none() || self.next.is_none_or(|next| now + self.tolerance >= next)
    }

    /// Takes a frame if it is due.
    pub fn admit(&mut self, now: Instant) -> bool {
        let is_due = self.is_due(now);
        if is_due {
            self.next = self.interval.map(|interval| self.next.map_or(now, |next| next.max(now)) + interval);
        }
        is_due
    }
}

#[cfg(test)]
mod tests;
