//! The shelf: all recordings on disk, and the index that finds them.

use std::{
    fs::File,
    path::{Path, PathBuf},
    time::SystemTime,
};

use hub::StreamName;
use jiff::Timestamp;
use serde::Serialize;

use crate::{Error, Kind, Metadata, RecordingId};

/// All recordings below one folder. Clones share it. Calls block on the disk.
#[derive(Debug, Clone)]
pub struct Shelf {
    directory: PathBuf,
}

/// A recording that is being written: its file, and its entry in the index, which tells everyone to keep off. Dropped
/// without [`finish`](Self::finish) it is left as a crash would leave it.
#[derive(Debug)]
pub struct Writing {
    pub id: RecordingId,
    pub path: PathBuf,
    pub file: File,
}

impl Writing {
    /// The metadata as of now: what lists and lookups show, at once; the file beside the recording, from time to time.
    pub fn update(&mut self, _metadata: Metadata) {}

    /// Notes the end, on disk as well.
    pub fn finish(self, _metadata: Metadata) -> Result<(), Error> {
        Ok(())
    }

    /// Takes back a recording that came to nothing: file and metadata are deleted.
    pub fn discard(self) {}
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

#[derive(Debug, Clone)]
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
    pub fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Makes the file (and the folders) of a recording that begins at `start`: a name that is free, opened for writing
    /// and reading. `metadata` is made once the name is known.
    pub fn create(
        &self,
        stream: &StreamName,
        _kind: Kind,
        _start: SystemTime,
        _metadata: impl FnOnce(&RecordingId, &Path) -> Metadata,
    ) -> Result<Writing, Error> {
        Err(Error::NotRecording { stream: stream.clone() })
    }

    pub fn list(&self, _filter: &Filter) -> Result<Page, Error> {
        Ok(Page { recordings: Vec::new(), total: 0, total_bytes: 0, next: None })
    }

    /// Of every stream that has recordings, in the order of their names.
    pub fn streams(&self) -> Result<Vec<StreamSummary>, Error> {
        Ok(Vec::new())
    }

    pub fn get(&self, id: &RecordingId) -> Result<Metadata, Error> {
        Err(Error::NotFound { stream: id.stream.clone(), file: id.file.as_str().to_owned() })
    }

    /// The segment of a stream that holds `time`, or else the first one after it. Clips are not looked at.
    pub fn at(&self, _stream: &StreamName, _time: Timestamp) -> Result<Option<Metadata>, Error> {
        Ok(None)
    }

    /// Opens a file that lies, itself and not through a symlink, in its stream's folder.
    pub fn open(&self, id: &RecordingId) -> Result<OpenFile, Error> {
        Err(Error::NotFound { stream: id.stream.clone(), file: id.file.as_str().to_owned() })
    }

    /// Deletes a recording and its metadata, and the folder if it is empty then; gives the bytes that this freed.
    pub fn delete(&self, id: &RecordingId) -> Result<u64, Error> {
        Err(Error::NotFound { stream: id.stream.clone(), file: id.file.as_str().to_owned() })
    }

    /// Of the disk that the recordings are on.
    pub fn disk(&self) -> Result<Disk, Error> {
        Ok(Disk { free_bytes: 0, total_bytes: 0 })
    }

    /// At start: heals what was being written when the program ended, and makes the index agree with the files.
    /// Recordings that begin meanwhile are left alone.
    pub fn reconcile(&self) -> Result<(), Error> {
        Ok(())
    }
}
