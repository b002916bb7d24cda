//! How often each address may ask: a bucket of tokens an address, kept as the one number that says when it is full
//! again (GCRA, as in ATM's traffic management, ITU-T I.371 annex A).

use std::{collections::HashMap, net::IpAddr, time::Duration};

use net::Lock;
use tokio::time::Instant;

use crate::counted_as;

/// Addresses whose buckets are kept; a full bucket needs no entry. A client with more addresses than this cannot be
/// stopped by counting addresses.
const MOST: usize = 16 * 1024;

#[derive(Debug)]
pub struct Buckets {
    /// One token is added in this time,
    period: Duration,
    /// and a full bucket holds this many.
    tokens: u32,
    /// When each bucket is full again. Nothing awaits under the lock.
    full_at: Lock<HashMap<IpAddr, Instant>>,
}

impl Buckets {
    /// `per_second` must be positive.
    pub fn new(per_second: f64, tokens: u32) -> Self {
        Self {
            period: Duration::from_secs_f64(1.0 / per_second),
            tokens: tokens.max(1),
            full_at: Lock::default(),
        }
    }

    /// Takes a token, or returns the time until there is one.
    pub fn take(&self, address: IpAddr) -> Result<(), Duration> {
        let now = Instant::now();
        let mut all = self.full_at.lock();
        if all.len() >= MOST {
            all.retain(|_, full_at| *full_at > now);
        }
        let address = counted_as(address);
        let full_at = all.get(&address).copied().unwrap_or(now).max(now);
        self.wait(full_at, now)?;
        if all.len() < MOST || all.contains_key(&address) {
            all.insert(address, full_at + self.period);
        }
        Ok(())
    }

    /// Whether there is a token to take.
    pub fn check(&self, address: IpAddr) -> Result<(), Duration> {
        let now = Instant::now();
        let full_at = self.full_at.lock().get(&counted_as(address)).copied();
        full_at.map_or(Ok(()), |full_at| self.wait(full_at, now))
    }

    fn wait(&self, full_at: Instant, now: Instant) -> Result<(), Duration> {
        // With the next token taken, the bucket must not be further from full than it is deep.
        let wait = (full_at + self.period).saturating_duration_since(now + self.period * self.tokens);
        if wait.is_zero() { Ok(()) } else { Err(wait) }
    }
}

#[cfg(test)]
mod tests;
