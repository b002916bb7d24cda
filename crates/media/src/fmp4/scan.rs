//! How much of a file is sound: recovery asks before it cuts.

use std::fs::File;
use std::path::Path;
use std::time::SystemTime;

use super::reader::{length, source};
use super::recording::{Codec, Fragment, FragmentEntry, Placed, Track};
use super::sample_check::is_there;
use super::time::duration;
use super::walk::{after_damage, fragments, is_free};
use super::{index, moov};
use crate::Result;
use crate::source::Source;

/// Fragments at the end whose samples are checked. A kernel writes what it holds back within half a minute
/// (vm.dirty_expire_centisecs), and a fragment is written every half second at most: what is older is on the disk.
const CHECKED: usize = 64;

/// A file as far as it is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// Stretches before the end that hold no whole fragment.
    pub damaged: Vec<std::ops::Range<u64>>,
    /// The end of the last whole fragment: what a torn file is cut to.
    pub whole_bytes: u64,
    /// Frames in whole fragments.
    pub frames: u64,
    /// Where the last frame's time ends, in ticks from the start.
    pub duration_ticks: u64,
    /// The whole fragments.
    pub fragments: Vec<FragmentEntry>,
    /// When the first frame was taken.
    pub first_wall: Option<SystemTime>,
    /// When the last frame's time ends.
    pub last_wall_end: Option<SystemTime>,
    /// The one track.
    pub track: Track,
    /// Whether an index of just these fragments follows them and ends the file.
    pub has_index: bool,
    /// Bytes of `ftyp` and `moov`.
    pub init_len: u64,
}

/// Walks through all fragments of a recording, and looks whether the samples of
/// the last minute really are there. `path` names it in errors.
///
/// # Errors
/// [`crate::Error::Io`], or [`crate::Error::NotARecording`] where the header is
/// not whole or not ours.
pub fn scan(file: &File, path: &Path) -> Result<Scan> {
    let mut source = source(path, file, length(file, path)?);
    let (track, init_len) = moov::read(&mut source, path)?;
    let mut seen = Vec::new();
    let mut last = std::collections::VecDeque::with_capacity(CHECKED + 1);
    let mut at = init_len;
    loop {
        let last_time = seen.last().map(|seen: &Seen| seen.fragment.time);
        at = fragments(&mut source, at, last_time, |whole| {
            let (frames, end_time) = (whole.run.samples.len() as u64, whole.run.end_time);
            seen.push(Seen { fragment: whole.fragment, frames, end_time });
            last.push_back(whole.run.samples);
            if last.len() > CHECKED {
                last.pop_front();
            }
        })?;
        let last_time = seen.last().map(|seen| seen.fragment.time);
        let Some(next) = after_damage(&mut source, at, last_time)? else { break };
        at = next.fragment.offset;
    }
    let checked = seen.split_off(seen.len() - last.len());
    for (fragment, samples) in checked.into_iter().zip(&last) {
        if all_there(&source, &track.codec, samples)? {
            seen.push(fragment);
        }
    }
    summary(&mut source, track, init_len, &seen)
}

/// What is kept of a fragment.
#[derive(Debug)]
struct Seen {
    fragment: Fragment,
    frames: u64,
    end_time: u64,
}

fn all_there(source: &Source<'_>, codec: &Codec, samples: &[Placed]) -> Result<bool> {
    for placed in samples {
        if !is_there(source, codec, placed)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn summary(source: &mut Source<'_>, track: Track, init_len: u64, seen: &[Seen]) -> Result<Scan> {
    let fragments: Vec<FragmentEntry> = seen
        .iter()
        .map(|seen| FragmentEntry { time: seen.fragment.time, offset: seen.fragment.moof })
        .collect();
    let last = seen.last();
    let whole_bytes = last.map_or(init_len, |last| last.fragment.end);
    let mut damaged = Vec::new();
    let mut end = init_len;
    for Seen { fragment, .. } in seen {
        if end < fragment.offset && !is_free(source, end, fragment.offset)? {
            damaged.push(end..fragment.offset);
        }
        end = fragment.end;
    }
    let index = index::find(source, init_len)?;
    Ok(Scan {
        damaged,
        whole_bytes,
        frames: seen.iter().map(|seen| seen.frames).sum(),
        duration_ticks: last.map_or(0, |last| last.end_time),
        has_index: index.is_some_and(|found| found.begin == whole_bytes && found.entries == fragments),
        fragments,
        first_wall: seen.first().and_then(|first| first.fragment.wall),
        last_wall_end: last
            .and_then(|last| last.fragment.wall?.checked_add(duration(last.end_time - last.fragment.time))),
        track,
        init_len,
    })
}
