//! From frames to a result, step by step while they come: a [`Referee`] begins a [`Run`], which takes each frame once, in
//! the order of their numbers, and is finished by the signal log.
//!
//! A run's parts, one for each stage that clients see:
//!
//! | stage | part | leaves |
//! |---|---|---|
//! | `video_reconstruction` | [`received`] | `received.mp4`: the frames as they came; JPEG is not encoded again |
//! | `fisheye` | [`corrected`] | `corrected.mp4`: straight pictures, JPEG |
//! | `yolo` | [`fencers`] | `keypoints.json`: both fencers, as [`crate::tracks`] keeps them, in pixels of `corrected.mp4` |
//! | `decision` | [`crate::decision`] | `signal.txt`: the log as it came |
//! | `overlay` | [`crate::overlay`] | `overlay.mp4`: what was seen and the verdict, H.264 |
//!
//! Memory is bounded whatever the length: of a frame nothing is kept but the fencers' key points; pictures are read back
//! from the corrected video where they are needed again. [`poses`] is another, tiny pipeline.

mod corrected;
mod error;
mod fencers;
mod frame;
pub mod poses;
mod received;
mod run;
mod timeline;

use std::path::Path;
use std::sync::Arc;

use crate::pose;

pub use error::Error;
pub use frame::{Encoding, Frame};
pub use run::Run;

/// Names of the files that a run leaves.
pub mod files {
    pub const RECEIVED: &str = "received.mp4";
    pub const CORRECTED: &str = "corrected.mp4";
    pub const KEY_POINTS: &str = "keypoints.json";
    pub const SIGNAL: &str = "signal.txt";
    pub const OVERLAY: &str = "overlay.mp4";
    pub const POSES: &str = "poses.jsonl";
    /// Removed at the end.
    pub(super) const SCRATCH: &str = "overlay.part";
}

/// A lens, for [`media::fisheye`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lens {
    /// k1 to k4; the first is the strength.
    pub bend: [f64; 4],
    /// 0 (zoomed in) to 1 (zoomed out).
    pub balance: f64,
}

impl Default for Lens {
    fn default() -> Self {
        Self { bend: [-0.18, 0.0, 0.0, 0.0], balance: 0.0 }
    }
}

/// What all runs share.
#[derive(Clone, Debug, Default)]
pub struct Referee {
    /// `None`: pictures are taken as they are.
    pub lens: Option<Lens>,
    /// `None`: fencers are not looked for, and right of way cannot be judged.
    pub model: Option<Arc<pose::OnDemand>>,
}

/// What a run starts with.
#[derive(Clone, Copy, Debug)]
pub struct Beginning<'a> {
    /// Frames a second; frame `n` is at `n / fps` on the signal log's clock.
    pub fps: f64,
    /// Of all frames, in pixels.
    pub width: u32,
    pub height: u32,
    /// Where files are left. It exists.
    pub folder: &'a Path,
    /// Whether the overlay is made.
    pub overlay: bool,
    /// Whether the result holds the key points as well.
    pub key_points: bool,
}

/// How far a stage is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// As in the table above.
    pub stage: &'static str,
    /// 0 to 1.
    pub share: f64,
    pub message: String,
}

impl Referee {
    /// Begins a run.
    ///
    /// # Errors
    /// [`Error`]: a lens that does not suit the size, a folder that cannot be written.
    pub fn begin(&self, beginning: &Beginning<'_>) -> Result<Run, Error> {
        Run::begin(self, beginning)
    }
}

#[cfg(test)]
mod tests;
