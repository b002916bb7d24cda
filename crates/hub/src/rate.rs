//! The rate of the last seconds: frames and bytes a second, from the arrival times themselves.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Long enough for a steady figure at one frame a second, short enough to show a stall at once.
const WINDOW: Duration = Duration::from_secs(5);
/// Bounds the memory of a flood: at 500 frames a second the window is simply shorter.
const MAX_ARRIVALS: usize = 160;

#[derive(Debug, Default)]
pub(crate) struct Rate {
    arrivals: VecDeque<(Instant, usize)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct PerSecond {
    pub(crate) frames: f64,
    pub(crate) bytes: f64,
}

impl Rate {
    pub(crate) fn count(&mut self, now: Instant, bytes: usize) {
        while self.arrivals.len() >= MAX_ARRIVALS || self.front_is_old(now) {
            self.arrivals.pop_front();
        }
        self.arrivals.push_back((now, bytes));
    }

    fn front_is_old(&self, now: Instant) -> bool {
        // Two are kept whatever their age, so that a stream of one frame in ten seconds has a rate too.
        self.arrivals.len() > 2
            && self.arrivals.front().is_some_and(|&(t, _)| now.saturating_duration_since(t) > WINDOW)
    }

    /// Frames after the first, over the time that they took; once the next frame is overdue, over the time until now;
    /// and none once the silence has outlasted the window, since that is the rate of the last seconds.
    pub(crate) fn per_second(&self, now: Instant) -> PerSecond {
        let (Some(&(first, _)), Some(&(last, _))) = (self.arrivals.front(), self.arrivals.back()) else {
            return PerSecond::default();
        };
        let intervals = self.arrivals.len() - 1;
        let span = last.saturating_duration_since(first);
        if intervals == 0 || span.is_zero() {
            return PerSecond::default();
        }
        let silence = now.saturating_duration_since(last);
        let mean_interval = span / u32::try_from(intervals).unwrap_or(u32::MAX);
        if silence > WINDOW.max(mean_interval * 3) {
            return PerSecond::default();
        }
        let secs = if silence > mean_interval * 2 { span + silence } else { span }.as_secs_f64();
        let bytes: usize = self.arrivals.iter().skip(1).map(|&(_, n)| n).sum();
        PerSecond { frames: intervals as f64 / secs, bytes: bytes as f64 / secs }
    }
}

#[cfg(test)]
mod tests;
