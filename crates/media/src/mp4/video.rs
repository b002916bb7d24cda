//! What the movie header (`moov`) says of its video: the track, its clock, how its samples are coded.
//!
//! Sources: ISO/IEC 14496-12 (boxes), 14496-1 (the object type in `esds`), and Apple's "QuickTime File Format".

use super::boxes::{Area, Fields, Found, child, each};
use crate::Result;
use crate::source::Source;

/// `objectTypeIndication` of JPEG (14496-1, table 5).
const OBJECT_TYPE_JPEG: u8 = 0x6C;

/// A video track.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Video {
    pub(crate) id: u32,
    /// Time units in a second, never 0.
    pub(crate) timescale: u32,
    /// The content of its `tkhd`.
    pub(crate) header: Area,
    /// Where its sample tables lie.
    pub(crate) tables: Area,
    /// Where the descriptions of its samples lie.
    pub(crate) entries: Area,
}

impl Video {
    /// The first video track; a thumbnail track behind an H.264 one is not the film.
    pub(crate) fn find(source: &mut Source<'_>, moov: Area) -> Result<Self> {
        let mut video = None;
        each(source, moov, b"trak", |source, trak| {
            if video.is_none()
                && let Some(mdia) = child(source, trak.content, b"mdia")?
                && let Some(hdlr) = child(source, mdia, b"hdlr")?
                // Version and flags, the component's type, then its subtype.
                && &source.array::<4>(hdlr.start + 8)? == b"vide"
            {
                video = Some(Self::read(source, trak.content, mdia)?);
            }
            Ok(())
        })?;
        video.ok_or_else(|| source.not_jpeg("no video"))
    }

    fn read(source: &mut Source<'_>, trak: Area, mdia: Area) -> Result<Self> {
        let header = needed(source, trak, b"tkhd")?;
        let id = behind_times(source, header)?;
        let clock = needed(source, mdia, b"mdhd")?;
        let timescale = behind_times(source, clock)?;
        if timescale == 0 {
            return Err(source.broken(clock.start, "its timescale is 0"));
        }
        let minf = needed(source, mdia, b"minf")?;
        let tables = needed(source, minf, b"stbl")?;
        let stsd = needed(source, tables, b"stsd")?;
        // Version and flags, and the count.
        let entries = Area { start: stsd.start + 8, end: stsd.end };
        Ok(Self { id, timescale, header, tables, entries })
    }
}

fn needed(source: &mut Source<'_>, parent: Area, name: &[u8; 4]) -> Result<Area> {
    let found = child(source, parent, name)?;
    found.ok_or_else(|| source.broken(parent.start, "a video track lacks one of its headers"))
}

/// The number behind the times of creation and change, which version 1 writes with 64 bits.
fn behind_times(source: &Source<'_>, header: Area) -> Result<u32> {
    let [version] = source.array(header.start)?;
    let at = header.start + if version == 1 { 20 } else { 12 };
    Ok(u32::from_be_bytes(source.array(at)?))
}

/// The boxes of a visual sample entry, which stand behind its fixed fields
/// (14496-12, 12.1.3).
pub(crate) fn entry_boxes(entry: Area) -> Area {
    Area { start: entry.start.saturating_add(78), end: entry.end }
}

/// Whether an `mp4v` entry is of JPEG, by the object type in its `esds`.
pub(crate) fn is_jpeg(source: &mut Source<'_>, mp4v: Found) -> Result<bool> {
    /// An elementary stream descriptor has some 40 bytes; the type comes early.
    const ENOUGH: u64 = 256;

    let Some(esds) = child(source, entry_boxes(mp4v.content), b"esds")? else {
        return Ok(false);
    };
    let end = esds.end.min(esds.start + ENOUGH);
    let bytes = source.bytes(esds.start, end)?;
    Ok(object_type(&bytes) == Some(OBJECT_TYPE_JPEG))
}

/// Reads an `esds` box's content as far as the object type (14496-1, 7.2.6).
fn object_type(bytes: &[u8]) -> Option<u8> {
    const ES_DESCRIPTOR: u8 = 3;
    const DECODER_CONFIG: u8 = 4;

    let mut fields = Fields::new(bytes);
    fields.skip(4)?;
    if fields.u8()? != ES_DESCRIPTOR {
        return None;
    }
    descriptor_length(&mut fields)?;
    fields.skip(2)?;
    let flags = fields.u8()?;
    if flags & 0x80 != 0 {
        fields.skip(2)?;
    }
    if flags & 0x40 != 0 {
        let length = fields.u8()?;
        fields.skip(usize::from(length))?;
    }
    if flags & 0x20 != 0 {
        fields.skip(2)?;
    }
    if fields.u8()? != DECODER_CONFIG {
        return None;
    }
    descriptor_length(&mut fields)?;
    fields.u8()
}

/// Passes over a length of one to four bytes, seven bits each.
fn descriptor_length(fields: &mut Fields<'_>) -> Option<()> {
    for _ in 0..4 {
        if fields.u8()? & 0x80 == 0 {
            return Some(());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_type_is_found_behind_optional_fields() {
        let plain = [0, 0, 0, 0, 3, 20, 0, 1, 0, 4, 13, 0x6C, 0x11];
        assert_eq!(object_type(&plain), Some(0x6C));
        let long = [0, 0, 0, 0, 3, 0x80, 0x80, 0x80, 20, 0, 1, 0, 4, 0x80, 0x80, 0x80, 13, 0x20];
        assert_eq!(object_type(&long), Some(0x20));
        let all = [0, 0, 0, 0, 3, 30, 0, 1, 0xE0, 9, 9, 2, b'a', b'b', 9, 9, 4, 13, 0x6C];
        assert_eq!(object_type(&all), Some(0x6C));
        for cut in 0..all.len() {
            assert_eq!(object_type(&all[..cut]), None);
        }
    }
}
