//! The machine's clock, and whether it was set: by NTP some minutes after the start, often by weeks.
//!
//! Durations never go by it. What needs it for people (names, lists, "three seconds ago") tells all times of one run by
//! the clock as it is now: when it was set, what was told by the old one is told anew.

use std::time::{Duration, Instant, SystemTime};

use hub::Moment;
use jiff::SignedDuration;
use rustix::time::{ClockId, clock_gettime};

/// A clock that drifts is slewed by less between two looks; what differs by more was set.
const SET: SignedDuration = SignedDuration::from_secs(1);

/// How far the clock is ahead of the time since boot, which cannot be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClockOffset(SignedDuration);

impl ClockOffset {
    pub(crate) fn now() -> Self {
        Self::of(Moment::now())
    }

    /// As it was when both clocks were read together.
    pub(crate) fn of(moment: Moment) -> Self {
        let now = Instant::now();
        let ago = signed(now.saturating_duration_since(moment.mono))
            .saturating_sub(signed(moment.mono.saturating_duration_since(now)));
        let wall = SystemTime::UNIX_EPOCH;
        let since_1970 = match moment.wall.duration_since(wall) {
            Ok(after) => signed(after),
            Err(before) => -signed(before.duration()),
        };
        Self(since_1970.saturating_sub(since_boot().saturating_sub(ago)))
    }

    /// By how much the clock was set since it was `earlier`; `None` where it was not.
    pub(crate) fn set_since(self, earlier: Self) -> Option<SignedDuration> {
        let by = self.0.saturating_sub(earlier.0);
        (by.abs() > SET).then_some(by)
    }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

/// Time that a machine sleeps counts: the clock has gone on, and was not set.
fn since_boot() -> SignedDuration {
    #[cfg(target_os = "linux")]
    let clock = ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let clock = ClockId::Monotonic;
    let time = clock_gettime(clock);
    SignedDuration::new(time.tv_sec, time.tv_nsec.try_into().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_is_told_from_one_that_goes_on() {
        let then = Moment::now();
        let later = |mono: u64, wall: u64| Moment {
            mono: then.mono + Duration::from_secs(mono),
            wall: then.wall + Duration::from_secs(wall),
        };
        let set = |moment| {
            ClockOffset::of(moment).set_since(ClockOffset::of(then)).map(|by| by.as_secs_f64().round())
        };
        assert_eq!(set(later(3600, 3600)), None);
        assert_eq!(set(later(10, 1_209_610)), Some(1_209_600.0));
        assert_eq!(set(later(1_209_610, 10)), Some(-1_209_600.0));
        assert_eq!(ClockOffset::now().set_since(ClockOffset::of(then)), None);
    }
}
