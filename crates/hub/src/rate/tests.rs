//! Tests of `rate`.
use super::*;

#[test]
fn a_steady_stream_has_its_rate_and_a_stall_shows() {
    let t0 = Instant::now();
    let mut rate = Rate::default();
    for i in 0..300 {
        rate.count(t0 + Duration::from_millis(33) * i, 1000);
    }
    let end = t0 + Duration::from_millis(33) * 299;
    let steady = rate.per_second(end);
    assert!((steady.frames - 30.3).abs() < 0.1, "{steady:?}");
    assert!((steady.bytes - 30_303.0).abs() < 100.0, "{steady:?}");
    let stalled = rate.per_second(end + Duration::from_secs(3));
    assert!(stalled.frames < 20.0, "{stalled:?}");
    let silent = rate.per_second(end + Duration::from_secs(6));
    assert_eq!(silent, PerSecond::default());
}

#[test]
fn a_frame_in_ten_seconds_still_has_a_rate() {
    let t0 = Instant::now();
    let mut rate = Rate::default();
    for i in 0..4 {
        rate.count(t0 + Duration::from_secs(10) * i, 1);
    }
    let shown = rate.per_second(t0 + Duration::from_secs(31)).frames;
    assert!((shown - 0.1).abs() < 0.01, "{shown}");
    let silent = rate.per_second(t0 + Duration::from_secs(61));
    assert_eq!(silent, PerSecond::default());
}

#[test]
fn no_rate_without_two_frames_apart() {
    let t0 = Instant::now();
    let mut rate = Rate::default();
    assert_eq!(rate.per_second(t0), PerSecond::default());
    rate.count(t0, 1);
    assert_eq!(rate.per_second(t0 + Duration::from_secs(1)), PerSecond::default());
    rate.count(t0, 1);
    assert_eq!(rate.per_second(t0 + Duration::from_secs(1)), PerSecond::default(), "both in one instant");
}

#[test]
fn a_flood_is_counted_in_bounded_memory() {
    let t0 = Instant::now();
    let mut rate = Rate::default();
    for i in 0..10_000 {
        rate.count(t0 + Duration::from_millis(1) * i, 10);
    }
    assert_eq!(rate.arrivals.len(), MAX_ARRIVALS);
    let shown = rate.per_second(t0 + Duration::from_millis(9_999));
    assert!((shown.frames - 1000.0).abs() < 1.0 && (shown.bytes - 10_000.0).abs() < 10.0, "{shown:?}");
}

#[test]
fn after_a_pause_the_new_rate_shows_within_three_frames() {
    let t0 = Instant::now();
    let mut rate = Rate::default();
    for i in 0..100 {
        rate.count(t0 + Duration::from_millis(33) * i, 1);
    }
    let resumed = t0 + Duration::from_secs(600);
    for i in 0..4 {
        rate.count(resumed + Duration::from_millis(100) * i, 1);
    }
    let shown = rate.per_second(resumed + Duration::from_millis(300)).frames;
    assert!((shown - 10.0).abs() < 0.1, "{shown}");
}

#[test]
fn clocks_that_disagree_do_no_harm() {
    let t0 = Instant::now() + Duration::from_secs(10);
    let mut rate = Rate::default();
    for millis in [100, 0, 50] {
        rate.count(t0 + Duration::from_millis(millis), 1);
    }
    assert_eq!(rate.per_second(t0), PerSecond::default());
}
