//! Recordings as fragmented MP4 (ISO/IEC 14496-12): written piece by piece,
//! read while they grow and after they were torn.
//!
//! What belongs here: [`Writer`], and its parts: the bytes before the first fragment
//! ([`init`]), the head of each fragment ([`fragment_head`]), the index behind the
//! last one ([`index`]); and the way back ([`Reader`], [`scan`]). What does not:
//! opening files for writing, clocks, names of files, when a fragment ends.
//!
//! A file is `ftyp moov (prft moof mdat)* [mfra]`. It grows at its end alone, so
//! whatever ends the writing, every fragment before stays playable. Once finished,
//! its duration is written into the room that `moov` keeps ([`duration_patch`]),
//! and the index is appended.
//!
//! Invariants:
//! - **M4** A fragment counts only if it lies wholly in the file, its media too.
//! - **M5** No length in a file is trusted: heads are at most [`MAX_HEAD_BYTES`],
//!   samples at most [`crate::container::MAX_FRAME_BYTES`], and both are checked
//!   against the file's size before they are read.
//! - **M6** Damage in one fragment never hides the whole fragments before it.

mod extra;
mod fragment;
mod index;
mod init;
mod moof;
mod moov;
mod reader;
mod recording;
mod sample_check;
mod scan;
mod time;
mod walk;
mod writer;

pub use fragment::{PRFT_BYTES, fragment_head, free};
pub use index::index;
pub use init::{duration_patch, init};
pub use reader::Reader;
pub use recording::{Codec, Fragment, FragmentEntry, MAX_HEAD_BYTES, Placed, Sample, TIMESCALE, Track};
pub use scan::{Scan, scan};
pub use time::{duration, ticks};
pub use writer::{WriteError, Writer};

#[cfg(test)]
mod tests;
