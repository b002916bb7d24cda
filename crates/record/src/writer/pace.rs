//! When a recorder reads its ring and when it writes: within half a second of each frame's arrival.

use std::time::{Duration, Instant};

use super::fragment::LENGTH;

/// Frames wait in the ring for this long at most. What is left of [`LENGTH`] is for waking up, coding and writing.
const LONGEST: Duration = LENGTH.saturating_sub(Duration::from_millis(50));
const SHORTEST: Duration = Duration::from_millis(5);
/// Coding and writing what one interval brought should take no longer.
const EASY: Duration = Duration::from_millis(25);

#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { interval: LONGEST }
    }

    /// How long to wait until the ring is read again, if the first frame that is pending arrived at `oldest`.
    pub(super) fn rest(&self, oldest: Option<Instant>, now: Instant) -> Duration {
        let left = oldest.map(|oldest| LONGEST.saturating_sub(now.saturating_duration_since(oldest)));
        left.map_or(self.interval, |left| left.min(self.interval))
    }

    /// Adapts to what was found: half the interval where the ring was filled to more than a quarter (`crowded`), so that
    /// it need not let go of anything in between, or where it took long; else longer ones again.
    pub(super) fn adapt(&mut self, crowded: bool, took: Duration) {
        let interval = if crowded || took > EASY { self.interval / 2 } else { self.interval * 2 };
        self.interval = interval.clamp(SHORTEST, LONGEST);
    }

    /// Whether a frame that arrived at `oldest` is to be written now: it would be late after another interval, or would
    /// soon wake the recorder for itself.
    pub(super) fn is_due(&self, oldest: Instant, now: Instant) -> bool {
        now.saturating_duration_since(oldest) + self.interval.min(LONGEST / 2) >= LONGEST
    }
}

#[cfg(test)]
mod tests;
