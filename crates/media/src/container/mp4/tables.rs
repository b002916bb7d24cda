//! The sample tables of an unfragmented file (14496-12, 8.6 and 8.7): sizes,
//! chunks, chunk offsets and durations, joined into a list of frames.

use super::Collected;
use crate::Result;
use crate::container::{MAX_FRAMES, TOO_MANY};
use crate::mp4::boxes::{Area, Fields, child};
use crate::source::Source;

/// One table read into memory, with the number of its entries.
struct Table {
    at: u64,
    bytes: Vec<u8>,
}

impl Table {
    fn read(source: &mut Source<'_>, stbl: Area, name: &[u8; 4]) -> Result<Option<Self>> {
        let Some(area) = child(source, stbl, name)? else {
            return Ok(None);
        };
        Ok(Some(Self { at: area.start, bytes: source.bytes(area.start, area.end)? }))
    }
}

pub(super) fn read(source: &mut Source<'_>, stbl: Area, collected: &mut Collected) -> Result<()> {
    let Some(stsz) = Table::read(source, stbl, b"stsz")? else {
        // A fragmented file may leave its empty tables out.
        return Ok(());
    };
    let sizes = Sizes::of(&stsz.bytes)
        .ok_or_else(|| source.broken(stsz.at, "its table of sizes (stsz) is too short"))?;
    if sizes.count == 0 {
        return Ok(());
    }
    if sizes.count as usize > MAX_FRAMES {
        return Err(source.broken(stsz.at, TOO_MANY));
    }
    let offsets = match Table::read(source, stbl, b"stco")? {
        Some(table) => Offsets { table, wide: false },
        None => match Table::read(source, stbl, b"co64")? {
            Some(table) => Offsets { table, wide: true },
            None => return Err(source.broken(stbl.start, "it has no chunk offsets (stco, co64)")),
        },
    };
    let stsc = Table::read(source, stbl, b"stsc")?
        .ok_or_else(|| source.broken(stbl.start, "it has no chunk table (stsc)"))?;
    let stts = Table::read(source, stbl, b"stts")?;
    let stts = stts.as_ref().map_or(&[][..], |table| &table.bytes);
    join(source, &sizes, &offsets, &stsc.bytes, stts, collected)
}

/// Walks the chunks and hands each sample over. Ends where any table ends:
/// what the others still list cannot be found.
fn join(
    source: &Source<'_>,
    sizes: &Sizes<'_>,
    offsets: &Offsets,
    stsc: &[u8],
    stts: &[u8],
    collected: &mut Collected,
) -> Result<()> {
    let mut durations = Durations::new(stts);
    let mut runs = Runs::new(stsc);
    let mut sample = 0;
    let mut time = 0_u64;
    let mut chunk = 0;
    while sample < sizes.count {
        let (Some(mut offset), Some(in_chunk)) = (offsets.at(chunk), runs.samples_in(chunk)) else {
            collected.track.torn += (sizes.count - sample) as usize;
            break;
        };
        for _ in 0..in_chunk.min(sizes.count - sample) {
            let Some(bytes) = sizes.at(sample) else {
                return Ok(());
            };
            let duration = durations.take();
            collected.push(source, offset, u64::from(bytes), time, duration)?;
            offset = offset.saturating_add(u64::from(bytes));
            time = time.saturating_add(u64::from(duration));
            sample += 1;
        }
        chunk += 1;
    }
    Ok(())
}

/// `stsz`: one size for all, or one each.
struct Sizes<'a> {
    all: u32,
    count: u32,
    each: &'a [[u8; 4]],
}

impl<'a> Sizes<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let mut fields = Fields::new(bytes);
        fields.skip(4)?;
        let (all, count) = (fields.u32()?, fields.u32()?);
        let each = bytes.get(12..)?.as_chunks::<4>().0;
        if all == 0 && each.len() < count as usize {
            return None;
        }
        Some(Self { all, count, each })
    }

    fn at(&self, sample: u32) -> Option<u32> {
        if self.all != 0 {
            return Some(self.all);
        }
        self.each.get(sample as usize).map(|&size| u32::from_be_bytes(size))
    }
}

/// `stco` or `co64`: where each chunk begins.
struct Offsets {
    table: Table,
    wide: bool,
}

impl Offsets {
    /// Chunks are counted from 0 here, from 1 in the file.
    fn at(&self, chunk: u32) -> Option<u64> {
        // Version and flags, and the count: the table's own end decides instead.
        let entries = self.table.bytes.get(8..)?;
        if self.wide {
            let entry = entries.as_chunks::<8>().0.get(chunk as usize)?;
            return Some(u64::from_be_bytes(*entry));
        }
        let entry = entries.as_chunks::<4>().0.get(chunk as usize)?;
        Some(u64::from(u32::from_be_bytes(*entry)))
    }
}

/// `stsc`: from which chunk on how many samples lie in each.
struct Runs<'a> {
    entries: &'a [[u8; 12]],
}

impl<'a> Runs<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let entries = bytes.get(8..).unwrap_or_default();
        Self { entries: entries.as_chunks::<12>().0 }
    }

    /// Asked with rising chunk numbers only.
    fn samples_in(&mut self, chunk: u32) -> Option<u32> {
        let first_chunk = |entry: &[u8; 12]| u32::from_be_bytes([entry[0], entry[1], entry[2], entry[3]]);
        while let Some(next) = self.entries.get(1) {
            // Counted from 1 in the file.
            if first_chunk(next).saturating_sub(1) > chunk {
                break;
            }
            self.entries = &self.entries[1..];
        }
        let entry = self.entries.first()?;
        Some(u32::from_be_bytes([entry[4], entry[5], entry[6], entry[7]]))
    }
}

/// `stts`: so many samples of such a duration, again and again.
struct Durations<'a> {
    entries: &'a [[u8; 8]],
    left: u32,
    duration: u32,
}

impl<'a> Durations<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let entries = bytes.get(8..).unwrap_or_default();
        Self { entries: entries.as_chunks::<8>().0, left: 0, duration: 0 }
    }

    /// The next sample's duration; the last one's where the table is too short.
    fn take(&mut self) -> u32 {
        while self.left == 0 {
            let Some((entry, rest)) = self.entries.split_first() else {
                return self.duration;
            };
            self.entries = rest;
            self.left = u32::from_be_bytes([entry[0], entry[1], entry[2], entry[3]]);
            self.duration = u32::from_be_bytes([entry[4], entry[5], entry[6], entry[7]]);
        }
        self.left -= 1;
        self.duration
    }
}
