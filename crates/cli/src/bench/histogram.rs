//! Durations counted in buckets, so that an hour of frames at four hundred viewers fits into kilobytes.
//! Buckets grow with the value: 64 to each doubling, which is an error of at most 1.6 %.

use std::time::Duration;

/// Buckets for each doubling, as a power of two.
const BITS: u32 = 6;
const PER_DOUBLING: u64 = 1 << BITS;

/// Longer durations are counted as this one; no run lasts longer.
const LONGEST_MICROS: u64 = 1 << 33;

#[derive(Clone, Debug, Default)]
pub(super) struct Histogram {
    /// How many durations fell into each bucket; grown as needed.
    buckets: Vec<u64>,
    count: u64,
    max_micros: u64,
}

impl Histogram {
    pub(super) fn record(&mut self, duration: Duration) {
        let micros = (duration.as_micros() as u64).min(LONGEST_MICROS);
        let bucket = bucket_of(micros);
        if self.buckets.len() <= bucket {
            self.buckets.resize(bucket + 1, 0);
        }
        self.buckets[bucket] += 1;
        self.count += 1;
        self.max_micros = self.max_micros.max(micros);
    }

    pub(super) fn add(&mut self, other: &Histogram) {
        if self.buckets.len() < other.buckets.len() {
            self.buckets.resize(other.buckets.len(), 0);
        }
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine += theirs;
        }
        self.count += other.count;
        self.max_micros = self.max_micros.max(other.max_micros);
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Exact.
    pub(super) fn max_millis(&self) -> Option<f64> {
        (self.count > 0).then(|| self.max_micros as f64 / 1e3)
    }

    /// The duration under which `share` (0 to 1) of all lie, in milliseconds; `None` without any.
    pub(super) fn quantile_millis(&self, share: f64) -> Option<f64> {
        let rank = (self.count as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                // The middle of a bucket may lie past what was really measured.
                return Some(middle_of(bucket).min(self.max_micros as f64) / 1e3);
            }
        }
        None
    }
}

fn bucket_of(micros: u64) -> usize {
    if micros < PER_DOUBLING {
        return micros as usize;
    }
    let doublings = micros.ilog2() - BITS;
    let place = (micros >> doublings) - PER_DOUBLING;
    (u64::from(doublings + 1) * PER_DOUBLING + place) as usize
}

fn middle_of(bucket: usize) -> f64 {
    let bucket = bucket as u64;
    if bucket < PER_DOUBLING {
        return bucket as f64;
    }
    let doublings = bucket / PER_DOUBLING - 1;
    let start = (bucket % PER_DOUBLING + PER_DOUBLING) << doublings;
    start as f64 + ((1_u64 << doublings) - 1) as f64 / 2.0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn buckets_follow_each_other_without_holes() {
        let mut last = 0;
        for micros in 0..100_000 {
            let bucket = bucket_of(micros);
            assert!(bucket == last || bucket == last + 1, "{micros}");
            last = bucket;
        }
    }

    proptest::proptest! {
        #[test]
        fn a_bucket_stands_for_its_values(micros in 0..LONGEST_MICROS) {
            let middle = middle_of(bucket_of(micros));
            let error = (middle - micros as f64).abs();
            assert!(error <= micros as f64 / 64.0, "{micros} became {middle}");
        }
    }

    #[test]
    fn quantiles_and_sums() {
        let mut odd = Histogram::default();
        let mut even = Histogram::default();
        assert_eq!(odd.quantile_millis(0.5), None);
        for millis in 1..=1000 {
            let part = if millis % 2 == 0 { &mut even } else { &mut odd };
            part.record(Duration::from_millis(millis));
        }
        odd.add(&even);
        assert_eq!(odd.count(), 1000);
        assert_eq!(odd.max_millis(), Some(1000.0));
        for (share, expected) in [(0.0, 1.0), (0.5, 500.0), (0.99, 990.0), (1.0, 1000.0)] {
            let found = odd.quantile_millis(share).unwrap();
            assert!((found - expected).abs() <= expected / 60.0, "{share}: {found}");
        }
    }
}
