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

pub(crate) use decoder::spread_tables;
pub use decoder::{Decoded, Decoder, Range};
pub use encoder::{Encoded, Encoder};

/// `nal_unit_type` (H.264, table 7-1).
const SPS: u8 = 7;
const PPS: u8 = 8;

/// What stands before a NAL unit in a stream of bytes (H.264, annex B).
const START_CODE: [u8; 4] = [0, 0, 0, 1];

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
