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
mod tests;
