//! Recordings as fragmented MP4 (ISO/IEC 14496-12): written piece by piece,
//! read while they grow and after they were torn.
//!
//! What belongs here: the bytes before the first fragment ([`init`]), the head of
//! each fragment ([`fragment_head`]), the index behind the last one ([`index`]),
//! and the way back ([`Reader`], [`scan`]). What does not: opening files for
//! writing, clocks, names of files, when a fragment ends.
//!
//! A file is `ftyp moov (prft moof mdat)* [mfra]`. It grows at its end alone, so
//! whatever ends the writing, every fragment before stays playable. Once finished,
//! its duration is written into the room that `moov` keeps ([`duration_patch`]),
//! and the index is appended.
//!
//! Invariants:
//! - **F1** A fragment counts only if it lies wholly in the file, its media too.
//! - **F2** No length in a file is trusted: heads are at most [`MAX_HEAD_BYTES`],
//!   samples at most [`crate::container::MAX_FRAME_BYTES`], and both are checked
//!   against the file's size before they are read.
//! - **F3** Damage in one fragment never hides the whole fragments before it.

mod boxes;
mod extra;
mod fragment;
mod index;
mod init;
mod moof;
mod moov;
mod reader;
mod sample_check;
mod scan;
mod walk;

use std::sync::Arc;

pub use fragment::{PRFT_BYTES, fragment_head};
pub use index::index;
pub use init::{duration_patch, init};
pub use reader::{Fragment, Placed, Reader};
pub use scan::{Scan, scan};

/// Ticks a second, of the movie and of its track: the usual clock of video,
/// which all frame rates in use divide.
pub const TIMESCALE: u32 = 90_000;

/// The largest head (`moof`) of a fragment: a second of a thousand frames with
/// 4 KiB of metadata each takes half of it.
pub const MAX_HEAD_BYTES: u64 = 8 << 20;

/// The only track's number.
const TRACK: u32 = 1;

/// How the pictures are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Codec {
    /// JPEG in an `mp4v` entry with the object type of JPEG.
    Mp4v,
    /// JPEG in a `jpeg` entry, as QuickTime names Photo JPEG.
    Mjpeg,
    /// H.264 in an `avc1` entry. The parameter sets are NAL units without a start
    /// code, of a stream with 8 bits a sample and 4:2:0 chroma.
    H264 {
        /// Sequence parameter set.
        sps: Vec<u8>,
        /// Picture parameter set.
        pps: Vec<u8>,
    },
}

/// The one track of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// How the pictures are kept.
    pub codec: Codec,
    /// Columns shown, 1 to 65535. H.264 codes an even number and crops.
    pub width: u32,
    /// Rows shown, 1 to 65535.
    pub height: u32,
}

/// One frame of a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// When it is shown: ticks since the recording's start.
    pub time: u64,
    /// For how many ticks. In a fragment each sample lasts until the next one
    /// begins, so only the last one's is written as it is given.
    pub duration: u32,
    /// Length in the file.
    pub bytes: u32,
    /// Whether it can be decoded on its own.
    pub key: bool,
    /// The frame's number in its stream.
    pub seq: u64,
    /// When it was captured, in Unix seconds, if its publisher said.
    pub captured: Option<f64>,
    /// What its publisher sent along, JSON.
    pub metadata: Option<Arc<str>>,
}

/// Where a fragment lies, for the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FragmentEntry {
    /// Its first sample's time in ticks.
    pub time: u64,
    /// Where its `moof` begins in the file.
    pub offset: u64,
}

#[cfg(test)]
mod tests;
