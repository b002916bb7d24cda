//! What is counted while a source is published, and how far it is.

use std::time::Duration;

/// What has happened so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) sent: u64,
    pub(super) bytes: u64,
    /// Frames that were due while an earlier one was still being sent.
    pub(super) skipped: u64,
    /// Frames that were due while the hub was away.
    pub(super) away: u64,
}

/// How far the playing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    /// In the source's own time, within the round.
    pub(super) at: Duration,
    /// From 1.
    pub(super) round: u64,
}

impl Position {
    /// After `elapsed`, of a source whose round takes `length`, if that is known.
    pub(super) fn after(elapsed: Duration, length: Option<Duration>) -> Position {
        let Some(length) = length.filter(|length| elapsed > *length && !length.is_zero()) else {
            return Position { at: elapsed, round: 1 };
        };
        let rounds = (elapsed.as_secs_f64() / length.as_secs_f64()).floor();
        Position { at: elapsed.saturating_sub(length.mul_f64(rounds)), round: rounds as u64 + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_position_starts_again_with_each_round() {
        let after = |secs, length| {
            let position = Position::after(Duration::from_secs(secs), length);
            (position.at.as_secs(), position.round)
        };
        assert_eq!(after(9, Some(Duration::from_secs(4))), (1, 3));
        assert_eq!(after(3, Some(Duration::from_secs(4))), (3, 1));
        assert_eq!(after(9, None), (9, 1));
    }
}
