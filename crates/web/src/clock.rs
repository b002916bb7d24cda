//! Time as the routes read and write it.

use std::time::SystemTime;

use jiff::Timestamp;

pub(crate) use ingest::now;

/// RFC 3339 in UTC with milliseconds, as in `2026-01-21T10:30:00.000Z`.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    Timestamp::try_from(time).map_or_else(|_| String::new(), |t| format!("{t:.3}"))
}

/// Reads RFC 3339. In a query the plus sign of an offset stands for a space unless it is escaped, which people forget.
pub(crate) fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    text.parse().or_else(|_| text.replace(' ', "+").parse()).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::{Duration, SystemTime};

    #[test]
    fn an_offset_may_have_lost_its_plus_sign() {
        let utc = super::parse_rfc3339("2026-01-21T10:30:00.5Z").unwrap();
        for text in ["2026-01-21T12:30:00.5+02:00", "2026-01-21T12:30:00.5 02:00"] {
            assert_eq!(super::parse_rfc3339(text), Some(utc), "{text}");
        }
        for wrong in ["", "yesterday", "2026-01-21", "2026-13-21T10:30:00Z", "2026-01-21T10:30:00"] {
            assert_eq!(super::parse_rfc3339(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn times_are_rfc_3339_with_milliseconds() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_769_000_000_250);
        assert_eq!(super::rfc3339(time), "2026-01-21T12:53:20.250Z");
    }
}
