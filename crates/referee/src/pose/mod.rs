//! People and their key points in a picture, found by a pose model in ONNX.
//!
//! Any pose model that Ultralytics exports is taken: input `1x3xHxW` (RGB, 0 to 1), output `1x56xN` (for each of N
//! candidates a box as middle and size, a score, and 17 key points as x, y and visibility, in pixels of the input).
//! `yolo export model=… format=onnx`, with or without `dynamic=True`, but without `nms=True`, makes such a file. A small
//! one of that layout is in the program itself ([`Source::Builtin`]).
//!
//! Here belongs what lies between a picture and [`Person`]s. Who of them fences is for [`crate::tracking`] to say. Only
//! `rten.rs` knows the engine.

mod builtin;
mod decode;
mod engine;
mod error;
mod letterbox;
mod on_demand;
mod onnx;
mod rten;
mod source;

use media::Picture;

pub use decode::{MAX_PERSONS, Thresholds};
pub use error::Error;
pub use letterbox::Letterbox;
pub use on_demand::OnDemand;
pub use source::Source;

use crate::tracks::Person;
use engine::{Engine, Tensor};

/// Rows of the output: a box, a score, 17 key points.
const ROWS: usize = 4 + 1 + 17 * 3;

/// Sides of the input, in pixels.
const SIDES: std::ops::RangeInclusive<usize> = 32..=4096;

/// A model with free sides is given sides that its coarsest layer divides (Ultralytics' stride).
const STRIDE: u32 = 32;

/// How a model is run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Settings {
    /// The longer side of what a model with free sides is given, in pixels; others know their own. `None`:
    /// [`Source::input_size`].
    pub input_size: Option<u32>,
    /// Threads that compute; 0 for as many as there are cores. They inherit the priority of the thread that loads.
    pub threads: usize,
    /// What counts as a person.
    pub thresholds: Thresholds,
}

/// A model that is loaded and has been tried once. Shared by all who need it: a run keeps no state.
pub struct Model {
    engine: Box<dyn Engine>,
    input: Input,
    thresholds: Thresholds,
}

/// The sides of a model's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    Fixed {
        width: u32,
        height: u32,
    },
    /// Follows the picture's proportions.
    Free {
        longer: u32,
    },
}

impl Model {
    /// Loads a model, checks its shapes and runs it once.
    ///
    /// # Errors
    /// [`Error::Unreadable`], [`Error::NotAModel`] where the engine cannot read it, or [`Error::Unfit`] where it is no pose
    /// model.
    pub fn load(source: &Source, settings: &Settings) -> Result<Self, Error> {
        let engine = rten::Rten::load(source.read()?, settings.threads);
        let engine = engine.map_err(|reason| Error::NotAModel { model: source.clone(), reason })?;
        let unfit = |reason| Error::Unfit { model: source.clone(), reason };
        let input_size = settings.input_size.unwrap_or(source.input_size());
        let input = Input::of(engine.input(), input_size).map_err(unfit)?;
        let model = Self { engine: Box::new(engine), input, thresholds: settings.thresholds };
        model.try_out().map_err(unfit)?;
        Ok(model)
    }

    /// The people in a picture, the surest first; at most [`MAX_PERSONS`]. Coordinates are pixels of the picture.
    ///
    /// # Errors
    /// [`Error::Failed`] where the engine gives up, or the model's output is suddenly another.
    pub fn run(&self, picture: &Picture) -> Result<Vec<Person>, Error> {
        let (tensor, letterbox) = self.prepare(picture);
        let output = self.infer(tensor)?;
        Ok(decode::persons(&output.data, self.thresholds, &letterbox))
    }

    /// What the model is given for a picture: planes of red, green and blue, each 0 to 1, row by row; and how the picture
    /// lies in it.
    pub fn letterboxed(&self, picture: &Picture) -> (Vec<f32>, Letterbox) {
        let (tensor, letterbox) = self.prepare(picture);
        (tensor.data, letterbox)
    }

    /// How a picture lies in what the model is given.
    pub fn letterbox(&self, picture: &Picture) -> Letterbox {
        match self.input {
            Input::Fixed { width, height } => Letterbox::into(width, height, picture),
            Input::Free { longer } => Letterbox::around(longer, STRIDE, picture),
        }
    }

    fn prepare(&self, picture: &Picture) -> (Tensor, Letterbox) {
        let letterbox = self.letterbox(picture);
        let shape = vec![1, 3, letterbox.height as usize, letterbox.width as usize];
        (Tensor { shape, data: letterbox.planes(picture) }, letterbox)
    }

    fn infer(&self, tensor: Tensor) -> Result<Tensor, Error> {
        let output = self.engine.run(tensor).map_err(Error::Failed)?;
        fitting(&output).map_err(Error::Failed)?;
        Ok(output)
    }

    /// Runs the model on grey: what its file does not say of its output shows now.
    fn try_out(&self) -> Result<(), String> {
        let (width, height) = match self.input {
            Input::Fixed { width, height } => (width, height),
            Input::Free { longer } => (longer, longer),
        };
        let (tensor, _) = self.prepare(&Picture::filled(width, height, [114; 3]));
        fitting(&self.engine.run(tensor)?)
    }
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model").field("input", &self.input).finish_non_exhaustive()
    }
}

impl Input {
    /// From the sides that a model names, `None` where they are free.
    fn of(shape: Vec<Option<usize>>, input_size: u32) -> Result<Self, String> {
        let [batch, channels, height, width] = shape[..] else {
            return Err(format!("its input has {} dimensions, not 4 (1x3xHxW)", shape.len()));
        };
        if batch.is_some_and(|batch| batch != 1) || channels.is_some_and(|channels| channels != 3) {
            let written = |side: Option<usize>| side.map_or("?".into(), |side| side.to_string());
            let (batch, channels) = (written(batch), written(channels));
            return Err(format!("its input is {batch}x{channels}xHxW, not 1x3xHxW"));
        }
        for side in [height, width].into_iter().flatten() {
            if !SIDES.contains(&side) {
                return Err(format!("its input is {side} pixels wide or high; 32 to 4096 are possible"));
            }
        }
        let longer = input_size.clamp(*SIDES.start() as u32, *SIDES.end() as u32);
        Ok(match (height, width) {
            (Some(height), Some(width)) => Self::Fixed { width: width as u32, height: height as u32 },
            // One free side is taken to be like the other.
            (Some(side), None) | (None, Some(side)) => {
                Self::Fixed { width: side as u32, height: side as u32 }
            }
            (None, None) => Self::Free { longer: longer.next_multiple_of(STRIDE) },
        })
    }
}

/// Whether an output is that of a pose model.
fn fitting(output: &Tensor) -> Result<(), String> {
    match output.shape[..] {
        [1, ROWS, candidates] if output.data.len() == ROWS * candidates => Ok(()),
        _ => {
            let shape: Vec<String> = output.shape.iter().map(ToString::to_string).collect();
            Err(format!(
                "its output is {}, not 1x56xN: a box, a score and 17 key points a candidate",
                shape.join("x")
            ))
        }
    }
}

/// For the fuzz target.
pub(crate) fn is_whole(bytes: &[u8]) -> bool {
    onnx::check(bytes).is_ok()
}

#[cfg(test)]
pub(crate) mod tests;
