//! The log's clock and the frames' clock brought together.

use crate::tracks::Tracks;

/// Frames whose length differs from the log's by no more than this are the same recording. The most in 152 phrases is
/// 0.56 s: cameras deliver fewer or more frames a second than they announce.
const SAME_RECORDING_SECS: f64 = 0.6;

/// Turns frames' times into the log's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    start_secs: f64,
    pace: f64,
}

impl Clock {
    /// Where frames and log are one recording, the last frame ends with the log; else both clocks are taken as they are.
    pub(super) fn of(tracks: &Tracks, ended_secs: Option<f64>) -> Self {
        let plain = Self { start_secs: 0.0, pace: 1.0 };
        let (Some(first), Some(last), Some(ended)) =
            (tracks.frames.first(), tracks.frames.last(), ended_secs)
        else {
            return plain;
        };
        let length = last.time_secs - first.time_secs + 1.0 / tracks.fps;
        if ended <= 0.0 || (length - ended).abs() > SAME_RECORDING_SECS {
            return plain;
        }
        Self { start_secs: first.time_secs, pace: ended / length }
    }

    pub(super) fn time(self, frame_secs: f64) -> f64 {
        (frame_secs - self.start_secs) * self.pace
    }
}
