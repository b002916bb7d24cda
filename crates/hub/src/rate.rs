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
mod tests {
    use super::*;

    #[test]
    fn a_steady_stream_has_its_rate_and_a_stall_shows() {
        let t0 = Instant::now();
        let mut rate = Rate::default();
        for i in 0..300 {
            rate.count(t0 + Duration::from_millis(33) * i, 1000);
        }
        let end = t0 + Duration::from_millis(33) * 299;
        let steady = rate.per_second(end);
        assert!((steady.frames - 30.3).abs() < 0.1, "{steady:?}");
        assert!((steady.bytes - 30_303.0).abs() < 100.0, "{steady:?}");
        let stalled = rate.per_second(end + Duration::from_secs(3));
        assert!(stalled.frames < 20.0, "{stalled:?}");
        let silent = rate.per_second(end + Duration::from_secs(6));
        assert_eq!(silent, PerSecond::default());
    }

    #[test]
    fn a_frame_in_ten_seconds_still_has_a_rate() {
        let t0 = Instant::now();
        let mut rate = Rate::default();
        for i in 0..4 {
            rate.count(t0 + Duration::from_secs(10) * i, 1);
        }
        let shown = rate.per_second(t0 + Duration::from_secs(31)).frames;
        assert!((shown - 0.1).abs() < 0.01, "{shown}");
        let silent = rate.per_second(t0 + Duration::from_secs(61));
        assert_eq!(silent, PerSecond::default());
    }

    #[test]
    fn no_rate_without_two_frames_apart() {
        let t0 = Instant::now();
        let mut rate = Rate::default();
        assert_eq!(rate.per_second(t0), PerSecond::default());
        rate.count(t0, 1);
        assert_eq!(rate.per_second(t0 + Duration::from_secs(1)), PerSecond::default());
        rate.count(t0, 1);
        assert_eq!(rate.per_second(t0 + Duration::from_secs(1)), PerSecond::default(), "both in one instant");
    }

    #[test]
    fn a_flood_is_counted_in_bounded_memory() {
        let t0 = Instant::now();
        let mut rate = Rate::default();
        for i in 0..10_000 {
            rate.count(t0 + Duration::from_millis(1) * i, 10);
        }
        assert_eq!(rate.arrivals.len(), MAX_ARRIVALS);
        let shown = rate.per_second(t0 + Duration::from_millis(9_999));
        assert!((shown.frames - 1000.0).abs() < 1.0 && (shown.bytes - 10_000.0).abs() < 10.0, "{shown:?}");
    }

    #[test]
    fn after_a_pause_the_new_rate_shows_within_three_frames() {
        let t0 = Instant::now();
        let mut rate = Rate::default();
        for i in 0..100 {
            rate.count(t0 + Duration::from_millis(33) * i, 1);
        }
        let resumed = t0 + Duration::from_secs(600);
        for i in 0..4 {
            rate.count(resumed + Duration::from_millis(100) * i, 1);
        }
        let shown = rate.per_second(resumed + Duration::from_millis(300)).frames;
        assert!((shown - 10.0).abs() < 0.1, "{shown}");
    }

    #[test]
    fn clocks_that_disagree_do_no_harm() {
        let t0 = Instant::now() + Duration::from_secs(10);
        let mut rate = Rate::default();
        for millis in [100, 0, 50] {
            rate.count(t0 + Duration::from_millis(millis), 1);
        }
        assert_eq!(rate.per_second(t0), PerSecond::default());
    }
}
