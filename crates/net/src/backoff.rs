//! How long to wait before something is tried again.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// Doubling waits up to a cap, each shortened by up to half at random: a hundred cameras do not come back to a restarted
/// server in the same instant.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    pub fn new(first: Duration, longest: Duration) -> Self {
        let first = first.min(longest);
        Self { first, longest, next: first }
    }

    /// The wait before the next attempt.
    pub fn delay(&mut self) -> Duration {
        // The standard library seeds its hash maps from the system's randomness: enough for a jitter.
        self.jittered(RandomState::new().hash_one(0_u8))
    }

    /// `random` is evenly spread over `u64`.
    fn jittered(&mut self, random: u64) -> Duration {
        let full = self.next;
        self.next = (full * 2).min(self.longest);
        full.mul_f64(0.5 + 0.5 * (random as f64 / u64::MAX as f64))
    }

    /// An attempt has succeeded: the next wait is the first again.
    pub fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(200);
    const LONGEST: Duration = Duration::from_secs(5);

    #[test]
    fn delays_double_up_to_the_cap_and_start_again() {
        let mut backoff = Backoff::new(FIRST, LONGEST);
        let delays: Vec<u128> = (0..7).map(|_| backoff.jittered(u64::MAX).as_millis()).collect();
        assert_eq!(delays, [200, 400, 800, 1600, 3200, 5000, 5000]);
        backoff.reset();
        assert_eq!(backoff.jittered(u64::MAX), FIRST);
        let mut quick = Backoff::new(FIRST, FIRST / 2);
        assert_eq!([quick.jittered(u64::MAX), quick.jittered(u64::MAX)], [FIRST / 2; 2]);
    }

    #[test]
    fn jitter_takes_up_to_half_away() {
        let new = || Backoff::new(FIRST, LONGEST);
        assert_eq!(new().jittered(0), FIRST / 2);
        let middle = new().jittered(u64::MAX / 2);
        assert!(middle > FIRST / 2 && middle < FIRST);
        let some = new().delay();
        assert!(some >= FIRST / 2 && some <= FIRST);
    }
}
