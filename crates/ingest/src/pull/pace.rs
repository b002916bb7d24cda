//! Thins a source out to a rate, by the times at which its pictures came.

use std::time::Instant;

/// Lets `fps` pictures a second pass, and two close together after a gap: sources jitter.
#[derive(Debug)]
pub struct Pace {
    fps: f64,
    most: f64,
    allowance: f64,
    last: Option<Instant>,
}

impl Pace {
    pub fn new(fps: f64) -> Self {
        Self { fps, most: 2.0, allowance: 1.0, last: None }
    }

    /// A bound for sources without a rate of their own: a flood is thinned out, a burst is not.
    pub fn flood(fps: f64) -> Self {
        Self { fps, most: fps, allowance: fps, last: None }
    }

    /// Whether a picture that comes now passes.
    pub fn passes(&mut self, now: Instant) -> bool {
        if let Some(last) = self.last {
            let earned = now.saturating_duration_since(last).as_secs_f64() * self.fps;
            self.allowance = (self.allowance + earned).min(self.most);
        }
        self.last = Some(now);
        let passes = self.allowance >= 1.0 - 1e-6;
        if passes {
            self.allowance -= 1.0;
        }
        passes
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn passed(pace: &mut Pace, secs: f64, gap_millis: f64) -> usize {
        let start = Instant::now();
        let count = (secs * 1000.0 / gap_millis) as u32;
        let times = (0..count).map(|i| start + Duration::from_secs_f64(f64::from(i) * gap_millis / 1000.0));
        times.filter(|time| pace.passes(*time)).count()
    }

    #[test]
    fn a_faster_source_is_thinned_to_its_rate() {
        for gap in [1.0, 3.0, 10.0, 33.3] {
            let count = passed(&mut Pace::new(10.0), 10.0, gap);
            assert!((99..=101).contains(&count), "{gap} ms: {count}");
        }
    }

    #[test]
    fn a_source_of_just_that_rate_or_slower_passes_whole() {
        assert_eq!(passed(&mut Pace::new(10.0), 10.0, 100.0), 100);
        assert_eq!(passed(&mut Pace::new(30.0), 10.0, 100.0), 100);
    }

    #[test]
    fn a_flood_is_bounded_and_a_burst_is_not() {
        let count = passed(&mut Pace::flood(200.0), 10.0, 0.1);
        assert!((2000..=2200).contains(&count), "{count}");
        let mut pace = Pace::flood(200.0);
        let now = Instant::now();
        assert_eq!((0..1000).filter(|_| pace.passes(now)).count(), 200);
    }
}
