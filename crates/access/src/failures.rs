//! Wrong keys, counted by the address that they come from: an address that tries one after another has to wait before
//! its next key is checked.
//!
//! The same wrong key again costs nothing. It is no new guess, and a publisher with an old key that posts thirty times
//! a second must not shut out the others behind its address.

use std::{
    collections::{HashSet, VecDeque},
    net::IpAddr,
    time::Duration,
};

use net::Lock;

use crate::{Buckets, Key, KeyDigest, counted_as};

/// Wrong keys remembered, over all addresses.
const REMEMBERED: usize = 4096;

#[derive(Debug)]
pub(crate) struct Failures {
    buckets: Buckets,
    known: Lock<Known>,
}

/// The last wrong keys, the oldest first.
#[derive(Debug, Default)]
struct Known {
    order: VecDeque<(IpAddr, KeyDigest)>,
    seen: HashSet<(IpAddr, KeyDigest)>,
}

impl Failures {
    pub(crate) fn new(per_minute: u32) -> Self {
        Self {
            buckets: Buckets::new(f64::from(per_minute.max(1)) / 60.0, per_minute),
            known: Lock::default(),
        }
    }

    /// Whether another key may be tried from there; else how long until then.
    pub(crate) fn check(&self, address: IpAddr) -> Result<(), Duration> {
        self.buckets.check(address)
    }

    pub(crate) fn note(&self, address: IpAddr, sent: &str) {
        let mut known = self.known.lock();
        let failure = (counted_as(address), Key::digest_of(sent));
        if !known.seen.insert(failure) {
            return;
        }
        known.order.push_back(failure);
        if known.order.len() > REMEMBERED
            && let Some(oldest) = known.order.pop_front()
        {
            known.seen.remove(&oldest);
        }
        let _empty = self.buckets.take(address);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn trying_keys_is_slow_and_repeating_one_is_not_trying() {
        let failures = Failures::new(10);
        let (guesser, neighbour) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        for _ in 0..1000 {
            failures.note(guesser, "the old key");
        }
        failures.check(guesser).unwrap();
        for guess in 0..9 {
            failures.check(guesser).unwrap();
            failures.note(guesser, &guess.to_string());
        }
        assert_eq!(failures.check(guesser), Err(Duration::from_secs(6)));
        failures.check(neighbour).unwrap();
        tokio::time::advance(Duration::from_secs(6)).await;
        failures.check(guesser).unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_bounded() {
        let failures = Failures::new(10);
        for guess in 0..REMEMBERED + 10 {
            failures.note("192.0.2.1".parse().unwrap(), &guess.to_string());
        }
        let known = failures.known.lock();
        assert_eq!((known.order.len(), known.seen.len()), (REMEMBERED, REMEMBERED));
    }
}
