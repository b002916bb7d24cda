//! Whether a publisher's capture times can be true. Every frame's goes through here, whatever way it came.
//!
//! Cameras count from their start, or from a year in which they were made; programs send milliseconds for seconds. What
//! cannot be true is left out, and the frame then has its arrival for a time. What may be true stays, old as it may be:
//! recorded data is published again.

use std::time::{Duration, Instant, SystemTime};

use crate::{CaptureTime, Moment};

/// 2010-01-01: before it lie the times that clocks begin with when nobody has set them (1970, 2000), and times since a
/// machine's start.
const EARLIEST: f64 = 1_262_304_000.0;
/// How far the publisher's clock may be ahead of ours: its time zone, taken for UTC.
const AHEAD: Duration = Duration::from_secs(86_400);
/// A time that stands still for longer is none. Clocks of whole seconds do for one.
const STANDS_STILL: Duration = Duration::from_millis(1500);

/// What a stream's publishers said last.
#[derive(Debug, Default)]
pub(crate) struct CaptureClock {
    /// And when they said it first.
    last: Option<(f64, Instant)>,
}

impl CaptureClock {
    /// Whether a frame that comes `now` can have been captured then.
    pub(crate) fn believes(&mut self, claimed: CaptureTime, now: Moment) -> bool {
        let claimed = claimed.unix_secs();
        let latest = (now.wall + AHEAD).duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        if !(EARLIEST..=latest.as_secs_f64()).contains(&claimed) {
            return false;
        }
        match self.last {
            Some((last, since)) if last.to_bits() == claimed.to_bits() => {
                now.mono.saturating_duration_since(since) <= STANDS_STILL
            }
            last => {
                // A clock that is set back costs one frame.
                self.last = Some((claimed, now.mono));
                last.is_none_or(|(last, _)| claimed > last)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_true_is_not_believed() {
        let now = Moment::now();
        let wall = now.wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let believes = |secs: f64| CaptureClock::default().believes(CaptureTime::claimed(secs), now);
        for secs in [wall, wall - 3600.0, wall + 14.0 * 3600.0, 1_700_000_000.25, 1_300_000_000.0] {
            assert!(believes(secs), "{secs}");
        }
        let milliseconds = wall * 1000.0;
        let year_2000 = 946_684_800.0 + 5.0;
        for secs in [
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            -wall,
            -0.0,
            0.0,
            184_659.6,
            year_2000,
            milliseconds,
            wall * 1e6,
            wall * 1e9,
            wall + 40.0 * 86_400.0,
            4_102_444_800.0,
        ] {
            assert!(!believes(secs), "{secs}");
        }
    }

    #[test]
    fn a_clock_that_goes_back_or_stands_still_is_not_believed() {
        let begin = Moment::now();
        let mut clock = CaptureClock::default();
        let mut believes = |secs: f64, millis: u64| {
            let now = Moment { mono: begin.mono + Duration::from_millis(millis), ..begin };
            clock.believes(CaptureTime::claimed(secs), now)
        };
        assert!(believes(1.7e9, 0) && believes(1.7e9 + 0.1, 100));
        assert!(!believes(1.7e9 - 50.0, 200), "back");
        assert!(believes(1.7e9 - 49.9, 300), "it was set, and goes on");
        // A clock of whole seconds.
        assert!(
            (0..100)
                .all(|at| believes((1.7e9 + f64::from(at) * 0.04).floor(), 400 + u64::from(at as u32) * 40))
        );
        let still = |at: u64| believes(1.75e9, 10_000 + at * 100);
        let believed = (0..50).map(still).filter(|believed| *believed).count();
        assert_eq!(believed, 16, "for a second and a half");
    }
}
