//! MP4 and QuickTime with JPEG samples: the sample tables of `moov`, and the
//! fragments (`moof`) behind it.

mod fragments;
mod tables;

use super::Track;
use crate::Result;
use crate::mp4::boxes::{Area, child, next_box};
use crate::mp4::video::{Video, is_jpeg};
use crate::source::{Source, four_characters};

/// Names of boxes that files start with.
pub(super) const BEGINNINGS: [&[u8; 4]; 8] =
    [b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp"];

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
    let moov = child(source, file, b"moov")?.ok_or_else(|| {
        source.broken(source.len(), "its index (moov) is missing: the recording was not finished")
    })?;
    let video = Video::find(source, moov)?;
    check_entries(source, video.entries)?;
    let mut collected =
        Collected { track: Track::default(), timescale: f64::from(video.timescale), first: None, end: 0 };
    tables::read(source, video.tables, &mut collected)?;
    fragments::read(source, moov, video.id, &mut collected)?;

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

/// Every sample description has to be JPEG.
fn check_entries(source: &mut Source<'_>, entries: Area) -> Result<()> {
    let mut at = entries.start;
    while let Some(entry) = next_box(source, at, entries.end)? {
        at = entry.next;
        let jpeg = match &entry.name {
            // Photo JPEG; Motion JPEG A and B (mjpa, mjpb) keep two fields a sample.
            b"jpeg" | b"mjpg" | b"MJPG" => true,
            b"mp4v" => is_jpeg(source, entry)?,
            _ => false,
        };
        if !jpeg {
            return Err(source.not_jpeg(four_characters(entry.name)));
        }
    }
    if at == entries.start {
        return Err(source.not_jpeg("no sample description"));
    }
    Ok(())
}
