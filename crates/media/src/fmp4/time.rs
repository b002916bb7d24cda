//! A recording's clock, in ticks, and what they last.

use std::time::Duration;

use super::recording::TIMESCALE;

/// So many ticks, rounded down to the nanosecond.
pub fn duration(ticks: u64) -> Duration {
    let scale = u64::from(TIMESCALE);
    // Less than a second's ticks: no overflow.
    let nanos = (ticks % scale) * 1_000_000_000 / scale;
    Duration::from_secs(ticks / scale) + Duration::from_nanos(nanos)
}

/// To the nearest tick, so that [`duration`] and back is the same.
pub fn ticks(time: Duration) -> u64 {
    let scale = u64::from(TIMESCALE);
    let part = (u64::from(time.subsec_nanos()) * scale + 500_000_000) / 1_000_000_000;
    time.as_secs().saturating_mul(scale).saturating_add(part)
}
