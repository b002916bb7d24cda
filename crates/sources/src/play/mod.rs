//! Files, folders, the test picture and pipes as frames: which picture is due when, and its bytes. Where they go is the
//! caller's business: a stream, or an analysis that takes them as fast as it can.

mod clip;
mod cutter;
pub mod ffmpeg;
mod schedule;

pub use clip::{Clip, DEFAULT_FPS, PlayOptions};
pub use cutter::{CutError, Cutter};
pub use schedule::Schedule;
