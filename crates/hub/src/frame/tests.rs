//! Tests of `frame`.
#![allow(clippy::unwrap_used)]

use super::*;

fn frame(captured: Option<CaptureTime>, wall: SystemTime) -> Frame {
    let mut new = NewFrame::new(Bytes::from_static(b"1234"), Format::jpeg(640, 480));
    new.captured = captured;
    Frame::numbered(1, new, Moment { mono: Instant::now(), wall })
}

fn after_epoch(secs: f64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs_f64(secs)
}

#[test]
fn a_capture_time_is_a_finite_number_of_seconds_since_the_epoch() {
    for secs in [0.0, 1.5, 1_700_000_000.123, f64::MAX] {
        assert_eq!(CaptureTime::from_unix_secs(secs).unwrap().unix_secs(), secs);
    }
    for secs in [-1.0, -f64::MIN_POSITIVE, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(CaptureTime::from_unix_secs(secs), None, "{secs}");
    }
}

#[test]
fn the_timestamp_is_the_capture_time_or_else_ours() {
    let captured = CaptureTime::from_unix_secs(1.25);
    assert_eq!(frame(captured, after_epoch(7.5)).timestamp_unix_secs(), 1.25);
    assert_eq!(frame(None, after_epoch(7.5)).timestamp_unix_secs(), 7.5);
}

#[test]
fn a_wall_clock_before_the_epoch_reads_as_the_epoch() {
    let wall = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
    assert_eq!(frame(None, wall).timestamp_unix_secs(), 0.0);
}

#[test]
fn age_is_monotonic_time_since_arrival_and_never_negative() {
    let frame = frame(CaptureTime::from_unix_secs(0.0), after_epoch(7.5));
    let received = frame.received.mono;
    assert_eq!(frame.age(received + Duration::from_millis(40)), Duration::from_millis(40));
    assert_eq!(frame.age(received), Duration::ZERO);
    let earlier = received.checked_sub(Duration::from_nanos(1)).unwrap();
    assert_eq!(frame.age(earlier), Duration::ZERO);
}

#[test]
fn a_frame_keeps_all_that_its_publisher_gave() {
    let mut new = NewFrame::new(Bytes::from_static(b"1234"), Format::jpeg(640, 480));
    new.captured = CaptureTime::from_unix_secs(1.0);
    new.source_seq = Some(77);
    new.metadata = Some("{}".into());
    let received = Moment::now();
    let frame = Frame::numbered(3, new.clone(), received);
    assert_eq!((frame.seq, frame.received), (3, received));
    assert_eq!((&frame.payload, frame.format), (&new.payload, new.format));
    assert_eq!((frame.captured, frame.source_seq), (new.captured, Some(77)));
    assert_eq!(frame.metadata.as_deref(), Some("{}"));
}

#[test]
fn debug_shows_a_size_and_not_the_bytes() {
    let shown = format!("{:?}", frame(None, after_epoch(0.0)));
    assert!(shown.contains("bytes: 4") && !shown.contains("1234"), "{shown}");
}
