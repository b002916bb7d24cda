//! Tests of `pattern`.
#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;

#[test]
fn clocks_are_read() {
    assert_eq!(millis_of_day("00:00:00.000"), Some(0));
    assert_eq!(millis_of_day("12:34:56.789"), Some(45_296_789));
    assert_eq!(millis_of_day("12:34:56"), Some(45_296_000));
    assert_eq!(millis_of_day("12:34:56.7"), Some(45_296_700));
    assert_eq!(millis_of_day("12:34:56.789123"), Some(45_296_789));
    for text in ["", "12", "12:34", "1:2:3:4", "a:b:c", "12:99:00", "12:34:56.", "12:34:56.é", "12:34:56.1x"]
    {
        assert_eq!(millis_of_day(text), None, "{text}");
    }
}

#[test]
fn the_same_arguments_give_the_same_picture_whatever_came_before() {
    let mut used = TestPattern::new(320, 180);
    for seq in 0..40 {
        used.draw(seq, &format!("10:00:{:02}.{:03}", seq, seq * 17), "a caption");
    }
    let mut fresh = TestPattern::new(320, 180);
    let wanted = fresh.draw(7, "12:34:56.789", "demo");
    assert_eq!(used.draw(7, "12:34:56.789", "demo"), wanted);
}

#[test]
fn every_frame_differs_even_when_only_time_or_number_moves() {
    let mut pattern = TestPattern::new(640, 360);
    let first = pattern.draw(1, "12:00:00.000", "demo").clone();
    assert_ne!(*pattern.draw(1, "12:00:00.040", "demo"), first);
    assert_ne!(*pattern.draw(2, "12:00:00.000", "demo"), first);
    assert_ne!(*pattern.draw(1, "12:00:00.000", "cam"), first);
    assert_eq!(*pattern.draw(1, "12:00:00.000", "demo"), first);
}

#[test]
fn even_the_smallest_picture_moves() {
    let mut pattern = TestPattern::new(16, 16);
    let first = pattern.draw(0, "00:00:00.000", "").clone();
    assert_ne!(*pattern.draw(15, "00:00:00.500", ""), first);
}

#[test]
fn sizes_from_tiny_to_4k_are_drawn() {
    for (width, height) in
        [(0, 0), (16, 16), (16, 2160), (3840, 16), (17, 33), (160, 120), (1080, 1920), (3840, 2160)]
    {
        let mut pattern = TestPattern::new(width, height);
        let picture = pattern.draw(u64::MAX, "23:59:59.999", "x".repeat(500).as_str());
        assert_eq!((picture.width, picture.height), (width.max(16), height.max(16)));
        assert!(picture.check().is_ok());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn no_text_or_size_panics(
        width in 16..400u32, height in 16..400u32, seq: u64,
        clock in ".{0,16}", caption in ".{0,40}",
    ) {
        let mut pattern = TestPattern::new(width, height);
        pattern.draw(seq, &clock, &caption);
        pattern.draw(seq.wrapping_add(1), &clock, &caption);
    }
}
