//! Recovery: what a crash left becomes a recording again, and the index is made to agree with the files (DK1).
//!
//! A file that the index knows as it is costs one check of its size. Others are described by their metadata, and only
//! one that was not finished is read, cut to its last whole fragment and completed. What other programs made is listed
//! and never changed. A problem with one file does not keep the others waiting.

use std::{
    collections::{BTreeSet, HashMap},
    fs::{File, TryLockError},
    io,
    os::unix::fs::FileExt,
    time::SystemTime,
};

use hub::StreamName;
use jiff::Timestamp;
use media::fmp4::{self, Scan, TIMESCALE, Track};

use super::{
    folder::{Folder, Root, is_absence, is_temporary},
    index::Known,
    layout::place,
    metadata::{read_metadata, write_metadata},
};
use crate::{Codec, Error, Metadata, RecordingId, Status, Store};

/// Rows that are put into the index at once.
const BATCH: usize = 500;
/// A file of ours that has no whole header is shorter, in bytes.
const MAX_HEADER: u64 = 4096;

/// What a look through the folders came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Round {
    pub(crate) files: u64,
    pub(crate) recovered: u64,
    pub(crate) deleted: u64,
    pub(crate) problems: u64,
}

/// One stream's folder, while it is gone through.
struct Visit<'a> {
    store: &'a Store,
    folder: Folder,
    stream: &'a StreamName,
    known: HashMap<String, Known>,
    /// For the index, and whether they are settled.
    rows: Vec<(Metadata, bool)>,
    round: &'a mut Round,
}

impl Store {
    /// At start: recovers what was being written when the program ended, and makes the index agree with the files.
    /// Recordings that begin meanwhile are left alone.
    pub fn reconcile(&self) -> Result<(), Error> {
        let round = self.go_round()?;
        let Round { files, recovered, deleted, problems } = round;
        tracing::info!(files, recovered, deleted, problems, "looked through the recordings");
        Ok(())
    }

    pub(crate) fn go_round(&self) -> Result<Round, Error> {
        let mut round = Round::default();
        let Some(root) = self.root()? else { return Ok(round) };
        let streams = root.streams();
        let streams = streams.map_err(|source| Error::Io { path: self.directory().to_owned(), source })?;
        for stream in &streams {
            if let Err(error) = self.visit(&root, stream, &mut round) {
                round.problems += 1;
                let path = self.directory().join(stream.as_str());
                tracing::warn!(path = %path.display(), %error, "a stream's recordings cannot be looked through");
            }
        }
        self.drop_gone_streams()?;
        Ok(round)
    }

    fn visit(&self, root: &Root, stream: &StreamName, round: &mut Round) -> Result<(), Error> {
        let failed = |source| Error::Io { path: self.directory().join(stream.as_str()), source };
        let folder = match root.folder(stream) {
            Ok(folder) => folder,
            // Its last recording has been deleted meanwhile.
            Err(error) if is_absence(&error) => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        let known = self.with_index(|index| index.known(stream.as_str()))?.into_iter().collect();
        // Names after rows: every row has had its file by then.
        let names: BTreeSet<String> = folder.names().map_err(failed)?.into_iter().collect();
        let mut visit = Visit { store: self, folder, stream, known, rows: Vec::new(), round };
        for name in &names {
            visit.one(name, &names);
        }
        visit.put_rows()?;
        if visit.known.keys().any(|file| !names.contains(file)) {
            self.drop_gone(stream)?;
        }
        self.remove_folder_if_empty(stream);
        Ok(())
    }
}

impl Visit<'_> {
    fn one(&mut self, name: &str, names: &BTreeSet<String>) {
        let done = if let Ok(id) = RecordingId::parse(self.stream, name) {
            self.round.files += 1;
            self.recording(&id)
        } else {
            self.leftover(name, names)
        };
        let full = self.rows.len() >= BATCH;
        let done = done.and_then(|()| if full { self.put_rows() } else { Ok(()) });
        if let Err(error) = done {
            self.round.problems += 1;
            let path = self.store.directory().join(self.stream.as_str()).join(name);
            tracing::warn!(path = %path.display(), %error, "a recording cannot be recovered");
        }
    }

    /// What the index does not take now, since the disk is full, say, is listed all the same and put into it later.
    fn put_rows(&mut self) -> Result<(), Error> {
        let rows: Vec<_> = self.rows.iter().map(|(metadata, settled)| (metadata, *settled)).collect();
        let put = self.store.with_index(|index| index.put(&rows));
        for (metadata, settled) in std::mem::take(&mut self.rows) {
            if put.is_err()
                && !self.known.contains_key(&metadata.file)
                && let Ok(id) = RecordingId::parse(self.stream, &metadata.file)
            {
                self.store.unindexed().end(&id, metadata, settled);
            }
        }
        put
    }

    /// What was not renamed in time, and what a deletion did not come to.
    fn leftover(&self, name: &str, names: &BTreeSet<String>) -> Result<(), Error> {
        let stem = match name.strip_suffix(".json") {
            Some(stem) => stem,
            None if is_temporary(name) => name.trim_start_matches('.').trim_end_matches(".json.tmp"),
            None => return Ok(()),
        };
        let Ok(id) = RecordingId::parse(self.stream, &format!("{stem}.mp4")) else { return Ok(()) };
        if self.store.unindexed().is_growing(&id) {
            return Ok(());
        }
        let ours = || read_metadata(&self.folder, &id).is_some_and(|noted| noted.file == id.file.as_str());
        let alone = || {
            !names.contains(id.file.as_str())
                && self.folder.size(id.file.as_str()).is_err_and(|error| is_absence(&error))
        };
        if is_temporary(name) || (alone() && ours()) {
            self.remove(&id, name)?;
        }
        Ok(())
    }

    fn recording(&mut self, id: &RecordingId) -> Result<(), Error> {
        if self.store.unindexed().is_growing(id) {
            return Ok(());
        }
        let size = match self.folder.size(id.file.as_str()) {
            Ok(size) => size,
            Err(error) if is_absence(&error) => return Ok(()),
            Err(error) => return Err(self.failed(id, error)),
        };
        if self.known.get(id.file.as_str()) == Some(&Known { size, settled: true }) {
            return Ok(());
        }
        let store = self.store;
        let _tidying = store.0.tidying.lock();
        let noted = read_metadata(&self.folder, id);
        match noted {
            Some(noted) if noted.status != Status::Recording && noted.size_bytes == size => {
                self.list(id, noted, size, true);
                Ok(())
            }
            noted => {
                let rows = self.rows.len();
                let looked = self.look_into(id, noted.clone());
                if looked.is_err() && self.rows.len() == rows {
                    // On a disk that is read-only, say. It may play all the same.
                    self.list_as_noted(id, noted, size, false);
                }
                looked
            }
        }
    }

    fn list(&mut self, id: &RecordingId, metadata: Metadata, size: u64, settled: bool) {
        self.rows.push((metadata.placed(id, self.store.directory(), size), settled));
    }

    fn look_into(&mut self, id: &RecordingId, noted: Option<Metadata>) -> Result<(), Error> {
        let path = place(self.store.directory(), id);
        let file = self.folder.open_for_recovery(id.file.as_str()).map_err(|error| self.failed(id, error))?;
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            tracing::debug!(path = %path.display(), "another program is writing it");
            return Ok(());
        }
        let size = file.metadata().map_err(|error| self.failed(id, error))?.len();
        match fmp4::scan(&file, &path) {
            Ok(scan) if !is_ours(&file, &scan).map_err(|error| self.failed(id, error))? => {
                self.list_as_noted(id, noted, size, true);
                Ok(())
            }
            Ok(scan) if scan.fragments.is_empty() => self.delete(id, size),
            Ok(scan) => self.complete(id, &file, &scan, noted, size),
            Err(media::Error::NotARecording { .. }) => {
                if is_torn_beginning(&file, size).map_err(|error| self.failed(id, error))? {
                    return self.delete(id, size);
                }
                self.list_as_noted(id, noted, size, true);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// By its metadata or its name alone: what is of another program's making, or damaged from its first byte, is not
    /// ours to change.
    fn list_as_noted(&mut self, id: &RecordingId, noted: Option<Metadata>, size: u64, settled: bool) {
        let mut metadata = noted.unwrap_or_else(|| Metadata::of_name(id));
        if metadata.status == Status::Recording {
            metadata.status = Status::Finished;
            let path = place(self.store.directory(), id);
            tracing::warn!(path = %path.display(), "this recording was not finished, and cannot be: it is left as it is");
        }
        self.list(id, metadata, size, settled);
    }

    fn complete(
        &mut self,
        id: &RecordingId,
        file: &File,
        scan: &Scan,
        noted: Option<Metadata>,
        size: u64,
    ) -> Result<(), Error> {
        let size_now = complete(file, scan).map_err(|error| self.failed(id, error))?;
        // Its index is written last: a file that has one came to its end.
        let interrupted = noted.as_ref().is_some_and(|noted| noted.status != Status::Finished);
        let status = if scan.has_index && !interrupted { Status::Finished } else { Status::Healed };
        let metadata = found(id, noted, scan, status).placed(id, self.store.directory(), size_now);
        if status == Status::Healed {
            self.round.recovered += 1;
            let path = place(self.store.directory(), id);
            let cut_bytes = size.saturating_sub(scan.whole_bytes);
            tracing::info!(path = %path.display(), frames = scan.frames, cut_bytes, "recovered a recording");
        }
        let written = write_metadata(&self.folder, id, &metadata, true);
        self.list(id, metadata, size_now, written.is_ok());
        written.map_err(|error| self.failed(id, error))
    }

    /// There is not one picture in it.
    fn delete(&mut self, id: &RecordingId, size_bytes: u64) -> Result<(), Error> {
        self.remove(id, id.file.as_str())?;
        self.remove(id, &id.file.metadata())?;
        self.store.forget(id);
        self.round.deleted += 1;
        let path = place(self.store.directory(), id);
        tracing::info!(path = %path.display(), size_bytes, "deleted a recording in which nothing was whole");
        Ok(())
    }

    fn remove(&self, id: &RecordingId, name: &str) -> Result<(), Error> {
        match self.folder.remove(name) {
            Err(error) if !is_absence(&error) => Err(self.failed(id, error)),
            _ => Ok(()),
        }
    }

    fn failed(&self, id: &RecordingId, source: io::Error) -> Error {
        Error::Io { path: place(self.store.directory(), id), source }
    }
}

/// Marks as free what is not whole, cuts it off at the end, and adds what its writer did not come to. Gives the size that the file has then.
/// Interrupted itself, it is simply done again.
fn complete(file: &File, scan: &Scan) -> io::Result<u64> {
    let (offset, patch) = patch(scan)?;
    let mut there = vec![0; patch.len()];
    file.read_exact_at(&mut there, offset)?;
    let timed = there == patch;
    if timed && scan.has_index && scan.damaged.is_empty() {
        return Ok(file.metadata()?.len());
    }
    for damaged in &scan.damaged {
        file.write_all_at(&fmp4::free(damaged.end - damaged.start), damaged.start)?;
    }
    if !timed {
        file.write_all_at(&patch, offset)?;
    }
    if !scan.has_index {
        file.set_len(scan.whole_bytes)?;
        let index = fmp4::index(&scan.fragments);
        if let Err(error) = file.write_all_at(&index, scan.whole_bytes) {
            // The disk is full: a piece of an index is of no use.
            file.set_len(scan.whole_bytes)?;
            return Err(error);
        }
    }
    file.sync_all()?;
    Ok(file.metadata()?.len())
}

fn patch(scan: &Scan) -> io::Result<(u64, Vec<u8>)> {
    fmp4::duration_patch(&fmp4::init(&scan.track), scan.duration_ticks).map_err(io::Error::other)
}

/// Whether the header is the one that we write for this track, but for the duration. Other programs make fragmented
/// files as well.
fn is_ours(file: &File, scan: &Scan) -> io::Result<bool> {
    let mut ours = fmp4::init(&scan.track);
    if ours.len() as u64 != scan.init_len {
        return Ok(false);
    }
    let mut there = vec![0; ours.len()];
    file.read_exact_at(&mut there, 0)?;
    let (offset, patch) = patch(scan)?;
    for header in [&mut ours, &mut there] {
        let room =
            usize::try_from(offset).ok().and_then(|offset| header.get_mut(offset..offset + patch.len()));
        if let Some(room) = room {
            room.fill(0);
        }
    }
    Ok(ours == there)
}

/// Whether it is the beginning of a header of ours, which a crash cut short.
fn is_torn_beginning(file: &File, size: u64) -> io::Result<bool> {
    if size > MAX_HEADER {
        return Ok(false);
    }
    let codecs = [fmp4::Codec::Mjpeg, fmp4::Codec::H264 { sps: Vec::new(), pps: Vec::new() }];
    let mut begins = vec![0; size as usize];
    file.read_exact_at(&mut begins, 0)?;
    Ok(codecs.into_iter().any(|codec| {
        let header = fmp4::init(&Track { codec, width: 1, height: 1 });
        // `ftyp`, whose length is its first field, depends on the kind of codec only.
        let length = header.first_chunk().map_or(0, |length| u32::from_be_bytes(*length) as usize);
        let compared = length.min(begins.len());
        header.get(..compared) == begins.get(..compared)
    }))
}

/// What the file itself says, and from its metadata what it does not.
fn found(id: &RecordingId, noted: Option<Metadata>, scan: &Scan, status: Status) -> Metadata {
    let seconds = scan.duration_ticks as f64 / f64::from(TIMESCALE);
    let average_fps =
        if seconds > 0.0 { (scan.frames as f64 / seconds * 100.0).round() / 100.0 } else { 0.0 };
    let mut metadata = noted.unwrap_or_else(|| Metadata {
        start_time: wall(scan.first_wall).unwrap_or(id.start()),
        target_fps: average_fps.round(),
        ..Metadata::of_name(id)
    });
    let start = metadata.start_time;
    metadata.end_time = wall(scan.last_wall_end)
        .filter(|end| *end > start)
        .unwrap_or_else(|| later(start, scan.duration_ticks));
    metadata.duration_seconds = (seconds * 1000.0).round() / 1000.0;
    metadata.total_frames = scan.frames;
    metadata.average_fps = average_fps;
    metadata.codec = match scan.track.codec {
        fmp4::Codec::Mp4v => Codec::Mp4v,
        fmp4::Codec::Mjpeg => Codec::Mjpeg,
        fmp4::Codec::H264 { .. } => Codec::H264,
    };
    (metadata.width, metadata.height) = (scan.track.width, scan.track.height);
    metadata.status = status;
    metadata
}

/// By the clock of the machine that wrote it; 1970 is a clock that was not known.
fn wall(time: Option<SystemTime>) -> Option<Timestamp> {
    let time = Timestamp::try_from(time?).ok()?;
    (time.as_second() > 0).then_some(time)
}

fn later(start: Timestamp, ticks: u64) -> Timestamp {
    start.checked_add(fmp4::duration(ticks)).unwrap_or(start)
}

#[cfg(test)]
mod tests;
