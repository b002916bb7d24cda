//! How a file, a folder or the test picture is played.

/// Frames a second where neither the source nor the user says.
pub const DEFAULT_FPS: f64 = 30.0;

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
