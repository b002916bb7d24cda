//! How often frames are taken: at most so many a second, whatever the rhythm in which they are offered.

use std::time::{Duration, Instant};

/// Spaces frames evenly. A frame may come up to half an interval early, so that a loop of the very rate that is allowed
/// loses none to its jitter; over time the rate holds.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// None: as often as they come.
    interval: Option<Duration>,
    /// When the next one is expected.
    next: Option<Instant>,
}

impl Pace {
    /// `max_fps` is positive and finite; `None` is no limit.
    pub fn new(max_fps: Option<f64>) -> Pace {
        let interval = max_fps.and_then(|fps| Duration::try_from_secs_f64(1.0 / fps).ok());
        Pace { interval, next: None }
    }

    /// Whether a frame would be taken now.
    pub fn is_due(&self, now: Instant) -> bool {
        match (self.interval, self.next) {
            (Some(interval), Some(next)) => now + interval / 2 >= next,
            _ => true,
        }
    }

    /// Takes a frame if it is due.
    pub fn admit(&mut self, now: Instant) -> bool {
        if !self.is_due(now) {
            return false;
        }
        if let Some(interval) = self.interval {
            self.next = Some(self.next.map_or(now, |next| next.max(now)) + interval);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of frames offered every `every` ms, early and late by turns by `jitter`, are taken in ten seconds.
    fn taken(max_fps: f64, every: u64, jitter: u64) -> usize {
        let start = Instant::now();
        let mut pace = Pace::new(Some(max_fps));
        let times = (0..10_000 / every).map(|n| n * every + if n % 2 == 0 { jitter } else { 0 });
        times.filter(|&ms| pace.admit(start + Duration::from_millis(ms))).count()
    }

    #[test]
    fn a_faster_loop_is_thinned_to_the_rate() {
        assert!((300..=302).contains(&taken(30.0, 1, 0)));
        assert!((100..=102).contains(&taken(10.0, 7, 3)));
    }

    #[test]
    fn a_loop_of_the_rate_itself_loses_nothing_to_jitter() {
        assert_eq!(taken(20.0, 50, 0), 200);
        assert_eq!(taken(20.0, 50, 20), 200);
        assert_eq!(taken(20.0, 100, 20), 100);
    }

    #[test]
    fn a_pause_earns_no_burst() {
        let start = Instant::now();
        let mut pace = Pace::new(Some(10.0));
        assert!(pace.admit(start));
        let later = start + Duration::from_secs(60);
        let burst = (0..50).filter(|&ms| pace.admit(later + Duration::from_millis(ms))).count();
        assert_eq!(burst, 1, "the next may come half an interval later");
    }

    #[test]
    fn without_a_limit_everything_is_taken() {
        let now = Instant::now();
        let mut pace = Pace::new(None);
        assert!((0..1000).all(|_| pace.admit(now)));
    }
}
