//! Whether a sample's bytes are there. After a power cut a file may have its
//! length, but zeros where its last seconds should be.

use super::recording::{Codec, Placed};
use crate::Result;
use crate::source::Source;

/// Bytes behind a JPEG's end that cameras pad it with, and how many of them.
const PADDING: [u8; 4] = [0, 0xFF, b'\r', b'\n'];
const MAX_PADDING_BYTES: u64 = 4096;

/// NAL units in a frame: one slice for each row of macroblocks would be 135.
const MAX_NAL_UNITS: usize = 1024;

/// Whether the sample begins and ends as its codec asks.
pub(super) fn is_there(source: &Source<'_>, codec: &Codec, placed: &Placed) -> Result<bool> {
    let (begin, end) = (placed.offset, placed.offset + u64::from(placed.sample.bytes));
    match codec {
        Codec::Mp4v | Codec::Mjpeg => jpeg(source, begin, end),
        Codec::H264 { .. } => nal_units(source, begin, end),
    }
}

fn jpeg(source: &Source<'_>, begin: u64, end: u64) -> Result<bool> {
    if end - begin < 4 || source.array(begin)? != [0xFF, 0xD8] {
        return Ok(false);
    }
    let tail = source.bytes(end.saturating_sub(MAX_PADDING_BYTES + 2).max(begin), end)?;
    let padding = tail.iter().rev().take_while(|byte| PADDING.contains(byte)).count();
    Ok(tail[..tail.len() - padding].ends_with(&[0xFF, 0xD9]))
}

/// Whether units with their lengths before them fill the sample exactly.
fn nal_units(source: &Source<'_>, mut at: u64, end: u64) -> Result<bool> {
    for _ in 0..MAX_NAL_UNITS {
        if at == end {
            return Ok(true);
        }
        if end - at < 5 {
            return Ok(false);
        }
        let [a, b, c, d, header] = source.array(at)?;
        let length = u64::from(u32::from_be_bytes([a, b, c, d]));
        // The upper bit is always 0; a type of 0 is not used (H.264, 7.4.1).
        if length == 0 || header & 0x80 != 0 || header & 0x1F == 0 || length > end - at - 4 {
            return Ok(false);
        }
        at += 4 + length;
    }
    Ok(false)
}
