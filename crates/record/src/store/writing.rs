//! A recording while it is written, as the store sees it: its place, its file, and what is said of it.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{
    folder::Folder,
    layout::{RecordingId, place},
    metadata::{Metadata, Status, write_metadata},
};
use crate::{Error, Store, clock::ClockOffset};

/// The metadata file is not rewritten more often: it is for people who look into the folder, and for recovery, which
/// reads the counts from the recording itself.
const METADATA_EVERY: Duration = Duration::from_secs(5);

/// A recording that is being written: its file, and its entry in the index, which keeps others off. Dropped
/// without [`finish`](Self::finish) it is left as a crash would leave it.
#[derive(Debug)]
pub struct Writing {
    pub id: RecordingId,
    pub path: PathBuf,
    pub file: File,
    store: Store,
    folder: Folder,
    metadata: Metadata,
    /// The clock that tells its times.
    pub(crate) told_by: ClockOffset,
    /// When the metadata file was tried to be written last.
    noted: Instant,
    ended: bool,
}

impl Writing {
    pub(crate) fn begin(
        store: Store,
        folder: Folder,
        id: RecordingId,
        file: File,
        metadata: impl FnOnce(&RecordingId, &Path) -> Metadata,
    ) -> Self {
        // Another program on the same folder (a second hub, say) sees by it that it has to keep off. Where there are no
        // locks, it has to do without.
        let _ = file.try_lock();
        let path = place(store.directory(), &id);
        let metadata = metadata(&id, &path);
        let (told_by, noted) = (ClockOffset::now(), Instant::now());
        let mut writing = Self { id, path, file, store, folder, metadata, told_by, noted, ended: false };
        writing.note();
        writing.show();
        writing
    }

    /// As it was updated last.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The metadata as of now: what lists and lookups show, at once; the file beside the recording, from time to time.
    pub fn update(&mut self, metadata: Metadata) {
        self.metadata = metadata;
        self.show();
        if self.noted.elapsed() >= METADATA_EVERY {
            self.note();
        }
    }

    /// Tells its times by the clock as it is now; whether it was set since they were told.
    pub(crate) fn follow_clock(&mut self, now: ClockOffset) -> bool {
        let set = now.set_since(self.told_by);
        self.told_by = now;
        let Some(by) = set else { return false };
        self.metadata = self.metadata.clone().told_anew(by);
        self.show();
        true
    }

    fn show(&self) {
        self.store.unindexed().show(&self.id, self.metadata.clone());
    }

    /// Notes the end, on disk as well. Whatever fails, the recording is listed and kept; the next start recovers it.
    pub fn finish(mut self, metadata: Metadata) -> Result<(), Error> {
        self.metadata = metadata;
        self.ended = true;
        let noted = self.note_end();
        self.unlock();
        self.store.put_away(&self.id, &self.metadata, noted.is_ok());
        self.store.note_end(&self.id, self.told_by);
        noted.map_err(|source| Error::Io { path: self.path.clone(), source })
    }

    /// The recording is on the disk before anything says that it is whole: a power cut between the two leaves one that
    /// will be recovered.
    fn note_end(&mut self) -> io::Result<()> {
        self.metadata.size_bytes = self.file.metadata()?.len();
        self.file.sync_all()?;
        write_metadata(&self.folder, &self.id, &self.metadata, true)
    }

    /// Takes back a recording that came to nothing: file and metadata are deleted.
    pub fn discard(mut self) {
        self.ended = true;
        for name in [self.id.file.as_str(), &self.id.file.metadata()] {
            if let Err(error) = self.folder.remove(name)
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(path = %self.path.with_file_name(name).display(), %error, "a recording without frames stays");
            }
        }
        self.store.let_go(&self.id);
    }

    /// At once, though the same file may be open elsewhere.
    fn unlock(&self) {
        let _ = self.file.unlock();
    }

    fn note(&mut self) {
        self.noted = Instant::now();
        let written = write_metadata(&self.folder, &self.id, &self.metadata, false);
        if let Err(error) = written {
            // Nothing is lost by it, and where the disk is at fault the recorder says so.
            tracing::debug!(path = %self.path.display(), %error, "the metadata beside a recording cannot be written for now");
        }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if !self.ended {
            self.unlock();
            // It is written no more: its metadata file still says that it is, so that the next start looks into it.
            self.metadata.status = Status::Finished;
            self.store.put_away(&self.id, &self.metadata, false);
        }
    }
}
