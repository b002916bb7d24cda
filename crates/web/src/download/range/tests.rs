//! Tests of `range`.
#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::{Selection::*, *};

#[test]
fn the_examples_of_the_rfc() {
    // RFC 9110 section 14.1.2: a representation of 10000 bytes.
    assert_eq!(select("bytes=0-499", 10_000), Part(0..500));
    assert_eq!(select("bytes=500-999", 10_000), Part(500..1000));
    assert_eq!(select("bytes=-500", 10_000), Part(9500..10_000));
    assert_eq!(select("bytes=9500-", 10_000), Part(9500..10_000));
    assert_eq!(select("bytes=0-0,-1", 10_000), Whole);
    assert_eq!(select("bytes= 0-999, 4500-5499, -1000", 10_000), Whole);
}

#[test]
fn ends_are_cut_to_the_file() {
    assert_eq!(select("bytes=9999-20000", 10_000), Part(9999..10_000));
    assert_eq!(select("bytes=-20000", 10_000), Part(0..10_000));
    assert_eq!(select("bytes=0-99999999999999999999999", 10), Part(0..10));
    assert_eq!(select("Bytes=1-1", 10), Part(1..2));
    assert_eq!(select("bytes=, 1-1 ,", 10), Part(1..2));
}

#[test]
fn what_is_not_there_is_unsatisfiable() {
    for header in ["bytes=10-", "bytes=10-12", "bytes=-0", "bytes=99999999999999999999999-"] {
        assert_eq!(select(header, 10), Unsatisfiable, "{header}");
    }
    assert_eq!(select("bytes=0-", 0), Unsatisfiable);
    assert_eq!(select("bytes=-5", 0), Whole);
}

#[test]
fn what_is_malformed_is_ignored() {
    for header in [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=5",
        "bytes=5-4",
        "bytes=a-b",
        "bytes=+1-2",
        "bytes=1--2",
        "bytes=0x1-2",
        "bytes=1 -2",
        "items=0-5",
        "bytes=--5",
        "bytes:0-5",
    ] {
        assert_eq!(select(header, 10), Whole, "{header}");
    }
}

proptest! {
    #[test]
    fn a_part_is_never_empty_and_always_within(header in "(bytes)?=?[ 0-9,-]{0,24}", len in 0..40u64) {
        if let Part(part) = select(&header, len) {
            prop_assert!(part.start < part.end && part.end <= len);
        }
    }

    #[test]
    fn any_header_is_survived(header in any::<String>(), len in any::<u64>()) {
        select(&header, len);
    }

    /// As section 14.1.2 says it, byte for byte.
    #[test]
    fn a_part_holds_the_bytes_that_are_named(first in 0..60u64, last in 0..60u64, len in 0..50u64) {
        let wanted: Vec<u64> = (0..len).filter(|at| (first..=last).contains(at)).collect();
        match select(&format!("bytes={first}-{last}"), len) {
            Part(part) => prop_assert_eq!(part.collect::<Vec<_>>(), wanted),
            Unsatisfiable => prop_assert!(wanted.is_empty() && first <= last),
            Whole => prop_assert!(first > last),
        }
    }

    #[test]
    fn parts_that_follow_one_another_are_the_file(len in 1..500u64, step in 1..100u64) {
        let mut at = 0;
        while at < len {
            let Part(part) = select(&format!("bytes={at}-{}", at + step - 1), len) else { panic!() };
            prop_assert_eq!(part.start, at);
            at = part.end;
        }
        prop_assert_eq!(at, len);
    }
}
