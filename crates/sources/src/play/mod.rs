//! Files, folders, the test picture and pipes as frames: which picture is due when, and its bytes. Where they go is the
//! caller's business: a stream, or an analysis that takes them as fast as it can.

mod clip;
mod cutter;
pub mod ffmpeg;
mod options;
mod schedule;

pub use clip::Clip;
pub use cutter::{CutError, Cutter};
pub use options::{DEFAULT_FPS, PlayOptions};
pub use schedule::Schedule;
