//! Reading the movie header back: is it a recording of ours, and what is its track.

use std::path::Path;

use super::recording::{Codec, TIMESCALE, TRACK, Track};
use crate::mp4::boxes::{Area, Fields, Found, child, next_box};
use crate::mp4::video::{Video, entry_boxes, is_jpeg};
use crate::source::Source;
use crate::{Error, Result};

/// The largest header read; ours have less than 1 KiB.
const MAX_BYTES: u64 = 64 << 10;

const TORN: &str = "its header (ftyp, moov) is not whole";
const OTHER: &str = "its header was written by another program";

/// The track, and where the first fragment begins.
pub(super) fn read(source: &mut Source<'_>, path: &Path) -> Result<(Track, u64)> {
    let not_ours = |reason| Error::NotARecording { path: path.to_owned(), reason };
    let len = source.len();
    let ftyp = next_box(source, 0, len)?.ok_or_else(|| not_ours(TORN))?;
    if &ftyp.name != b"ftyp" {
        return Err(not_ours("it does not begin like an MP4"));
    }
    let moov = next_box(source, ftyp.next, len)?.ok_or_else(|| not_ours(TORN))?;
    if &moov.name != b"moov" || moov.next > MAX_BYTES {
        return Err(not_ours(OTHER));
    }
    // What is cut off below stands inside a box that is whole.
    match track(source, moov.content) {
        Ok(Some(track)) => Ok((track, moov.next)),
        Ok(None) | Err(Error::BrokenContainer { .. } | Error::NotJpegInside { .. }) => Err(not_ours(OTHER)),
        Err(error) => Err(error),
    }
}

fn track(source: &mut Source<'_>, moov: Area) -> Result<Option<Track>> {
    let video = Video::find(source, moov)?;
    let fragmented = child(source, moov, b"mvex")?.is_some();
    let size = shown_size(&source.bytes(video.header.start, video.header.end)?);
    let entry = next_box(source, video.entries.start, video.entries.end)?;
    let (Some((width, height)), Some(entry)) = (size, entry) else {
        return Ok(None);
    };
    if !fragmented || video.id != TRACK || video.timescale != TIMESCALE {
        return Ok(None);
    }
    let codec = codec(source, entry)?;
    Ok(codec.map(|codec| Track { codec, width, height }))
}

/// Width and height from `tkhd`, where it is of the version that we write.
fn shown_size(tkhd: &[u8]) -> Option<(u32, u32)> {
    let mut fields = Fields::new(tkhd);
    let version = fields.u8()?;
    fields.skip(75)?;
    let (width, height) = (fields.u32()? >> 16, fields.u32()? >> 16);
    (version == 0 && width > 0 && height > 0).then_some((width, height))
}

fn codec(source: &mut Source<'_>, entry: Found) -> Result<Option<Codec>> {
    match &entry.name {
        b"jpeg" => Ok(Some(Codec::Mjpeg)),
        b"mp4v" => Ok(is_jpeg(source, entry)?.then_some(Codec::Mp4v)),
        b"avc1" => {
            let Some(avcc) = child(source, entry_boxes(entry.content), b"avcC")? else {
                return Ok(None);
            };
            let bytes = source.bytes(avcc.start, avcc.end)?;
            Ok(parameter_sets(&bytes).map(|(sps, pps)| Codec::H264 { sps, pps }))
        }
        _ => Ok(None),
    }
}

/// The one of each kind that an `avcC` of ours has.
fn parameter_sets(avcc: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut fields = Fields::new(avcc);
    fields.skip(4)?;
    if fields.u8()? & 3 != 3 || fields.u8()? & 31 != 1 {
        return None;
    }
    let length = fields.u16()?;
    let sps = fields.bytes(usize::from(length))?;
    if fields.u8()? != 1 {
        return None;
    }
    let length = fields.u16()?;
    let pps = fields.bytes(usize::from(length))?;
    Some((sps.to_vec(), pps.to_vec()))
}
