//! From a camera's bytes to a JPEG that holds one picture and nothing else.
//!
//! A clean one passes as it is; any other is copied once.

use bytes::Bytes;

use super::{Error, Info, huffman, is_padding, marker, probe::Walk, probe::walk};
use crate::mended::Mended;

/// A JPEG that begins with SOI, ends with EOI and has its Huffman tables.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) payload: Bytes,
    pub(crate) info: Info,
    /// EOI was not there. Whether pixels are missing as well shows when it is decoded.
    pub(crate) is_cut: bool,
    pub(crate) mended: Vec<Mended>,
}

/// Mends a JPEG.
///
/// # Errors
/// What is wrong with its headers, or that it ends inside them.
pub(crate) fn mend(bytes: Bytes) -> Result<Outcome, Error> {
    let walk = walk(&bytes)?;
    let (end, is_cut) = match walk.end(&bytes) {
        Ok(end) => (end, false),
        Err(_) if walk.has_data(&bytes) => (bytes.len(), true),
        Err(error) => return Err(error),
    };
    let mut mended = Vec::new();
    if !bytes[end..].iter().all(|byte| is_padding(*byte)) {
        mended.push(Mended::Tail);
    }
    if !walk.junk.is_empty() {
        mended.push(Mended::Junk);
    }
    let info = Info { has_huffman_tables: true, ..walk.info };
    let is_clean = walk.info.has_huffman_tables && walk.junk.is_empty() && !is_cut;
    let payload = if is_clean { first(bytes, end) } else { rewritten(&bytes[..end], &walk, is_cut).into() };
    Ok(Outcome { payload, info, is_cut, mended })
}

/// The first bytes; at most an eighth of the memory that is kept for them is unused.
fn first(mut bytes: Bytes, count: usize) -> Bytes {
    let unused = bytes.len() - count;
    if unused > count / 8 {
        return Bytes::copy_from_slice(&bytes[..count]);
    }
    if unused > 0 {
        bytes.truncate(count);
    }
    bytes
}

fn rewritten(bytes: &[u8], walk: &Walk, is_cut: bool) -> Vec<u8> {
    let mut whole = Vec::with_capacity(bytes.len() + huffman::SEGMENT_BYTES + 2);
    let mut copied = 0;
    for junk in &walk.junk {
        whole.extend_from_slice(&bytes[copied..junk.start]);
        copied = junk.end;
    }
    whole.extend_from_slice(&bytes[copied..walk.scan]);
    if !walk.info.has_huffman_tables {
        huffman::append_segment(&mut whole);
    }
    whole.extend_from_slice(&bytes[walk.scan..]);
    if is_cut {
        whole.extend_from_slice(&[0xFF, marker::EOI]);
    }
    whole.shrink_to_fit();
    whole
}
