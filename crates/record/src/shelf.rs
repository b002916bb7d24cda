//! The shelf: all recordings on disk, and the index that finds them.
//!
//! What is finished is in the index; what is being written is in a table of its own here, and answers are made of
//! both. Locks are taken in this order: `tidying`, `index`, `written`; the last is never held while anything waits.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::SystemTime,
};

use hub::StreamName;
use jiff::Timestamp;
use serde::Serialize;

use crate::{
    Error, Kind, Metadata, RecordingId, Writing,
    cursor::Key,
    folder::{Folder, Root, is_absence},
    index::{self, Index},
    metadata,
    writing::place,
};

/// Of a list's page.
const MAX_LIMIT: usize = 1000;
/// Recordings of a stream that begin within one second.
const MAX_NUMBER: u32 = 1000;
/// How often an answer is made again because files in it had gone.
const LOOKS: usize = 3;

/// All recordings below one folder. Clones share it. Calls block on the disk.
#[derive(Debug, Clone)]
pub struct Shelf(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    directory: PathBuf,
    /// Opened when there is a folder for it to lie in.
    index: Mutex<Option<Index>>,
    written: Mutex<BTreeMap<RecordingId, Entry>>,
    /// Held while one file is healed or deleted: the two do not meet.
    tidying: Mutex<()>,
}

/// A recording that the index does not have.
#[derive(Debug, Clone)]
struct Entry {
    /// `None` until its writer has said something.
    metadata: Option<Metadata>,
    state: EntryState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EntryState {
    Growing,
    /// Its end is known, but the index could not be told yet.
    Ended {
        settled: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    #[default]
    Newest,
    Oldest,
}

#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub stream: Option<StreamName>,
    /// Recordings that have something after this time,
    pub from: Option<Timestamp>,
    /// and something before this one.
    pub to: Option<Timestamp>,
    pub order: Order,
    /// 1 to 1000.
    pub limit: usize,
    /// As `Page::next` of the page before.
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub struct Page {
    pub recordings: Vec<Metadata>,
    /// All that match, on this page or not.
    pub total: u64,
    pub total_bytes: u64,
    pub next: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StreamSummary {
    pub name: String,
    pub count: u64,
    pub total_bytes: u64,
    pub first_time: Timestamp,
    pub last_time: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Disk {
    pub free_bytes: u64,
    pub total_bytes: u64,
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

impl Shelf {
    /// Touches nothing: the folder is made when the first recording begins.
    pub fn new(directory: &Path) -> Self {
        Self(Arc::new(Shared {
            directory: directory.to_owned(),
            index: Mutex::default(),
            written: Mutex::default(),
            tidying: Mutex::default(),
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
        let path = place(self.directory(), &id);
        let metadata = metadata(&id, &path);
        let mut writing = Writing::begin(self.clone(), folder, id, path, file);
        writing.note_beginning(metadata);
        Ok(writing)
    }

    fn create_file(
        &self,
        stream: &StreamName,
        kind: Kind,
        start: Timestamp,
    ) -> Result<(RecordingId, Folder, File), Error> {
        let failed = |path: PathBuf| move |source| Error::Io { path, source };
        let folder_path = self.directory().join(stream.as_str());
        let mut folder = self.make_folder(stream).map_err(failed(folder_path.clone()))?;
        for number in 1..=MAX_NUMBER {
            let id = RecordingId::new(stream, start, kind, number);
            // Before there is a file: healing would take it for what a crash left.
            if !self.reserve(&id) {
                continue;
            }
            let mut made = folder.create(id.file.as_str());
            if made.as_ref().is_err_and(is_absence) {
                // Somebody deleted the folder, empty as it was, in this very moment.
                folder = self.make_folder(stream).map_err(failed(folder_path.clone()))?;
                made = folder.create(id.file.as_str());
            }
            match made {
                Ok(file) => return Ok((id, folder, file)),
                Err(error) => {
                    self.written().remove(&id);
                    if error.kind() != io::ErrorKind::AlreadyExists {
                        return Err(failed(place(self.directory(), &id))(error));
                    }
                }
            }
        }
        let source = io::Error::from(io::ErrorKind::AlreadyExists);
        Err(failed(place(self.directory(), &RecordingId::new(stream, start, kind, MAX_NUMBER)))(source))
    }

    fn make_folder(&self, stream: &StreamName) -> io::Result<Folder> {
        let (root, made) = Root::make(self.directory())?;
        if made {
            // Whatever index was open lay in a folder that is no more.
            *self.index() = None;
        }
        root.make_folder(stream)
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
        let written = self.written_that(|entry| matches(filter, entry));
        let totals = index.totals(filter)?;
        let total = totals.count + written.len() as u64;
        let total_bytes = totals.bytes + written.iter().map(|entry| entry.size_bytes).sum::<u64>();

        let mut recordings = index.page(filter, cursor, limit + 1)?;
        recordings.extend(written.into_iter().filter(|entry| is_after(filter.order, entry, cursor)));
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
        let Some(root) = self.root()? else { return Ok(Vec::new()) };
        for name in self.with_index(Index::stream_names)? {
            if let Ok(stream) = name.parse::<StreamName>()
                && root.folder(&stream).is_err_and(|error| is_absence(&error))
            {
                self.drop_gone(&stream)?;
            }
        }
        self.with_index(|index| {
            let mut streams = index.streams()?;
            for entry in self.written_that(|_| true) {
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

    /// The segment of a stream that holds `time`, or else the first one after it. Clips are not looked at.
    pub fn at(&self, stream: &StreamName, time: Timestamp) -> Result<Option<Metadata>, Error> {
        self.looked_after(
            || {
                self.with_index(|index| {
                    let mut candidates = index.around(stream, time)?;
                    candidates.extend(self.written_that(|entry| {
                        entry.kind == Kind::Segment && entry.stream_name == stream.as_str()
                    }));
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
        let _tidying = self.tidy();
        if self.is_written(id) {
            return Err(Error::Active { stream: id.stream.clone(), file: id.file.as_str().to_owned() });
        }
        let folder = self.folder(id)?;
        let size = self.found(id, folder.size(id.file.as_str()))?;
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
        let mut failed = None;
        for folder in self.directory().ancestors() {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            match Root::open(folder).and_then(|root| root.space()) {
                Ok((free_bytes, total_bytes)) => return Ok(Disk { free_bytes, total_bytes }),
                Err(source) => failed.get_or_insert(source),
            };
        }
        let source = failed.unwrap_or_else(|| io::ErrorKind::NotFound.into());
        Err(Error::Io { path: self.directory().to_owned(), source })
    }

    /// At start: heals what was being written when the program ended, and makes the index agree with the files.
    /// Recordings that begin meanwhile are left alone.
    pub fn reconcile(&self) -> Result<(), Error> {
        Ok(())
    }
}

/// For those who write, heal and tidy.
impl Shelf {
    pub(crate) fn root(&self) -> Result<Option<Root>, Error> {
        match Root::open(self.directory()) {
            Ok(root) => Ok(Some(root)),
            Err(error) if is_absence(&error) => Ok(None),
            Err(source) => Err(Error::Io { path: self.directory().to_owned(), source }),
        }
    }

    /// All that can be said of a recording without looking inside.
    pub(crate) fn describe(&self, folder: &Folder, id: &RecordingId, size: u64) -> Metadata {
        let noted = folder.read(&id.file.metadata(), metadata::MAX_FILE).ok();
        let noted = noted.and_then(|bytes| Metadata::from_json(&bytes));
        noted.unwrap_or_else(|| Metadata::of_name(id)).placed(id, self.directory(), size)
    }

    /// Runs `work` on the index. Without a recordings' folder there is none, and nothing in it.
    pub(crate) fn with_index<T: Default>(
        &self,
        work: impl Fn(&Index) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        if !self.directory().is_dir() {
            return Ok(T::default());
        }
        let mut slot = self.index();
        let index = match slot.take() {
            Some(index) => index,
            None => Index::open(self.directory())?,
        };
        self.put_leftovers(&index);
        match work(&index) {
            Err(error) if index::is_broken(&error) => {
                tracing::warn!(%error, "the index of recordings is broken: building it anew");
                let index = slot.insert(index.reopen()?);
                self.rebuild_later();
                Ok(work(index)?)
            }
            result => {
                *slot = Some(index);
                Ok(result?)
            }
        }
    }

    fn rebuild_later(&self) {
        let shelf = self.clone();
        let rebuild = move || {
            if let Err(error) = shelf.reconcile() {
                tracing::warn!(%error, "the index of recordings is not complete");
            }
        };
        if let Err(error) = thread::Builder::new().name("shelf".to_owned()).spawn(rebuild) {
            tracing::warn!(%error, "the index of recordings is not complete until the next start");
        }
    }

    /// Whether this process is writing it.
    pub(crate) fn is_written(&self, id: &RecordingId) -> bool {
        self.written().get(id).is_some_and(|entry| entry.state == EntryState::Growing)
    }

    /// Keeps healing from what is deleted and the other way round.
    pub(crate) fn tidy(&self) -> MutexGuard<'_, ()> {
        self.0.tidying.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn remove_folder_if_empty(&self, stream: &StreamName) -> bool {
        Root::open(self.directory()).is_ok_and(|root| root.remove_if_empty(stream))
    }

    /// Drops what the index says of a file that is not there.
    pub(crate) fn forget(&self, id: &RecordingId) {
        if let Err(error) = self.with_index(|index| index.remove(id.stream.as_str(), id.file.as_str())) {
            tracing::warn!(path = %place(self.directory(), id).display(), %error, "a deleted recording is still listed");
        }
    }

    /// Drops from the index all of a stream whose files are not there.
    pub(crate) fn drop_gone(&self, stream: &StreamName) -> Result<(), Error> {
        let folder = self.root()?.and_then(|root| root.folder(stream).ok());
        let mut known = self.with_index(|index| index.known(stream.as_str()))?;
        known.retain(|(file, _)| {
            folder.as_ref().is_none_or(|folder| folder.size(file).is_err_and(|error| is_absence(&error)))
        });
        self.with_index(|index| {
            index.remove_all(stream.as_str(), known.iter().map(|(file, _)| file.as_str()))
        })
    }

    /// What a list shows of a recording that is being written.
    pub(crate) fn show(&self, id: &RecordingId, metadata: Metadata) {
        if let Some(entry) = self.written().get_mut(id) {
            entry.metadata = Some(metadata);
        }
    }

    /// Moves a recording from those being written to the index.
    pub(crate) fn put_away(&self, id: &RecordingId, metadata: Metadata, settled: bool) {
        let put = self.with_index(|index| {
            index.put(&[(&metadata, settled)])?;
            Ok(self.written().remove(id).is_some())
        });
        match put {
            Ok(true) => {}
            // The recordings' folder is gone, and all in it.
            Ok(false) => _ = self.written().remove(id),
            Err(error) => {
                tracing::warn!(path = %place(self.directory(), id).display(), %error, "a recording cannot be put into the index for now");
                let state = EntryState::Ended { settled };
                self.written().insert(id.clone(), Entry { metadata: Some(metadata), state });
            }
        }
    }

    /// Its writer has gone without a word.
    pub(crate) fn abandon(&self, id: &RecordingId) {
        let last = self.written().get(id).and_then(|entry| entry.metadata.clone());
        match last {
            Some(metadata) => self.put_away(id, metadata, false),
            None => _ = self.written().remove(id),
        }
    }

    /// It has been deleted by its own writer.
    pub(crate) fn let_go(&self, id: &RecordingId) {
        self.written().remove(id);
        self.remove_folder_if_empty(&id.stream);
    }

    /// What is being written, and its size so far.
    pub(crate) fn growing(&self) -> Vec<(RecordingId, Metadata)> {
        let mut growing = Vec::new();
        for (id, entry) in self.written().iter() {
            if let (Some(metadata), EntryState::Growing) = (&entry.metadata, entry.state) {
                growing.push((id.clone(), metadata.clone()));
            }
        }
        growing
    }

    fn reserve(&self, id: &RecordingId) -> bool {
        let mut written = self.written();
        if written.contains_key(id) {
            return false;
        }
        written.insert(id.clone(), Entry { metadata: None, state: EntryState::Growing });
        true
    }

    /// The index failed when they ended: tries again.
    fn put_leftovers(&self, index: &Index) {
        let mut leftovers = Vec::new();
        for (id, entry) in self.written().iter() {
            if let (Some(metadata), EntryState::Ended { settled }) = (&entry.metadata, entry.state) {
                leftovers.push((id.clone(), metadata.clone(), settled));
            }
        }
        for (id, metadata, settled) in leftovers {
            if index.put(&[(&metadata, settled)]).is_ok() {
                self.written().remove(&id);
            }
        }
    }

    fn written_that(&self, wanted: impl Fn(&Metadata) -> bool) -> Vec<Metadata> {
        let written = self.written();
        let metadata = written.values().filter_map(|entry| entry.metadata.as_ref());
        metadata.filter(|metadata| wanted(metadata)).cloned().collect()
    }

    /// What is known of a recording, and whether it is being written.
    fn known(&self, id: &RecordingId) -> Result<Option<(Metadata, bool)>, Error> {
        self.with_index(|index| {
            let entry = self.written().get(id).cloned();
            match entry {
                Some(Entry { metadata: Some(metadata), state }) => {
                    Ok(Some((metadata, state == EntryState::Growing)))
                }
                _ => Ok(index.get(id)?.map(|metadata| (metadata, false))),
            }
        })
    }

    /// The folder in which a recording lies.
    fn folder(&self, id: &RecordingId) -> Result<Folder, Error> {
        self.found(id, Root::open(self.directory()).and_then(|root| root.folder(&id.stream)))
    }

    /// What has not been found has gone.
    fn found<T>(&self, id: &RecordingId, result: io::Result<T>) -> Result<T, Error> {
        result.map_err(|source| {
            if !is_absence(&source) {
                return Error::Io { path: place(self.directory(), id), source };
            }
            self.forget(id);
            Error::NotFound { stream: id.stream.clone(), file: id.file.as_str().to_owned() }
        })
    }

    /// An answer in which no recording has lost its file.
    fn looked_after<T>(
        &self,
        answer: impl Fn() -> Result<T, Error>,
        recordings: impl Fn(&T) -> Vec<&Metadata>,
    ) -> Result<T, Error> {
        for _ in 1..LOOKS {
            let found = answer()?;
            let gone = self.streams_with_gone(&recordings(&found));
            if gone.is_empty() {
                return Ok(found);
            }
            for stream in &gone {
                self.drop_gone(stream)?;
            }
        }
        answer()
    }

    fn streams_with_gone(&self, recordings: &[&Metadata]) -> BTreeSet<StreamName> {
        let Ok(root) = Root::open(self.directory()) else { return BTreeSet::new() };
        let mut folders = BTreeMap::new();
        let mut gone = BTreeSet::new();
        for recording in recordings {
            let Ok(stream) = recording.stream_name.parse::<StreamName>() else { continue };
            let folder = folders.entry(stream.clone()).or_insert_with(|| root.folder(&stream).ok());
            let there = folder.as_ref().is_some_and(|folder| folder.size(&recording.file).is_ok());
            if !there {
                gone.insert(stream);
            }
        }
        gone
    }

    fn index(&self) -> MutexGuard<'_, Option<Index>> {
        self.0.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn written(&self) -> MutexGuard<'_, BTreeMap<RecordingId, Entry>> {
        self.0.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn matches(filter: &Filter, entry: &Metadata) -> bool {
    let (from, to) = index::span(filter);
    let of_stream = filter.stream.as_ref().is_none_or(|stream| stream.as_str() == entry.stream_name);
    of_stream && entry.end_time.as_millisecond() > from && entry.start_time.as_millisecond() < to
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
