//! What can be shown without asking anybody: files, folders and the test picture, and what a program writes to a
//! pipe. Which picture comes when, and its bytes; where it goes is the caller's business, so that `framehub publish`
//! plays the same.

mod clip;
mod cutter;
pub mod ffmpeg;
mod schedule;

pub use clip::{Clip, DEFAULT_FPS, PlayOptions};
pub use cutter::{CutError, Cutter};
pub use schedule::Schedule;
