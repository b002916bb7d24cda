//! Tests of `when`.
#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;

fn ago(secs: f64) -> Option<Past> {
    Some(Past::Ago(Duration::from_secs_f64(secs)))
}

#[test]
fn the_past_is_so_long_ago_or_a_time() {
    for (text, secs) in
        [("-30s", 30.0), ("-30", 30.0), ("-1.5m", 90.0), ("-1h", 3600.0), ("-0", 0.0), ("-.5", 0.5)]
    {
        assert_eq!(Past::parse(text), ago(secs), "{text}");
    }
    let time = "2026-01-21T10:30:00Z".parse().unwrap();
    assert_eq!(Past::parse("2026-01-21T10:30:00Z"), Some(Past::At(time)));
    assert_eq!(Past::parse("2026-01-21T11:30:00 01:00"), Some(Past::At(time)));
    for wrong in ["", "-", "30", "30s", "--30", "-30d", "-1e3", "-inf", "-NaN", "-s", "-1.2.3", "-+3", "now"]
    {
        assert_eq!(Past::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn what_pages_write_against_caches_is_the_present() {
    let read = |text: &str| moment(serde::de::value::StrDeserializer::<serde::de::value::Error>::new(text));
    let now = Timestamp::now();
    let of_now = [0, 2, 60]
        .map(|secs| (now - Duration::from_secs(1) + jiff::SignedDuration::from_secs(secs)).to_string());
    let numbers =
        ["1699999999", "1699999999123", "1699999999.123", "0.84372", "", "0", "l8x2k9", "3fa9", "2"];
    for text in numbers.into_iter().chain(of_now.iter().map(String::as_str)) {
        assert_eq!(read(text), Ok(None), "{text}");
    }
    assert_eq!(read("-30s").unwrap(), ago(30.0));
    assert!(matches!(read("2026-01-21T10:30:00Z"), Ok(Some(Past::At(_)))));
    for wrong in ["yesterday", "-30d", "2026-01-21", "10:30", "-", "30s", "1.5m"] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn the_future_is_not_past() {
    let now: Timestamp = "2026-01-21T10:30:00Z".parse().unwrap();
    let half_past: Timestamp = "2026-01-21T10:29:30Z".parse().unwrap();
    assert_eq!(ago(30.0).unwrap().before(now).unwrap(), half_past);
    assert_eq!(Past::At(half_past).before(now).unwrap(), half_past);
    assert_eq!(Past::At(now).before(half_past).unwrap_err().code(), "BAD_QUERY");
    assert_eq!(Past::Ago(Duration::MAX).before(now).unwrap(), Timestamp::MIN);
}

#[test]
fn a_recording_has_a_start_and_an_end() {
    let secs = Duration::from_secs_f64;
    assert_eq!(Offset::parse("12.5"), Some(Offset(Position::FromStart(secs(12.5)))));
    assert_eq!(Offset::parse("0"), Some(Offset::default()));
    assert_eq!(Offset::parse("2m"), Some(Offset(Position::FromStart(secs(120.0)))));
    assert_eq!(Offset::parse("-3"), Some(Offset(Position::FromEnd(secs(3.0)))));
    for wrong in ["", "-", "x", "+5", "1e9", "99999999999999999999999"] {
        assert_eq!(Offset::parse(wrong), None, "{wrong}");
    }
}

proptest! {
    #[test]
    fn any_text_is_survived(text in any::<String>(), near in "-?[0-9.]{0,30}[smh]?") {
        for text in [text, near] {
            let _ = (Past::parse(&text), Offset::parse(&text));
        }
    }
}
