//! Which bytes a `Range` header asks for: RFC 9110, section 14, as a pure function.

use std::ops::Range;

/// What is to be sent of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Selection {
    /// There is no range, or none that has to be honoured.
    Whole,
    /// Not empty, and within the file.
    Part(Range<u64>),
    /// Nothing that is asked for is there.
    Unsatisfiable,
}

/// Reads a `Range` header for a file of `len` bytes. Several ranges, other units and what is malformed are answered
/// with the whole, as section 14.2 allows: no client of recordings needs `multipart/byteranges`.
pub(crate) fn select(header: &str, len: u64) -> Selection {
    let Some(spec) = single_spec(header) else { return Selection::Whole };
    let Some((first, last)) = spec.split_once('-') else { return Selection::Whole };
    match (first, last) {
        ("", suffix) => select_suffix(suffix, len),
        (first, "") => select_from(number(first), Some(u64::MAX), len),
        (first, last) => select_from(number(first), number(last), len),
    }
}

/// The one range of a set. Empty elements of a list do not count (section 5.6.1.2).
fn single_spec(header: &str) -> Option<&str> {
    let (unit, set) = header.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let mut specs = set.split(',').map(|spec| spec.trim_matches([' ', '\t'])).filter(|spec| !spec.is_empty());
    let only = specs.next()?;
    specs.next().is_none().then_some(only)
}

fn select_suffix(suffix: &str, len: u64) -> Selection {
    match number(suffix) {
        None => Selection::Whole,
        Some(0) => Selection::Unsatisfiable,
        // Of nothing there is no part: Content-Range could not name it.
        Some(_) if len == 0 => Selection::Whole,
        Some(wanted) => Selection::Part(len.saturating_sub(wanted)..len),
    }
}

/// `last` is included.
fn select_from(first: Option<u64>, last: Option<u64>, len: u64) -> Selection {
    match (first, last) {
        (Some(first), Some(last)) if first > last => Selection::Whole,
        (Some(first), Some(_)) if first >= len => Selection::Unsatisfiable,
        (Some(first), Some(last)) => Selection::Part(first..last.saturating_add(1).min(len)),
        _ => Selection::Whole,
    }
}

/// Digits only. A number beyond any file stands for the largest one.
fn number(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
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
}
