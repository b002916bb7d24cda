//! A recording opened for reading: its fragments, their samples, their bytes.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::fragment::PRFT_BYTES;
use super::recording::{Fragment, Placed, Track};
use super::walk::{Whole, fragment_at, fragments, is_free};
use super::{index, moov};
use crate::source::{MAX_FRAME_BYTES, Source};
use crate::{Error, Result};

/// A recording, finished, growing or torn. Reads at chosen places, so that many
/// readers of one file do not disturb each other or its writer.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    file: File,
    track: Track,
    fragments: Vec<Fragment>,
    /// Where `ftyp` and `moov` end.
    pub(super) init_len: u64,
    /// Where the last fragment's time ends.
    end_time: u64,
    finished: bool,
}

impl Reader {
    /// Opens a recording: by its index where that is there and right, else by
    /// walking through its fragments. `path` names it in errors.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::NotARecording`] where the header is not whole or
    /// not ours. A recording without a whole fragment opens and has none.
    pub fn open(file: File, path: &Path) -> Result<Self> {
        let len = length(&file, path)?;
        let mut source = source(path, &file, len);
        let (track, init_len) = moov::read(&mut source, path)?;
        let indexed = by_index(&mut source, init_len)?;
        let finished = indexed.is_some();
        let (fragments, end_time) = indexed.unwrap_or_default();
        let path = path.to_owned();
        let mut reader = Self { path, file, track, fragments, init_len, end_time, finished };
        reader.refresh()?;
        Ok(reader)
    }

    /// The one track.
    pub fn track(&self) -> &Track {
        &self.track
    }

    /// The whole fragments, in order; their times rise.
    pub fn fragments(&self) -> &[Fragment] {
        &self.fragments
    }

    /// Whether its index follows its last fragment: it grows no more.
    pub fn finished(&self) -> bool {
        self.finished
    }

    /// Where the last whole fragment's time ends, in ticks from the start.
    pub fn end_time(&self) -> u64 {
        self.end_time
    }

    /// The end of the last whole fragment, or of the header where there is none:
    /// up to here the file is whole and, while it grows, does not change (but for
    /// the room of the duration).
    pub fn whole_bytes(&self) -> u64 {
        self.fragments.last().map_or(self.init_len, |last| last.end)
    }

    /// Looks for fragments that came since; whether there are any.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::BrokenContainer`] when the file has become shorter.
    pub fn refresh(&mut self) -> Result<bool> {
        if self.finished {
            return Ok(false);
        }
        let len = length(&self.file, &self.path)?;
        let begin = self.whole_bytes();
        let mut source = source(&self.path, &self.file, len);
        if len < begin {
            return Err(source.broken(len, "it was cut while it was read"));
        }
        let last_time = self.fragments.last().map(|last| last.time);
        let found = &mut self.fragments;
        let end_time = &mut self.end_time;
        let end = fragments(&mut source, begin, last_time, |whole| {
            found.push(whole.fragment);
            *end_time = whole.run.end_time;
        })?;
        let index = index::find(&mut source, self.init_len)?;
        self.finished = index.is_some_and(|index| index.begin == end);
        Ok(end > begin)
    }

    /// The last fragment that begins at or before `ticks`; `None` before the first.
    pub fn fragment_at(&self, ticks: u64) -> Option<usize> {
        self.fragments.partition_point(|fragment| fragment.time <= ticks).checked_sub(1)
    }

    /// When the first sample of a fragment was taken, if the file says.
    ///
    /// # Errors
    /// As [`Reader::samples`].
    pub fn wall(&self, fragment: usize) -> Result<Option<SystemTime>> {
        match self.fragment(fragment)?.wall {
            Some(wall) => Ok(Some(wall)),
            None => self.whole(fragment).map(|whole| whole.fragment.wall),
        }
    }

    /// The samples of a fragment, in order.
    ///
    /// # Errors
    /// [`Error::NoSuchFragment`], [`Error::Io`], or [`Error::BrokenContainer`] when
    /// the fragment is damaged.
    pub fn samples(&self, fragment: usize) -> Result<Vec<Placed>> {
        let mut run = self.whole(fragment)?.run;
        run.read_extra(&mut source(&self.path, &self.file, self.whole_bytes()))?;
        Ok(run.samples)
    }

    /// The bytes of a sample.
    ///
    /// # Errors
    /// [`Error::Io`], also when the file has become shorter, or
    /// [`Error::BrokenContainer`] when `placed` is not of this recording.
    pub fn read(&self, placed: &Placed) -> Result<Vec<u8>> {
        let length = u64::from(placed.sample.bytes);
        let source = source(&self.path, &self.file, self.whole_bytes());
        let inside = placed.offset.checked_add(length).is_some_and(|end| end <= source.len());
        if !inside || length > MAX_FRAME_BYTES {
            return Err(source.broken(placed.offset, "a sample is not of this recording"));
        }
        let mut bytes = vec![0; length as usize];
        let read = self.file.read_exact_at(&mut bytes, placed.offset);
        read.map_err(|source| Error::Io { path: self.path.clone(), source })?;
        Ok(bytes)
    }

    fn fragment(&self, index: usize) -> Result<Fragment> {
        let fragments = self.fragments.len();
        self.fragments.get(index).copied().ok_or(Error::NoSuchFragment { index, fragments })
    }

    /// Reads a fragment's head again.
    fn whole(&self, index: usize) -> Result<Whole> {
        let known = self.fragment(index)?;
        let mut source = source(&self.path, &self.file, known.end);
        match fragment_at(&mut source, known.offset)? {
            Some(whole) if same_place(&mut source, &whole.fragment, &known)? => Ok(whole),
            _ => Err(source.broken(known.offset, "a fragment is damaged")),
        }
    }
}

/// Opens by the index, if the first and the last fragment lie where it says.
fn by_index(source: &mut Source<'_>, init_len: u64) -> Result<Option<(Vec<Fragment>, u64)>> {
    let Some(found) = index::find(source, init_len)? else {
        return Ok(None);
    };
    let entries = &found.entries;
    let mut fragments = Vec::with_capacity(entries.len());
    for (at, entry) in entries.iter().enumerate() {
        let end = entries.get(at + 1).map_or(found.begin, |next| next.offset.saturating_sub(PRFT_BYTES));
        let offset = entry.offset.saturating_sub(PRFT_BYTES);
        fragments.push(Fragment { offset, end, moof: entry.offset, time: entry.time, wall: None });
    }
    let (Some(first), Some(last)) = (fragments.first().copied(), fragments.last().copied()) else {
        return Ok(None);
    };
    let first_whole = fragment_at(source, init_len)?;
    let last_whole = fragment_at(source, last.offset)?;
    let (Some(first_whole), Some(last_whole)) = (first_whole, last_whole) else {
        return Ok(None);
    };
    if !same_place(source, &first_whole.fragment, &first)?
        || !same_place(source, &last_whole.fragment, &last)?
    {
        return Ok(None);
    }
    fragments[0].wall = first_whole.fragment.wall;
    Ok(Some((fragments, last_whole.run.end_time)))
}

/// By an index a fragment ends where the next one begins: recovery may have left free room between them.
fn same_place(source: &mut Source<'_>, found: &Fragment, known: &Fragment) -> Result<bool> {
    let same = (found.offset, found.moof, found.time) == (known.offset, known.moof, known.time);
    Ok(same && found.end <= known.end && is_free(source, found.end, known.end)?)
}

pub(super) fn length(file: &File, path: &Path) -> Result<u64> {
    let metadata = file.metadata().map_err(|source| Error::Io { path: path.to_owned(), source })?;
    Ok(metadata.len())
}

pub(super) fn source<'a>(path: &'a Path, file: &'a File, len: u64) -> Source<'a> {
    let mut source = Source::new(path, file, len);
    source.container = "MP4";
    source
}
