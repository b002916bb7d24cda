//! Time as this face reads and writes it.

use std::time::SystemTime;

use hub::Moment;

/// Now, by the clock that tests can pause.
pub(crate) fn now() -> Moment {
    Moment { mono: tokio::time::Instant::now().into_std(), wall: SystemTime::now() }
}

/// RFC 3339 in UTC with milliseconds, as in `2026-01-21T10:30:00.000Z`.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).map_or_else(|_| String::new(), |t| format!("{t:.3}"))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    #[test]
    fn times_are_rfc_3339_with_milliseconds() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_769_000_000_250);
        assert_eq!(super::rfc3339(time), "2026-01-21T12:53:20.250Z");
    }
}
