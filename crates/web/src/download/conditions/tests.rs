//! Tests of `conditions`.
#![allow(clippy::unwrap_used)]
use super::{Verdict::*, *};

const MODIFIED: &str = "Wed, 21 Jan 2026 10:30:00 GMT";
const EARLIER: &str = "Wed, 21 Jan 2026 10:29:59 GMT";
const LATER: &str = "Wed, 21 Jan 2026 10:30:01 GMT";

fn validators() -> Validators {
    let modified = "2026-01-21T10:30:00Z".parse().unwrap();
    Validators { etag: "\"abc\"".into(), modified, growing: false }
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

fn judge(pairs: &[(&'static str, &str)]) -> Verdict {
    validators().judge(&headers(pairs))
}

fn allows(condition: &str) -> bool {
    validators().allow_range(&headers(&[("if-range", condition)]))
}

#[test]
fn a_client_that_has_the_file_gets_not_modified() {
    for tags in ["\"abc\"", "W/\"abc\"", "\"x\", \"abc\"", "*"] {
        assert_eq!(judge(&[("if-none-match", tags)]), NotModified, "{tags}");
    }
    assert_eq!(judge(&[("if-none-match", "\"x\"")]), Send);
    assert_eq!(judge(&[("if-modified-since", MODIFIED)]), NotModified);
    assert_eq!(judge(&[("if-modified-since", EARLIER)]), Send);
    assert_eq!(judge(&[("if-modified-since", "yesterday")]), Send);
    let tag_first = [("if-none-match", "\"x\""), ("if-modified-since", LATER)];
    assert_eq!(judge(&tag_first), Send, "the tag decides, where there is one");
}

#[test]
fn a_precondition_that_fails_is_told() {
    assert_eq!(judge(&[("if-match", "\"abc\"")]), Send);
    assert_eq!(judge(&[("if-match", "W/\"abc\"")]), PreconditionFailed);
    assert_eq!(judge(&[("if-match", "\"x\""), ("if-none-match", "\"abc\"")]), PreconditionFailed);
    assert_eq!(judge(&[("if-unmodified-since", MODIFIED)]), Send);
    assert_eq!(judge(&[("if-unmodified-since", EARLIER)]), PreconditionFailed);
}

#[test]
fn a_range_is_sent_of_the_same_bytes_only() {
    assert!(validators().allow_range(&HeaderMap::new()));
    assert!(allows("\"abc\"") && allows(MODIFIED));
    for other in ["\"x\"", "W/\"abc\"", EARLIER, LATER, "", "abc"] {
        assert!(!allows(other), "{other}");
    }
}

#[test]
fn a_growing_file_is_never_complete_but_a_part_can_be_resumed() {
    let growing = Validators { growing: true, ..validators() };
    assert_eq!(growing.judge(&headers(&[("if-none-match", "\"abc\"")])), Send);
    assert!(growing.allow_range(&headers(&[("if-range", "\"abc\"")])));
    assert!(!growing.allow_range(&headers(&[("if-range", MODIFIED)])));
}

#[test]
fn the_date_is_printed_as_it_is_read() {
    assert_eq!(validators().last_modified().unwrap(), MODIFIED);
}
