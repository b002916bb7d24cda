//! Pictures and their files, as pure functions.
//!
//! What belongs here: turning pixels into JPEG and back, JPEG into smaller JPEG,
//! JPEG into H.264 and back, PNG, PPM from a pipe, turning pictures upright, straightening what a wide lens has bent, drawing text and the pictures
//! the hub shows of its own
//! accord (test pattern, placeholder), finding the JPEG frames inside a file
//! (JPEG, MJPEG, AVI, MP4, QuickTime), and what recordings look like inside.
//!
//! What does not: a runtime, a clock, a socket, a stream. Nothing here waits,
//! and nothing here reads the time; a caller that wants a clock in a picture passes its
//! text in. Only [`container`] and [`fmp4`] touch the file system, with positioned
//! reads.
//!
//! Invariants:
//! - **M1** Untrusted bytes never panic and never make this crate allocate
//!   more than the caller's own bound (`max_pixels`) or a named constant of ours.
//! - **M2** A [`Picture`] handed out holds exactly `width * height * 3` bytes.
//! - **M3** Drawing is deterministic: equal arguments give equal pixels.

pub mod canvas;
pub mod container;
mod error;
pub mod fisheye;
pub mod fmp4;
pub mod h264;
pub mod jpeg;
mod luma;
mod mp4;
pub mod pattern;
pub mod placeholder;
pub mod png;
pub mod ppm;
pub mod raw;
pub mod scale;
mod source;
pub mod text;
mod turn;

pub use error::Error;

/// What this crate's functions return.
pub type Result<T> = std::result::Result<T, Error>;

/// Red, green, blue; 0 to 255 each, as sRGB.
pub type Colour = [u8; 3];

/// A picture in memory: rows from top to bottom, three bytes (red, green,
/// blue) a pixel, no padding between rows.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// `height * width * 3` bytes.
    pub rgb: Vec<u8>,
}

impl Picture {
    /// A picture in one colour.
    pub fn filled(width: u32, height: u32, colour: Colour) -> Self {
        let pixels = width as usize * height as usize;
        Self { width, height, rgb: colour.repeat(pixels) }
    }

    /// The colour at column `x` and row `y`, or `None` outside the picture.
    pub fn pixel(&self, x: u32, y: u32) -> Option<Colour> {
        if x >= self.width {
            return None;
        }
        let at = (y as usize * self.width as usize + x as usize) * 3;
        match self.rgb.get(at..at + 3)? {
            &[r, g, b] => Some([r, g, b]),
            _ => None,
        }
    }

    /// Whether `rgb` has the length that `width` and `height` ask for; the
    /// fields are public, so an encoder has to look.
    fn check(&self) -> Result<()> {
        let wanted = u64::from(self.width) * u64::from(self.height) * 3;
        if self.width == 0 || self.height == 0 || wanted != self.rgb.len() as u64 {
            return Err(Error::BadPicture { width: self.width, height: self.height, bytes: self.rgb.len() });
        }
        Ok(())
    }
}

/// Names the size instead of printing a million numbers.
impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Picture")
            .field("width", &self.width)
            .field("height", &self.height)
            .field("bytes", &self.rgb.len())
            .finish()
    }
}

/// Refuses a picture of more pixels than the caller allows, before anything of
/// that size is allocated.
fn check_pixels(width: u64, height: u64, max: u64) -> Result<()> {
    // Both come from fields of at most 32 bits, so the product cannot overflow.
    if width * height > max {
        return Err(Error::TooManyPixels { width, height, max });
    }
    Ok(())
}
