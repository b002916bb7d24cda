//! A frame as it came, and its picture.

use media::{Picture, jpeg, png};

use super::Error;

/// Larger pictures are not decoded: 8K.
const MAX_PIXELS: u64 = 7680 * 4320;

/// A frame as it came.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// From 0; they rise, and some may be missing.
    pub number: u64,
    /// Unix seconds, where its capture time is known.
    pub captured: Option<f64>,
    pub encoding: Encoding,
    pub bytes: &'a [u8],
}

/// How a frame's bytes are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Jpeg,
    Png,
    /// Rows of pixels from top to bottom: blue, green, red (3 channels), or grey (1).
    Raw {
        width: u32,
        height: u32,
        channels: u32,
    },
}

impl Frame<'_> {
    /// Its pixels.
    ///
    /// # Errors
    /// [`Error::Media`] where they cannot be read.
    pub fn picture(&self) -> Result<Picture, Error> {
        Ok(match self.encoding {
            Encoding::Jpeg => jpeg::decode(self.bytes, MAX_PIXELS)?,
            Encoding::Png => png::decode(self.bytes, MAX_PIXELS)?,
            Encoding::Raw { width, height, channels } => raw(self.bytes, width, height, channels)?,
        })
    }
}

fn raw(bytes: &[u8], width: u32, height: u32, channels: u32) -> Result<Picture, Error> {
    let pixels = u64::from(width) * u64::from(height);
    let bad = media::Error::BadPicture { width, height, bytes: bytes.len() };
    if pixels == 0 || pixels > MAX_PIXELS || pixels * u64::from(channels) != bytes.len() as u64 {
        return Err(bad.into());
    }
    let rgb = match channels {
        1 => bytes.iter().flat_map(|&grey| [grey; 3]).collect(),
        3 => bytes.as_chunks::<3>().0.iter().flat_map(|&[blue, green, red]| [red, green, blue]).collect(),
        _ => return Err(bad.into()),
    };
    Ok(Picture { width, height, rgb })
}
