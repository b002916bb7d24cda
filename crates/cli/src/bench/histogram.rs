//! Durations counted in buckets, so that an hour of frames at four hundred viewers fits into kilobytes.

use std::time::Duration;

/// Decimal digits that a bucket keeps of a duration in microseconds: an error of less than 1 %.
const DIGITS: u8 = 2;

#[derive(Clone, Debug)]
pub(super) struct Histogram {
    micros: hdrhistogram::Histogram<u64>,
    /// Exact.
    max: Duration,
}

impl Default for Histogram {
    #[expect(clippy::expect_used, reason = "a constant that the crate allows")]
    fn default() -> Self {
        let micros = hdrhistogram::Histogram::new(DIGITS).expect("up to five digits are allowed");
        Self { micros, max: Duration::ZERO }
    }
}

impl Histogram {
    pub(super) fn record(&mut self, duration: Duration) {
        // It fails only where it cannot grow to hold the value, which it can.
        let _ = self.micros.record(duration.as_micros() as u64);
        self.max = self.max.max(duration);
    }

    pub(super) fn add(&mut self, other: &Histogram) {
        let _ = self.micros.add(&other.micros);
        self.max = self.max.max(other.max);
    }

    pub(super) fn count(&self) -> u64 {
        self.micros.len()
    }

    pub(super) fn max_millis(&self) -> Option<f64> {
        (!self.micros.is_empty()).then(|| millis(self.max))
    }

    /// The duration under which `share` (0 to 1) of all lie, in milliseconds; `None` without any.
    pub(super) fn quantile_millis(&self, share: f64) -> Option<f64> {
        // The end of a bucket may lie past what was really measured.
        let found = Duration::from_micros(self.micros.value_at_quantile(share)).min(self.max);
        (!self.micros.is_empty()).then(|| millis(found))
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1e3
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

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
