//! The store: all recordings on disk, and the index that finds them.
//!
//! What is finished is in the index; what is being written is in a table of its own here, and answers are made of
//! both. Locks are taken in this order: `tidying`, `index`, `unindexed`.

mod clocks;
mod cursor;
mod folder;
mod index;
mod layout;
mod metadata;
mod query;
mod recover;
pub(crate) mod retention;
mod unindexed;
mod upkeep;
mod writing;

pub use layout::{FileName, Kind, RecordingId};
pub use metadata::{Gap, Metadata, Status};
pub use query::{Disk, Filter, Order, Page, StreamSummary};
pub use retention::{Sweep, SweepReport};
pub use writing::Writing;

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use hub::StreamName;
use jiff::Timestamp;
use net::Lock;

use self::{
    clocks::Clocks,
    cursor::Key,
    folder::{Folder, Root, is_absence},
    index::Index,
    layout::place,
    unindexed::Unindexed,
};
use crate::Error;

/// Of a list's page.
const MAX_LIMIT: usize = 1000;
/// Recordings of a stream that begin within one second.
const MAX_NUMBER: u32 = 1000;

/// All recordings below one folder. Clones share it. Calls block on the disk.
#[derive(Debug, Clone)]
pub struct Store(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    directory: PathBuf,
    /// Opened when there is a folder for it to lie in.
    index: Lock<Option<Index>>,
    unindexed: Unindexed,
    /// How many recordings have ended.
    ended: AtomicU64,
    /// The clocks that told the times of what this program has finished.
    clocks: Clocks,
    /// Held while one file is recovered or deleted: the two do not meet.
    tidying: Lock<()>,
}

/// A recording opened for reading.
#[derive(Debug)]
pub struct OpenFile {
    pub id: RecordingId,
    pub path: PathBuf,
    pub file: File,
    pub metadata: Metadata,
    /// Still being written.
    pub growing: bool,
}

impl Store {
    /// Touches nothing: the folder is made when the first recording begins.
    pub fn new(directory: &Path) -> Self {
        Self(Arc::new(Shared {
            directory: directory.to_owned(),
            index: Lock::default(),
            unindexed: Unindexed::default(),
            ended: AtomicU64::default(),
            clocks: Clocks::default(),
            tidying: Lock::default(),
        }))
    }

    pub fn directory(&self) -> &Path {
        &self.0.directory
    }

    /// Makes the file (and the folders) of a recording that begins at `start`: a name that is free, opened for writing
    /// and reading. `metadata` is made once the name is known.
    pub fn create(
        &self,
        stream: &StreamName,
        kind: Kind,
        start: SystemTime,
        metadata: impl FnOnce(&RecordingId, &Path) -> Metadata,
    ) -> Result<Writing, Error> {
        let start = Timestamp::try_from(start).unwrap_or(Timestamp::UNIX_EPOCH);
        let (id, folder, file) = self.create_file(stream, kind, start)?;
        self.forget(&id);
        Ok(Writing::begin(self.clone(), folder, id, file, metadata))
    }

    fn create_file(
        &self,
        stream: &StreamName,
        kind: Kind,
        start: Timestamp,
    ) -> Result<(RecordingId, Folder, File), Error> {
        let mut taken = io::Error::from(io::ErrorKind::AlreadyExists);
        for number in 1..=MAX_NUMBER {
            let id = RecordingId::new(stream, start, kind, number);
            if !self.unindexed().reserve(&id) {
                continue;
            }
            match self.make_file(&id) {
                Ok((folder, file)) => return Ok((id, folder, file)),
                Err(error) => {
                    self.unindexed().remove(&id);
                    taken = error;
                }
            }
            if taken.kind() != io::ErrorKind::AlreadyExists {
                break;
            }
        }
        Err(Error::Io { path: self.directory().join(stream.as_str()), source: taken })
    }

    fn make_file(&self, id: &RecordingId) -> io::Result<(Folder, File)> {
        let make = || -> io::Result<_> {
            let folder = self.make_folder(&id.stream)?;
            let file = folder.create(id.file.as_str())?;
            Ok((folder, file))
        };
        match make() {
            // Another thread may delete the folder, empty as it is, in this very moment.
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(),
            made => made,
        }
    }

    fn make_folder(&self, stream: &StreamName) -> io::Result<Folder> {
        let (root, made) = Root::make(self.directory())?;
        if made {
            // Whatever index was open lay in a folder that is no more.
            *self.0.index.lock() = None;
        }
        root.make_folder(stream)
    }

    /// How many recordings have ended since the start.
    pub(crate) fn ended(&self) -> u64 {
        self.0.ended.load(Ordering::Relaxed)
    }

    pub fn list(&self, filter: &Filter) -> Result<Page, Error> {
        let cursor = filter.cursor.as_deref().map(Key::parse).transpose()?;
        self.looked_after(
            || self.with_index(|index| self.page(index, filter, cursor.as_ref())),
            |page| page.recordings.iter().collect(),
        )
    }

    fn page(&self, index: &Index, filter: &Filter, cursor: Option<&Key>) -> rusqlite::Result<Page> {
        let limit = filter.limit.clamp(1, MAX_LIMIT);
        let unindexed = self.unindexed().that(|entry| matches(filter, entry));
        let totals = index.totals(filter)?;
        let total = totals.count + unindexed.len() as u64;
        let total_bytes = totals.bytes + unindexed.iter().map(|entry| entry.size_bytes).sum::<u64>();

        let mut recordings = index.page(filter, cursor, limit + 1)?;
        recordings.extend(unindexed.into_iter().filter(|entry| is_after(filter.order, entry, cursor)));
        recordings.sort_by_cached_key(Key::of);
        if filter.order == Order::Newest {
            recordings.reverse();
        }
        let more = recordings.len() > limit;
        recordings.truncate(limit);
        let next = recordings.last().filter(|_| more).map(|last| Key::of(last).to_text());
        Ok(Page { recordings, total, total_bytes, next })
    }

    /// Of every stream that has recordings, in the order of their names.
    pub fn streams(&self) -> Result<Vec<StreamSummary>, Error> {
        self.drop_gone_streams()?;
        self.with_index(|index| {
            let mut streams = index.streams()?;
            for entry in self.unindexed().that(|_| true) {
                add(&mut streams, &entry);
            }
            Ok(streams)
        })
    }

    pub fn get(&self, id: &RecordingId) -> Result<Metadata, Error> {
        let folder = self.folder(id)?;
        let size = self.found(id, folder.size(id.file.as_str()))?;
        match self.known(id)? {
            Some((metadata, _)) => Ok(metadata),
            None => Ok(self.describe(&folder, id, size)),
        }
    }

    /// The segment of a stream that holds `time`, or else the first one after it. Clips do not count.
    pub fn at(&self, stream: &StreamName, time: Timestamp) -> Result<Option<Metadata>, Error> {
        self.looked_after(
            || {
                self.with_index(|index| {
                    let mut candidates = index.around(stream, time)?;
                    let segment = |entry: &Metadata| {
                        entry.kind == Kind::Segment && entry.stream_name == stream.as_str()
                    };
                    candidates.extend(self.unindexed().that(segment));
                    Ok(holding_or_after(candidates, time))
                })
            },
            |found| found.iter().collect(),
        )
    }

    /// Opens a file that lies, itself and not through a symlink, in its stream's folder.
    pub fn open(&self, id: &RecordingId) -> Result<OpenFile, Error> {
        let folder = self.folder(id)?;
        let file = self.found(id, folder.open(id.file.as_str()))?;
        let (metadata, growing) = match self.known(id)? {
            Some(known) => known,
            None => {
                let size = self.found(id, file.metadata())?.len();
                (self.describe(&folder, id, size), false)
            }
        };
        Ok(OpenFile { id: id.clone(), path: place(self.directory(), id), file, metadata, growing })
    }

    /// Deletes a recording and its metadata, and the folder if it is empty then; gives the bytes that this freed.
    pub fn delete(&self, id: &RecordingId) -> Result<u64, Error> {
        self.take_away(id).map(|(bytes, _)| bytes)
    }

    /// Deletes; gives the bytes, and whether the folder went with it.
    pub(crate) fn take_away(&self, id: &RecordingId) -> Result<(u64, bool), Error> {
        let _tidying = self.0.tidying.lock();
        let folder = self.folder(id)?;
        let size = self.found(id, folder.size(id.file.as_str()))?;
        if self.unindexed().is_growing(id) || folder.is_locked(id.file.as_str()) {
            return Err(Error::Active { stream: id.stream.clone(), file: id.file.as_str().to_owned() });
        }
        self.found(id, folder.remove(id.file.as_str()))?;
        self.forget(id);
        let beside = id.file.metadata();
        match folder.remove(&beside) {
            Err(error) if !is_absence(&error) => {
                let path = place(self.directory(), id).with_file_name(beside);
                tracing::warn!(path = %path.display(), %error, "the metadata of a deleted recording stays");
            }
            _ => {}
        }
        Ok((size, self.remove_folder_if_empty(&id.stream)))
    }

    /// Of the disk that the recordings are on, or will be.
    pub fn disk(&self) -> Result<Disk, Error> {
        match net::disk_space(self.directory()) {
            Ok(space) => Ok(Disk { free_bytes: space.free, total_bytes: space.total }),
            Err(source) => Err(Error::Io { path: self.directory().to_owned(), source }),
        }
    }
}

fn matches(filter: &Filter, entry: &Metadata) -> bool {
    let (from, to) = index::span(filter);
    let of_stream = filter.stream.as_ref().is_none_or(|stream| stream.as_str() == entry.stream_name);
    let is_among = |streams: &Vec<StreamName>| streams.iter().any(|name| name.as_str() == entry.stream_name);
    of_stream
        && filter.among.as_ref().is_none_or(is_among)
        && entry.end_time.as_millisecond() > from
        && entry.start_time.as_millisecond() < to
}

fn is_after(order: Order, entry: &Metadata, cursor: Option<&Key>) -> bool {
    cursor.is_none_or(|cursor| match order {
        Order::Newest => Key::of(entry) < *cursor,
        Order::Oldest => Key::of(entry) > *cursor,
    })
}

fn add(streams: &mut Vec<StreamSummary>, entry: &Metadata) {
    match streams.binary_search_by(|stream| stream.name.cmp(&entry.stream_name)) {
        Ok(found) => {
            let Some(stream) = streams.get_mut(found) else { return };
            stream.count += 1;
            stream.total_bytes += entry.size_bytes;
            stream.first_time = stream.first_time.min(entry.start_time);
            stream.last_time = stream.last_time.max(entry.end_time);
        }
        Err(place) => streams.insert(
            place,
            StreamSummary {
                name: entry.stream_name.clone(),
                count: 1,
                total_bytes: entry.size_bytes,
                first_time: entry.start_time,
                last_time: entry.end_time,
            },
        ),
    }
}

/// Of those that hold the time the one that began last, or else of those after it the one that begins first.
fn holding_or_after(candidates: Vec<Metadata>, time: Timestamp) -> Option<Metadata> {
    let (begun, later): (Vec<_>, Vec<_>) = candidates.into_iter().partition(|found| found.start_time <= time);
    let holding =
        begun.into_iter().filter(|found| found.end_time > time).max_by_key(|found| found.start_time);
    holding.or_else(|| later.into_iter().min_by_key(|found| found.start_time))
}

#[cfg(test)]
mod tests;
