//! The index behind the last fragment (`mfra`, 14496-12, 8.8.9 to 8.8.11): where
//! each fragment is, found from the file's end.

use super::recording::{FragmentEntry, TRACK};
use crate::Result;
use crate::mp4::boxes::{Fields, next_box};
use crate::mp4::put::{put, put_full, put_u32, put_u64};
use crate::source::{MAX_FRAME_BYTES, Source};

/// `mfro`, the last box of the index and of the file.
const MFRO_BYTES: u64 = 16;

/// An entry: two 64-bit numbers, and the numbers of `traf`, `trun` and sample.
const ENTRY_BYTES: usize = 19;

/// The type of the `uuid` box that holds the table's checksum, chosen at random.
const CHECKSUM: [u8; 16] = *b"\x3b\x90\x6f\xd4\x1e\x52\x4c\xa8\x8c\x07\xe1\x5a\x66\x2d\xb9\x73";
const CHECKSUM_BYTES: u64 = 32;

/// `mfra` for a file with these fragments, in the order they lie in it.
pub fn index(fragments: &[FragmentEntry]) -> Vec<u8> {
    let mut out = Vec::with_capacity(fragments.len() * ENTRY_BYTES + 64);
    put(&mut out, b"mfra", |out| {
        let begin = out.len();
        put_full(out, b"tfra", 1, 0, |out| {
            put_u32(out, TRACK);
            // One byte each for the three numbers of an entry.
            put_u32(out, 0);
            put_u32(out, fragments.len() as u32);
            for fragment in fragments {
                put_u64(out, fragment.time);
                put_u64(out, fragment.offset);
                out.extend([1, 1, 1]);
            }
        });
        let sum = checksum(&out[begin + 8..]);
        put(out, b"uuid", |out| {
            out.extend(CHECKSUM);
            put_u64(out, sum);
        });
        put_full(out, b"mfro", 0, 0, |out| put_u32(out, 0));
    });
    let size = out.len() as u32;
    let last = out.len() - 4;
    out[last..].copy_from_slice(&size.to_be_bytes());
    out
}

/// The index at a file's end.
#[derive(Debug)]
pub(super) struct Found {
    /// Where it begins: the end of the last fragment.
    pub(super) begin: u64,
    pub(super) entries: Vec<FragmentEntry>,
}

/// Reads the index if there is one of our kind, undamaged, whose entries rise and
/// lie between `init_len` and itself.
pub(super) fn find(source: &mut Source<'_>, init_len: u64) -> Result<Option<Found>> {
    let len = source.len();
    let Some(mfro) = len.checked_sub(MFRO_BYTES).filter(|at| *at >= init_len) else {
        return Ok(None);
    };
    let size = index_size(source.array(mfro)?);
    let Some(begin) = size.and_then(|size| len.checked_sub(size)).filter(|at| *at >= init_len) else {
        return Ok(None);
    };
    let Some(mfra) = next_box(source, begin, len)?.filter(|mfra| &mfra.name == b"mfra") else {
        return Ok(None);
    };
    let Some(tfra) = next_box(source, mfra.content.start, mfro)?.filter(|tfra| &tfra.name == b"tfra") else {
        return Ok(None);
    };
    if mfra.next != len || tfra.next + CHECKSUM_BYTES != mfro || tfra.next - begin > MAX_FRAME_BYTES {
        return Ok(None);
    }
    let table = source.bytes(tfra.content.start, tfra.content.end)?;
    if source.array::<24>(tfra.next + 8)? != *[&CHECKSUM[..], &checksum(&table).to_be_bytes()].concat() {
        return Ok(None);
    }
    Ok(entries(&table, init_len, begin).map(|entries| Found { begin, entries }))
}

/// The size of the whole index, from a box that should be its `mfro`.
fn index_size(mfro: [u8; 16]) -> Option<u64> {
    let mut fields = Fields::new(&mfro);
    let ours = fields.u32()? == MFRO_BYTES as u32 && fields.bytes(4)? == b"mfro" && fields.u32()? == 0;
    let size = fields.u32()?;
    ours.then_some(u64::from(size))
}

/// FNV-1a, 64 bits. A damaged index would hide fragments that are sound, so it is
/// not believed; whether each entry is right could else be found only by reading
/// all over the file.
fn checksum(table: &[u8]) -> u64 {
    table
        .iter()
        .fold(0xCBF2_9CE4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3))
}

/// The entries of a `tfra`, or `None` where it is not as [`index`] writes it.
fn entries(bytes: &[u8], init_len: u64, end: u64) -> Option<Vec<FragmentEntry>> {
    let mut fields = Fields::new(bytes);
    let ours = fields.u32()? == 1 << 24 && fields.u32()? == TRACK && fields.u32()? == 0;
    let count = fields.u32()? as usize;
    if !ours || bytes.len() != 16 + count * ENTRY_BYTES {
        return None;
    }
    let mut entries: Vec<FragmentEntry> = Vec::with_capacity(count);
    for _ in 0..count {
        let entry = FragmentEntry { time: fields.u64()?, offset: fields.u64()? };
        fields.skip(3)?;
        let rises = match entries.last() {
            Some(last) => entry.offset > last.offset && entry.time > last.time,
            None => entry.offset >= init_len,
        };
        if !rises || entry.offset >= end {
            return None;
        }
        entries.push(entry);
    }
    Some(entries)
}
