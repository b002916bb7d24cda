//! MP4 and QuickTime with JPEG samples: the sample tables of `moov`, and the
//! fragments (`moof`) behind it.
//!
//! Our own walk instead of a crate: the readers at hand index the tables
//! unchecked, allocate by the numbers in them and do not know the entries that
//! JPEG video comes in. Sources: ISO/IEC 14496-12 (boxes), 14496-1 (the object
//! type in `esds`), and Apple's "QuickTime File Format" (`jpeg`, `mjpa`).

pub(crate) mod boxes;
mod fragment;
mod tables;

use super::Track;
use super::source::{Source, four_characters};
use crate::Result;
use boxes::{Area, Fields, child, next_box};

/// Names of boxes that files start with.
pub(super) const BEGINNINGS: [&[u8; 4]; 8] =
    [b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp"];

/// `objectTypeIndication` of JPEG (14496-1, table 5).
pub(crate) const OBJECT_TYPE_JPEG: u8 = 0x6C;

/// What the movie header says about the track that is read.
#[derive(Debug)]
struct Video {
    id: u32,
    /// Time units in a second, never 0.
    timescale: u32,
    /// Where its sample tables lie.
    tables: Area,
}

/// Collects the samples of the tables, then of the fragments.
#[derive(Debug)]
struct Collected {
    track: Track,
    timescale: f64,
    /// The first frame's time in the file, in units: what is handed out starts at 0.
    first: Option<u64>,
    /// Where the last kept frame ends, in units from the first.
    end: u64,
}

impl Collected {
    /// A sample of `bytes` at `offset`, shown from `time` for `duration` units.
    fn push(&mut self, source: &Source<'_>, offset: u64, bytes: u64, time: u64, duration: u32) -> Result<()> {
        let begin = time.saturating_sub(*self.first.get_or_insert(time));
        let before = self.track.samples.len();
        let time_secs = begin as f64 / self.timescale;
        self.track.push(source, offset, bytes, time_secs)?;
        if self.track.samples.len() > before {
            self.end = begin.saturating_add(u64::from(duration));
        }
        Ok(())
    }
}

pub(super) fn read(source: &mut Source<'_>) -> Result<Track> {
    let file = Area { start: 0, end: source.len() };
    let Some(moov) = child(source, file, b"moov")? else {
        return Err(
            source.broken(source.len(), "its index (moov) is missing: the recording was not finished")
        );
    };
    let video = find_video(source, moov)?;
    let mut collected =
        Collected { track: Track::default(), timescale: f64::from(video.timescale), first: None, end: 0 };
    tables::read(source, video.tables, &mut collected)?;
    fragment::read(source, moov, video.id, &mut collected)?;

    let mut track = collected.track;
    if let Some(first) = track.samples.first() {
        // Reference movies keep their samples in other files.
        if first.bytes < 2 || source.array(first.offset)? != [0xFF, 0xD8] {
            return Err(source.not_jpeg("samples that are not JPEG"));
        }
    }
    track.duration_secs = collected.end as f64 / collected.timescale;
    track.fps = track.samples.len() as f64 / track.duration_secs;
    Ok(track)
}

/// The first video track; a thumbnail track behind an H.264 one is not the film.
fn find_video(source: &mut Source<'_>, moov: Area) -> Result<Video> {
    let mut at = moov.start;
    while let Some(found) = next_box(source, at, moov.end)? {
        at = found.next;
        if &found.name != b"trak" {
            continue;
        }
        let Some(mdia) = child(source, found.content, b"mdia")? else {
            continue;
        };
        let Some(hdlr) = child(source, mdia, b"hdlr")? else {
            continue;
        };
        // Version and flags, the component's type, then its subtype.
        if &source.array::<4>(hdlr.start + 8)? == b"vide" {
            return video(source, found.content, mdia);
        }
    }
    Err(source.not_jpeg("no video"))
}

fn video(source: &mut Source<'_>, trak: Area, mdia: Area) -> Result<Video> {
    let missing = "a video track lacks one of its headers";
    let Some(tkhd) = child(source, trak, b"tkhd")? else {
        return Err(source.broken(trak.start, missing));
    };
    // Version 1 has 64-bit times before the fields that we want.
    let version = source.array::<1>(tkhd.start)?[0];
    let id_at = if version == 1 { 20 } else { 12 };
    let id = u32::from_be_bytes(source.array(tkhd.start + id_at)?);

    let Some(mdhd) = child(source, mdia, b"mdhd")? else {
        return Err(source.broken(mdia.start, missing));
    };
    let version = source.array::<1>(mdhd.start)?[0];
    let scale_at = if version == 1 { 20 } else { 12 };
    let timescale = u32::from_be_bytes(source.array(mdhd.start + scale_at)?);
    if timescale == 0 {
        return Err(source.broken(mdhd.start, "its timescale is 0"));
    }

    let Some(minf) = child(source, mdia, b"minf")? else {
        return Err(source.broken(mdia.start, missing));
    };
    let Some(tables) = child(source, minf, b"stbl")? else {
        return Err(source.broken(minf.start, missing));
    };
    let Some(stsd) = child(source, tables, b"stsd")? else {
        return Err(source.broken(tables.start, missing));
    };
    check_entries(source, stsd)?;
    Ok(Video { id, timescale, tables })
}

/// Every sample description has to be JPEG.
fn check_entries(source: &mut Source<'_>, stsd: Area) -> Result<()> {
    let mut at = stsd.start + 8;
    let mut entries = 0;
    while let Some(entry) = next_box(source, at, stsd.end)? {
        at = entry.next;
        entries += 1;
        let jpeg = match &entry.name {
            // Photo JPEG; Motion JPEG A and B (mjpa, mjpb) keep two fields a sample.
            b"jpeg" | b"mjpg" | b"MJPG" => true,
            b"mp4v" => entry_object_type(source, entry.content)? == Some(OBJECT_TYPE_JPEG),
            _ => false,
        };
        if !jpeg {
            return Err(source.not_jpeg(four_characters(entry.name)));
        }
    }
    if entries == 0 {
        return Err(source.not_jpeg("no sample description"));
    }
    Ok(())
}

/// The boxes of a visual sample entry, which stand behind its fixed fields
/// (14496-12, 12.1.3).
pub(crate) fn entry_boxes(entry: Area) -> Area {
    Area { start: entry.start.saturating_add(78), end: entry.end }
}

/// The object type in the `esds` of an `mp4v` entry.
pub(crate) fn entry_object_type(source: &mut Source<'_>, entry: Area) -> Result<Option<u8>> {
    /// An elementary stream descriptor has some 40 bytes; the type comes early.
    const ENOUGH: u64 = 256;

    let Some(esds) = child(source, entry_boxes(entry), b"esds")? else {
        return Ok(None);
    };
    let end = esds.end.min(esds.start + ENOUGH);
    let bytes = source.bytes(esds.start, end)?;
    Ok(object_type(&bytes))
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
