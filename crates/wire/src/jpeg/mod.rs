//! The outside of a JPEG: its size, whether it is whole, where one ends and the next begins.
//!
//! Here belongs the marker structure of ITU-T T.81 Annex B. Pixels are the business of `media`.

pub(crate) mod exif;
mod huffman;
mod mend;
mod probe;
mod splitter;

pub(crate) use mend::{Outcome, mend};
pub(crate) use probe::is_padding;
pub use probe::{Error, Info, probe};
pub use splitter::Splitter;

/// Marker codes (T.81 table B.1), the byte after 0xFF.
pub(crate) mod marker {
    pub(crate) const TEM: u8 = 0x01;
    pub(crate) const SOF0: u8 = 0xC0;
    pub(crate) const SOF1: u8 = 0xC1;
    pub(crate) const SOF2: u8 = 0xC2;
    pub(crate) const DHT: u8 = 0xC4;
    pub(crate) const SOF15: u8 = 0xCF;
    pub(crate) const RST0: u8 = 0xD0;
    pub(crate) const RST7: u8 = 0xD7;
    pub(crate) const SOI: u8 = 0xD8;
    pub(crate) const EOI: u8 = 0xD9;
    pub(crate) const SOS: u8 = 0xDA;
    pub(crate) const APP1: u8 = 0xE1;
    pub(crate) const APP2: u8 = 0xE2;
}
