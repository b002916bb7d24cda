//! Tests of `timeline`.
#![allow(clippy::unwrap_used)]
use std::time::{Duration, SystemTime};

use hub::{CaptureTime, Format, Moment};

use super::*;

/// Frames that arrive at `received` and were captured at `captured`, both in milliseconds since the first.
fn placed(max_fps: f64, frames: &[(u64, Option<i64>)]) -> Vec<Option<u64>> {
    let start = Instant::now();
    let mut timeline = Timeline::new(max_fps);
    let frame = |&(received, captured): &(u64, Option<i64>)| Frame {
        seq: 1,
        received: Moment { mono: start + Duration::from_millis(received), wall: SystemTime::UNIX_EPOCH },
        payload: bytes::Bytes::new(),
        format: Format::jpeg(1, 1),
        captured: captured.and_then(|ms| CaptureTime::from_unix_secs(1e9 + ms as f64 / 1000.0)),
        source_seq: None,
        metadata: None,
    };
    frames.iter().map(frame).map(|f| timeline.place(&f).map(|t| t * 1000 / u64::from(TIMESCALE))).collect()
}

fn times(millis: &[u64]) -> Vec<Option<u64>> {
    millis.iter().copied().map(Some).collect()
}

#[test]
fn without_capture_times_the_arrival_counts() {
    let frames = [(0, None), (40, None), (90, None), (3000, None)];
    assert_eq!(placed(1000.0, &frames), times(&[0, 40, 90, 3000]));
}

#[test]
fn capture_times_are_kept_though_the_network_bunches_frames() {
    let frames = [(0, Some(0)), (90, Some(40)), (91, Some(80)), (130, Some(120))];
    assert_eq!(placed(1000.0, &frames), times(&[0, 40, 80, 120]));
}

#[test]
fn a_clock_that_is_set_does_not_tear_the_recording() {
    let back = [(0, Some(0)), (40, Some(40)), (80, Some(-3_600_000)), (120, Some(-3_599_960))];
    assert_eq!(placed(1000.0, &back), times(&[0, 40, 80, 120]));
    let forth = [(0, Some(0)), (40, Some(86_400_000)), (80, Some(86_400_040)), (120, Some(86_400_080))];
    assert_eq!(placed(1000.0, &forth), times(&[0, 40, 80, 120]));
}

#[test]
fn capture_times_that_come_and_go_do_no_harm() {
    let frames = [(0, None), (40, Some(7)), (80, None), (120, Some(0)), (160, Some(40))];
    assert_eq!(placed(1000.0, &frames), times(&[0, 40, 80, 120, 160]));
}

#[test]
fn time_never_stands_still() {
    let mut timeline = Timeline::new(1e9);
    let now = Instant::now();
    let frame = Frame {
        seq: 1,
        received: Moment { mono: now, wall: SystemTime::UNIX_EPOCH },
        payload: bytes::Bytes::new(),
        format: Format::jpeg(1, 1),
        captured: CaptureTime::from_unix_secs(5.0),
        source_seq: None,
        metadata: None,
    };
    let placed: Vec<u64> = (0..4).map(|_| timeline.place(&frame).unwrap()).collect();
    assert_eq!(placed, [0, 1, 2, 3]);
}

#[test]
fn a_faster_stream_is_thinned_to_the_target_and_a_jittery_one_of_that_rate_is_not() {
    for rate in [33, 40, 45, 50, 60, 90, 120, 240] {
        let fast: Vec<_> = (0..8 * rate).map(|i| (i * 1000 / rate, None)).collect();
        let kept = placed(30.0, &fast).iter().flatten().count();
        assert!((232..=244).contains(&kept), "{kept} of {rate} a second for 8 s");
    }
    let jittery: Vec<_> = (0..300u64).map(|i| (i * 1000 / 30 + (i * 7919) % 15, None)).collect();
    assert_eq!(placed(30.0, &jittery).iter().flatten().count(), 300);
    let bunched: Vec<_> = (0..300u64).map(|i| (i * 1000 / 30 / 400 * 400, None)).collect();
    assert_eq!(placed(30.0, &bunched).iter().flatten().count(), 300, "twelve at a time");
    let slow: Vec<_> = (0..50u64).map(|i| (i * 200, None)).collect();
    assert_eq!(placed(30.0, &slow).iter().flatten().count(), 50, "a slow stream keeps its rate");
}
