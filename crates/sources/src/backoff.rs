//! How long to wait before a source is tried again.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// An attempt that was live for so long starts the waits anew; one that ended sooner goes on with longer ones.
pub(crate) const PROVEN: Duration = Duration::from_secs(5);

/// Doubling waits up to a cap, each shortened by up to half at random: twenty cameras behind one switch do not come
/// back in the same instant.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self { next: FIRST }
    }

    /// The wait before the next attempt.
    pub(crate) fn delay(&mut self) -> Duration {
        // Seeded from the system's randomness: enough for a jitter.
        self.jittered(RandomState::new().hash_one(0_u8))
    }

    fn jittered(&mut self, random: u64) -> Duration {
        let full = self.next;
        self.next = (full * 2).min(LONGEST);
        full.mul_f64(0.5 + 0.5 * (random as f64 / u64::MAX as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap_and_jitter_takes_up_to_half() {
        let mut backoff = Backoff::new();
        let waits: Vec<u128> = (0..8).map(|_| backoff.jittered(u64::MAX).as_millis()).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
        assert_eq!(Backoff::new().jittered(0), FIRST / 2);
        let some = Backoff::new().delay();
        assert!(some >= FIRST / 2 && some <= FIRST);
    }
}
