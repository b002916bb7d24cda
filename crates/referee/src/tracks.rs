//! Where both fencers' key points are in each frame, and the `*.keypoints.json` file that keeps them.
//!
//! The file is one JSON object: `fps`, and for `left` and `right` one entry a frame. An entry is `null` where nobody
//! was found, else 17 points `[x, y]` or `[x, y, score]` in the order of [`COCO_KEY_POINTS`], or `null` for a point that
//! was not seen (see `unseen`); x grows to the right and y downwards. Three keys may be left out: `unit` (see [`Unit`]), `time_secs` (a time a frame; else frame `n` is
//! at `n / fps`) and `left_box`, `right_box` (`[left, top, right, bottom, score]` a frame; else the points' own box).
//! Other keys are skipped. Finding people in pictures, and following them, belongs elsewhere.

mod file;
mod unseen;

use serde::{Deserialize, Serialize};

/// The largest file that [`Tracks::read`] takes. A frame takes about 700 bytes of it.
pub const MAX_FILE_BYTES: usize = 128 * 1024 * 1024;
/// The most frames in a file: an hour at 30 a second. A frame takes about 1 kB of memory.
pub const MAX_FRAMES: usize = 108_000;
/// Coordinates further out than this are a mistake: no picture is as large.
pub const MAX_COORDINATE: f64 = 1e6;
/// The most frames a second.
pub const MAX_FPS: f64 = 1_000.0;

/// The 17 key points of a person in the order of the COCO data set (Lin et al. 2014), which pose models keep.
pub const COCO_KEY_POINTS: [&str; 17] = [
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
];

/// One key point of a person.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct KeyPoint {
    /// To the right, in the tracks' [`Unit`].
    pub x: f64,
    /// Downwards, in the tracks' [`Unit`].
    pub y: f64,
    /// How sure the model is, 0 to 1; 1 where nothing is known of it.
    pub score: f64,
}

/// An upright rectangle, in the tracks' [`Unit`].
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bounds {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

/// One person in one frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Person {
    pub bounds: Bounds,
    /// How sure the model is of the person, 0 to 1; 1 where nothing is known of it.
    pub score: f64,
    /// In the order of [`COCO_KEY_POINTS`].
    pub key_points: [KeyPoint; 17],
}

/// Both fencers in one frame. Left and right are the sides of the piste as the camera sees them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// Seconds since the first frame's moment; on the signal log's clock.
    pub time_secs: f64,
    pub left: Option<Person>,
    pub right: Option<Person>,
}

/// What a coordinate of 1 is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A quarter of the distance between the fencers' front feet at the start (on guard, 4 m): about a metre.
    #[default]
    QuarterStartDistance,
    /// A pixel of the picture that the model saw.
    Pixels,
}

/// Both fencers through a phrase.
#[derive(Debug, Clone, PartialEq)]
pub struct Tracks {
    /// Frames a second as announced; `frames` says the true times.
    pub fps: f64,
    pub unit: Unit,
    /// In the order of their times.
    pub frames: Vec<Pair>,
}

/// Why key points cannot be read or written.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error(
        "the key points take {bytes} bytes, {MAX_FILE_BYTES} are allowed: cut the recording into phrases"
    )]
    TooLarge { bytes: usize },
    #[error("not a key-point file: {message}")]
    Json { message: String },
    #[error(
        "the key points have {left} frames of the left fencer and {right} of the right one: give each frame an \
             entry for both, null where one is not seen"
    )]
    Uneven { left: usize, right: usize },
    #[error(
        "the key points have {found} entries in `{key}` for {frames} frames: give one a frame, or leave it out"
    )]
    Count { key: &'static str, found: usize, frames: usize },
    #[error("fps is {fps}: give the frames a second, more than 0 and at most {MAX_FPS}")]
    Fps { fps: f64 },
    #[error(
        "frame {frame} is at {time_secs} s, the one before it is not earlier: give frames in the order of time"
    )]
    Time { frame: usize, time_secs: f64 },
    #[error(
        "frame {frame}, {side} fencer, {what} is {value}: coordinates are finite and at most {MAX_COORDINATE}, \
             scores are from 0 to 1"
    )]
    Value { frame: usize, side: &'static str, what: &'static str, value: f64 },
}

impl Error {
    /// Stable, for clients.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "KEYPOINTS_TOO_LARGE",
            _ => "BAD_KEYPOINTS",
        }
    }
}

impl Bounds {
    /// The smallest rectangle around some points.
    pub fn around(points: &[KeyPoint]) -> Self {
        let start = Self { left: f64::MAX, top: f64::MAX, right: f64::MIN, bottom: f64::MIN };
        points.iter().fold(start, |b, p| Self {
            left: b.left.min(p.x),
            top: b.top.min(p.y),
            right: b.right.max(p.x),
            bottom: b.bottom.max(p.y),
        })
    }
}

impl Tracks {
    /// Whether all values are within what their documentation says.
    pub fn check(&self) -> Result<(), Error> {
        if !(self.fps > 0.0 && self.fps <= MAX_FPS) {
            return Err(Error::Fps { fps: self.fps });
        }
        let mut earlier = f64::NEG_INFINITY;
        for (frame, pair) in self.frames.iter().enumerate() {
            if !pair.time_secs.is_finite() || pair.time_secs <= earlier {
                return Err(Error::Time { frame, time_secs: pair.time_secs });
            }
            earlier = pair.time_secs;
            for (side, person) in [("left", &pair.left), ("right", &pair.right)] {
                let fault = person.as_ref().and_then(Person::fault);
                if let Some((what, value)) = fault {
                    return Err(Error::Value { frame, side, what, value });
                }
            }
        }
        Ok(())
    }
}

impl Person {
    /// The first value that is not what it should be, with its name.
    fn fault(&self) -> Option<(&'static str, f64)> {
        let point = |(name, p): (&&'static str, &KeyPoint)| {
            far(p.x).or(far(p.y)).or(unsure(p.score)).map(|value| (*name, value))
        };
        let Bounds { left, top, right, bottom } = self.bounds;
        let bounds = [left, top, right, bottom].into_iter().find_map(far).or(unsure(self.score));
        COCO_KEY_POINTS
            .iter()
            .zip(&self.key_points)
            .find_map(point)
            .or(bounds.map(|value| ("the box", value)))
    }
}

/// The coordinate, if it is none.
fn far(value: f64) -> Option<f64> {
    (!(-MAX_COORDINATE..=MAX_COORDINATE).contains(&value)).then_some(value)
}

/// The score, if it is none.
fn unsure(value: f64) -> Option<f64> {
    (!(0.0..=1.0).contains(&value)).then_some(value)
}

#[cfg(test)]
mod tests;
