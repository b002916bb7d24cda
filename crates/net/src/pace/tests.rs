//! Tests of `pace`.
use super::*;

/// How many of frames that come every `every` ms, late by turns by `jitter`, are taken in ten seconds.
fn taken(mut pace: Pace, every: f64, jitter: f64) -> usize {
    let start = Instant::now();
    let late = |n: u32| if n.is_multiple_of(2) { jitter } else { 0.0 };
    let times = (0..(10_000.0 / every) as u32).map(|n| f64::from(n) * every + late(n));
    times.filter(|ms| pace.admit(start + Duration::from_secs_f64(ms / 1000.0))).count()
}

#[test]
fn a_faster_source_is_thinned_to_the_rate() {
    assert!((300..=302).contains(&taken(Pace::new(Some(30.0)), 1.0, 0.0)));
    assert!((100..=102).contains(&taken(Pace::new(Some(10.0)), 7.0, 3.0)));
    for gap in [1.0, 3.0, 10.0, 33.3] {
        let count = taken(Pace::with_burst(Some(10.0), 2.0), gap, 0.0);
        assert!((99..=101).contains(&count), "{gap} ms: {count}");
    }
}

#[test]
fn a_source_of_just_the_rate_or_slower_loses_nothing_to_jitter() {
    assert_eq!(taken(Pace::new(Some(20.0)), 50.0, 0.0), 200);
    assert_eq!(taken(Pace::new(Some(20.0)), 50.0, 20.0), 200);
    assert_eq!(taken(Pace::new(Some(20.0)), 100.0, 20.0), 100);
    assert_eq!(taken(Pace::with_burst(Some(10.0), 2.0), 100.0, 0.0), 100);
    assert_eq!(taken(Pace::with_burst(Some(30.0), 2.0), 100.0, 0.0), 100);
}

#[test]
fn a_pause_earns_no_more_than_the_burst() {
    let start = Instant::now();
    let mut pace = Pace::new(Some(10.0));
    assert!(pace.admit(start));
    let later = start + Duration::from_secs(60);
    let burst = (0..50).filter(|&ms| pace.admit(later + Duration::from_millis(ms))).count();
    assert_eq!(burst, 1, "the next may come half an interval later");
}

#[test]
fn a_flood_is_bounded_and_a_burst_is_not() {
    let pace = Pace::with_burst(Some(200.0), 200.0);
    let count = taken(pace, 0.1, 0.0);
    assert!((2000..=2200).contains(&count), "{count}");
    let (mut pace, now) = (pace, Instant::now());
    assert_eq!((0..1000).filter(|_| pace.admit(now)).count(), 200);
}

#[test]
fn without_a_limit_everything_is_taken() {
    let now = Instant::now();
    let mut pace = Pace::new(None);
    assert!((0..1000).all(|_| pace.admit(now)));
}
