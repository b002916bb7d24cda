//! What a recording is made of: its track, its samples, where they lie.

use std::sync::Arc;
use std::time::SystemTime;

/// Ticks a second, of the movie and of its track: the usual clock of video,
/// which all frame rates in use divide.
pub const TIMESCALE: u32 = 90_000;

/// The largest head (`moof`) of a fragment: a second of a thousand frames with
/// 4 KiB of metadata each takes half of it.
pub const MAX_HEAD_BYTES: u64 = 8 << 20;

/// The only track's number.
pub(super) const TRACK: u32 = 1;

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

/// A fragment that lies wholly in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Where it begins in the file: its `prft`, or its `moof` where that is missing.
    pub offset: u64,
    /// Where it ends.
    pub end: u64,
    /// Where its `moof` begins.
    pub moof: u64,
    /// Its first sample's time in ticks.
    pub time: u64,
    /// When its first sample was taken. Known of fragments that were walked to; a
    /// finished file is opened by its index, which does not have it:
    /// `Reader::wall` reads it.
    pub wall: Option<SystemTime>,
}

/// A sample and where its bytes lie.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// What is known of it.
    pub sample: Sample,
    /// Bytes from the beginning of the file.
    pub offset: u64,
}
