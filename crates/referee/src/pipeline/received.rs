//! The video as it was received.

use std::path::Path;

use media::fmp4::{Codec, Track};
use media::jpeg;

use super::{Encoding, Error, Frame};
use crate::film::{Film, Moment};

/// Of pictures that did not come as JPEG; they are encoded once.
const QUALITY: u8 = 95;

/// A fragment is written when its frames take so much memory.
const FRAGMENT_BYTES: usize = 4 << 20;

#[derive(Debug)]
pub(super) struct Received {
    film: Film,
    pending: usize,
}

impl Received {
    pub(super) fn create(path: &Path, width: u32, height: u32) -> Result<Self, Error> {
        Ok(Self { film: Film::create(path, &Track { codec: Codec::Mp4v, width, height })?, pending: 0 })
    }

    /// Takes a frame; a JPEG as it is.
    pub(super) fn push(&mut self, frame: &Frame<'_>, moment: Moment, cuts: bool) -> Result<(), Error> {
        if cuts || self.pending > FRAGMENT_BYTES {
            self.film.cut()?;
            self.pending = 0;
        }
        let encoded;
        let bytes = match frame.encoding {
            Encoding::Jpeg => frame.bytes,
            Encoding::Png | Encoding::Raw { .. } => {
                encoded = jpeg::encode(&frame.picture()?, QUALITY)?;
                &encoded
            }
        };
        self.pending += bytes.len();
        self.film.push(bytes, true, moment)
    }

    pub(super) fn finish(self) -> Result<(), Error> {
        self.film.finish()
    }
}
