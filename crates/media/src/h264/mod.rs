//! JPEG to H.264 and back, for recordings that a browser plays.
//!
//! The codec (openh264, Cisco's, compiled from source) is named in this module
//! alone. Pictures go from one codec to the other as planes of luma and chroma;
//! RGB is never made of them. H.264 says of itself what JPEG takes for granted:
//! BT.601's matrix and full range.
//!
//! Frames are as MP4 keeps them: NAL units, each behind its length in four bytes,
//! without parameter sets, which stand in the file's header.
//!
//! What does not belong here: files, times, and when a key frame is due.

mod decoder;
mod encoder;
mod planes;

pub use crate::luma::Range;
pub use decoder::{Decoded, Decoder};
pub use encoder::{Encoded, Encoder};

impl From<openh264::Error> for crate::Error {
    fn from(error: openh264::Error) -> Self {
        Self::BadH264(match error.native_code() {
            0 => "the decoder found it damaged".into(),
            code => format!("openh264 says {code}"),
        })
    }
}

#[cfg(test)]
mod tests;
