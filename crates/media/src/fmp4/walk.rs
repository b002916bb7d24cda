//! From one fragment to the next, as far as they are whole.

use super::fragment::from_ntp;
use super::moof::Run;
use super::recording::Fragment;
use crate::Result;
use crate::mp4::boxes::{Fields, Found, next_box};
use crate::source::Source;

/// A fragment that lies wholly in the file.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) fragment: Fragment,
    pub(super) run: Run,
}

/// The fragment that begins at `at`, or `None` where none does, or its media is
/// not all there.
pub(super) fn fragment_at(source: &mut Source<'_>, at: u64) -> Result<Option<Whole>> {
    let len = source.len();
    let Some(first) = next_box(source, at, len)? else {
        return Ok(None);
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
