//! From one fragment to the next, as far as they are whole.

use super::fragment::from_ntp;
use super::moof::Run;
use super::recording::Fragment;
use crate::mp4::boxes::{Fields, Found, next_box};
use crate::source::Source;
use crate::{Error, Result};

/// A fragment that lies wholly in the file.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) fragment: Fragment,
    pub(super) run: Run,
}

/// What a `prft` of ours begins with: its size and its name.
const BEGIN: [u8; 8] = *b"\0\0\0\x20prft";
/// Places that look like the begin of a fragment and are none, before a search is given up.
const MAX_TRIES: u32 = 10_000;
/// Read at once while searching.
const STRETCH: u64 = 1 << 20;

/// The fragment that begins at `at`, perhaps behind room that recovery left free, or `None` where none does, or its media is
/// not all there.
pub(super) fn fragment_at(source: &mut Source<'_>, at: u64) -> Result<Option<Whole>> {
    let len = source.len();
    let mut at = at;
    let first = loop {
        match next_box(source, at, len)? {
            Some(room) if &room.name == b"free" => at = room.next,
            Some(first) => break first,
            None => return Ok(None),
        }
    };
    let (wall, moof) = match &first.name {
        b"prft" => (wall_time(source, first)?, next_box(source, first.next, len)?),
        _ => (None, Some(first)),
    };
    let Some(moof) = moof.filter(|moof| &moof.name == b"moof") else {
        return Ok(None);
    };
    let Some(run) = Run::read(source, moof)? else {
        return Ok(None);
    };
    let Some(mdat) = next_box(source, moof.next, len)? else {
        return Ok(None);
    };
    // Where the file ends inside the media, what was found of it is shorter.
    if &mdat.name != b"mdat" || mdat.content != run.media {
        return Ok(None);
    }
    let fragment = Fragment { offset: at, end: mdat.next, moof: moof.begin, time: run.time, wall };
    Ok(Some(Whole { fragment, run }))
}

/// Walks from `at` on and hands over each fragment that follows in the file and
/// in time, until there is none. Returns where it ends.
pub(super) fn fragments(
    source: &mut Source<'_>,
    mut at: u64,
    mut last_time: Option<u64>,
    mut take: impl FnMut(Whole),
) -> Result<u64> {
    while let Some(whole) = fragment_at(source, at)? {
        if last_time.is_some_and(|last| whole.fragment.time <= last) {
            break;
        }
        at = whole.fragment.end;
        last_time = Some(whole.fragment.time);
        take(whole);
    }
    Ok(at)
}

/// The first whole fragment behind damage that begins at `at`: each says all that is needed to read it.
pub(super) fn after_damage(
    source: &mut Source<'_>,
    at: u64,
    last_time: Option<u64>,
) -> Result<Option<Whole>> {
    // So much at least is needed to mark what lies between as free.
    let mut from = at + 8;
    for _ in 0..MAX_TRIES {
        let Some(begin) = find_begin(source, from)? else { return Ok(None) };
        match fragment_at(source, begin) {
            Ok(Some(whole)) if last_time.is_none_or(|last| whole.fragment.time > last) => {
                return Ok(Some(whole));
            }
            Ok(_) | Err(Error::BrokenContainer { .. }) => from = begin + 1,
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

fn find_begin(source: &Source<'_>, mut from: u64) -> Result<Option<u64>> {
    while from + BEGIN.len() as u64 <= source.len() {
        let bytes = source.bytes(from, source.len().min(from + STRETCH))?;
        if let Some(found) = bytes.windows(BEGIN.len()).position(|window| window == BEGIN) {
            return Ok(Some(from + found as u64));
        }
        from += bytes.len() as u64 - (BEGIN.len() as u64 - 1);
    }
    Ok(None)
}

/// Whether a stretch between two fragments is marked as free from end to end.
pub(super) fn is_free(source: &mut Source<'_>, mut at: u64, end: u64) -> Result<bool> {
    while at < end {
        match next_box(source, at, end)? {
            Some(room) if &room.name == b"free" => at = room.next,
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// The time that a `prft` names.
pub(super) fn wall_time(source: &Source<'_>, prft: Found) -> Result<Option<std::time::SystemTime>> {
    if prft.next - prft.begin != super::fragment::PRFT_BYTES {
        return Ok(None);
    }
    let content: [u8; 24] = source.array(prft.content.start)?;
    let mut fields = Fields::new(&content);
    // Version and flags, and the track.
    Ok(fields.skip(8).and_then(|()| fields.u64()).and_then(from_ntp))
}
