//! Files, folders, the test picture and pipes as frames: which picture is due when, and its bytes. Where they go is the
//! caller's business: a stream, or an analysis that takes them as fast as it can.

mod clip;
mod cutter;
pub mod ffmpeg;
mod schedule;

pub use clip::Clip;
pub use cutter::{CutError, Cutter};
pub use schedule::Schedule;

/// Frames a second where neither the source nor the user says.
pub const DEFAULT_FPS: f64 = 30.0;

/// How a file, a folder or the test picture is played.
#[derive(Clone, Copy, Debug)]
pub struct PlayOptions {
    /// Frames a second: the pace of a source without times of its own, an upper limit for the others.
    pub fps: Option<f64>,
    /// JPEG quality (1 to 100) of what has to be encoded.
    pub quality: u8,
    /// Start again at the end.
    pub looping: bool,
    /// Width and height of the test pattern.
    pub size: (u32, u32),
}
