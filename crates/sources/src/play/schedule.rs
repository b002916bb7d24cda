//! When each frame of a source is due. Pure arithmetic: seconds since the start in, frame numbers out.
//!
//! Frames are counted from 0 and on through every round of a source that loops, so a number says both which
//! picture it is and when it is due.

use std::time::Duration;

/// The cadence of a source, once or without end.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    cadence: Cadence,
    /// Start again after the last frame.
    looping: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Cadence {
    /// At these seconds, rising from 0; one round takes `round_secs`, more than the last of them.
    Listed { times: Vec<f64>, round_secs: f64 },
    /// Every `1 / fps` seconds; `len` frames a round, without end if that is `None`.
    Even { fps: f64, len: Option<u64> },
}

impl Schedule {
    /// Frames at the times that a file gives them.
    pub fn listed(times: Vec<f64>, round_secs: f64, looping: bool) -> Schedule {
        debug_assert!(
            !times.is_empty() && times.is_sorted() && times.last().is_some_and(|last| *last < round_secs)
        );
        Schedule { cadence: Cadence::Listed { times, round_secs }, looping }
    }

    /// Frames at an even rate.
    pub fn even(fps: f64, len: Option<u64>, looping: bool) -> Schedule {
        Schedule { cadence: Cadence::Even { fps, len }, looping }
    }

    /// Frames of one round; `None` without end.
    pub fn frames(&self) -> Option<u64> {
        match &self.cadence {
            Cadence::Listed { times, .. } => Some(times.len() as u64),
            Cadence::Even { len, .. } => *len,
        }
    }

    /// The time of one round.
    pub fn round(&self) -> Option<Duration> {
        let secs = match &self.cadence {
            Cadence::Listed { round_secs, .. } => Some(*round_secs),
            Cadence::Even { fps, len } => len.map(|len| len as f64 / fps),
        };
        secs.map(Duration::from_secs_f64)
    }

    /// Frames a second, on average.
    pub fn fps(&self) -> f64 {
        match &self.cadence {
            Cadence::Listed { times, round_secs } => times.len() as f64 / round_secs,
            Cadence::Even { fps, .. } => *fps,
        }
    }

    /// The longest time between two frames.
    pub fn longest_gap(&self) -> Duration {
        let secs = match &self.cadence {
            Cadence::Even { fps, .. } => 1.0 / fps,
            Cadence::Listed { times, round_secs } => {
                let ends = times.iter().skip(1).chain([round_secs]);
                times.iter().zip(ends).map(|(from, to)| to - from).fold(0.0, f64::max)
            }
        };
        Duration::from_secs_f64(secs)
    }

    /// Which picture of the source frame `number` is; `None` after the end.
    pub fn picture(&self, number: u64) -> Option<u64> {
        match self.frames() {
            None => Some(number),
            Some(len) if self.looping => Some(number % len),
            Some(len) => (number < len).then_some(number),
        }
    }

    /// When frame `number` is due.
    pub fn due(&self, number: u64) -> Duration {
        let secs = match &self.cadence {
            Cadence::Even { fps, .. } => number as f64 / fps,
            Cadence::Listed { times, round_secs } => {
                let len = times.len() as u64;
                (number / len) as f64 * round_secs + times[(number % len) as usize]
            }
        };
        Duration::from_secs_f64(secs)
    }

    /// The newest frame that is due after `elapsed`, at least `number`: those before it are too late to be sent. Without
    /// looping, not past the last frame.
    pub fn newest_due(&self, elapsed: Duration, number: u64) -> u64 {
        let secs = elapsed.as_secs_f64();
        let newest = match &self.cadence {
            Cadence::Even { fps, .. } => (secs * fps) as u64,
            Cadence::Listed { times, round_secs } => {
                let rounds = (secs / round_secs).floor();
                let rest = secs - rounds * round_secs;
                // The first frame is due at 0.
                let begun = times.partition_point(|time| *time <= rest).max(1) as u64;
                rounds as u64 * times.len() as u64 + begun - 1
            }
        };
        let newest = match self.frames() {
            Some(len) if !self.looping => newest.min(len - 1),
            _ => newest,
        };
        newest.max(number)
    }
}

/// Which of the frames at `times` remain when no more than `fps` a second may be sent: those that are the
/// first in their slot of `1 / fps` seconds.
pub(super) fn thinned(times: &[f64], fps: f64) -> Vec<usize> {
    let mut last_slot = None;
    let mut kept = Vec::new();
    for (index, time) in times.iter().enumerate() {
        // Rounding may put a slot's first frame just before its start.
        let slot = (time * fps + 1e-6).floor() as u64;
        if last_slot.is_none_or(|last| slot > last) {
            kept.push(index);
            last_slot = Some(slot);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn an_even_beat_ends_or_goes_round() {
        let once = Schedule::even(10.0, Some(3), false);
        assert_eq!((0..4).map(|n| once.picture(n)).collect::<Vec<_>>(), [Some(0), Some(1), Some(2), None]);
        assert_eq!(once.round(), Some(millis(300)));
        let round = Schedule::even(10.0, Some(3), true);
        assert_eq!((3..6).map(|n| round.picture(n)).collect::<Vec<_>>(), [Some(0), Some(1), Some(2)]);
        assert_eq!(round.due(7), millis(700));
        assert_eq!(Schedule::even(25.0, None, false).picture(1_000_000), Some(1_000_000));
    }

    #[test]
    fn listed_times_are_kept_through_the_rounds() {
        let schedule = Schedule::listed(vec![0.0, 0.5, 0.75], 2.0, true);
        let due: Vec<u128> = (0..5).map(|number| schedule.due(number).as_millis()).collect();
        assert_eq!(due, [0, 500, 750, 2000, 2500]);
        assert_eq!(schedule.longest_gap(), millis(1250));
        assert_eq!((schedule.fps(), Schedule::even(25.0, None, false).fps()), (1.5, 25.0));
    }

    #[test]
    fn a_late_reader_gets_the_newest_frame_that_is_due() {
        let schedule = Schedule::listed(vec![0.0, 0.5, 0.75], 2.0, true);
        for (elapsed, newest) in [(0, 0), (499, 0), (500, 1), (1999, 2), (2000, 3), (2600, 4), (9000, 14)] {
            assert_eq!(schedule.newest_due(millis(elapsed), 0), newest, "{elapsed}");
        }
        assert_eq!(schedule.newest_due(millis(500), 2), 2, "never back");
        let once = Schedule::listed(vec![0.0, 0.5, 0.75], 2.0, false);
        assert_eq!(once.newest_due(millis(9000), 1), 2, "not past the end");
        assert_eq!(Schedule::even(30.0, Some(30), true).newest_due(millis(1100), 3), 33);
    }

    proptest::proptest! {
        /// On time is never late: at the moment when a frame is due, no later one is.
        #[test]
        fn nothing_is_skipped_on_time(number in 0_u64..1_000_000, fps in 0.5_f64..240.0) {
            let times: Vec<f64> = (0..7).map(|at| f64::from(at) / fps).collect();
            let listed = Schedule::listed(times, 7.0 / fps, true);
            for schedule in [listed, Schedule::even(fps, Some(7), true)] {
                let newest = schedule.newest_due(schedule.due(number), number);
                proptest::prop_assert_eq!(newest, number);
            }
        }
    }

    #[test]
    fn thinning_keeps_an_even_spacing() {
        let thirty: Vec<f64> = (0..30).map(|at| f64::from(at) / 30.0).collect();
        assert_eq!(thinned(&thirty, 10.0), (0..30).step_by(3).collect::<Vec<_>>());
        assert_eq!(thinned(&thirty, 30.0).len(), 30);
        assert_eq!(thinned(&thirty, 100.0).len(), 30);
        assert_eq!(thinned(&thirty, 20.0).len(), 20);
        assert_eq!(thinned(&[0.0, 0.0, 5.0], 1.0), [0, 2]);
    }
}
