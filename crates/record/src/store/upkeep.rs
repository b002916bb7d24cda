//! The store's own side: what writing, recovery and tidying need of it, and how answers are kept true.

use std::{
    collections::{BTreeMap, BTreeSet},
    io, thread,
};

use hub::StreamName;

use super::{
    Store,
    folder::{Folder, Root, is_absence},
    index::{self, Index},
    layout::place,
    metadata::read_metadata,
    unindexed::Unindexed,
};
use crate::{Error, Metadata, RecordingId};

/// How often an answer is made again because files in it had gone.
const LOOKS: usize = 3;

impl Store {
    pub(crate) fn root(&self) -> Result<Option<Root>, Error> {
        match Root::open(self.directory()) {
            Ok(root) => Ok(Some(root)),
            Err(error) if is_absence(&error) => Ok(None),
            Err(source) => Err(Error::Io { path: self.directory().to_owned(), source }),
        }
    }

    /// All that can be said of a recording without looking inside.
    pub(crate) fn describe(&self, folder: &Folder, id: &RecordingId, size: u64) -> Metadata {
        read_metadata(folder, id).unwrap_or_else(|| Metadata::of_name(id)).placed(id, self.directory(), size)
    }

    /// Runs `work` on the index. Without a recordings' folder there is none, and nothing in it.
    pub(crate) fn with_index<T: Default>(
        &self,
        work: impl Fn(&Index) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        if !self.directory().is_dir() {
            return Ok(T::default());
        }
        let mut slot = self.0.index.lock();
        let index = match slot.take() {
            Some(index) => index,
            None => Index::open(self.directory())?,
        };
        self.put_leftovers(&index);
        match work(&index) {
            Err(error) if index::is_broken(&error) => {
                tracing::warn!(%error, "the index of recordings is broken: building it anew");
                let index = slot.insert(index.replace()?);
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
        let store = self.clone();
        let rebuild = move || {
            if let Err(error) = store.reconcile() {
                tracing::warn!(%error, "the index of recordings is not complete");
            }
        };
        if let Err(error) = thread::Builder::new().name("store".to_owned()).spawn(rebuild) {
            tracing::warn!(%error, "the index of recordings is not complete until the next start");
        }
    }

    pub(crate) fn remove_folder_if_empty(&self, stream: &StreamName) -> bool {
        Root::open(self.directory()).is_ok_and(|root| root.remove_if_empty(stream))
    }

    /// Drops what is known of a file that is not there.
    pub(crate) fn forget(&self, id: &RecordingId) {
        self.unindexed().remove_ended(id);
        if let Err(error) = self.with_index(|index| index.remove(id.stream.as_str(), id.file.as_str())) {
            tracing::warn!(path = %place(self.directory(), id).display(), %error, "a deleted recording is still listed");
        }
    }

    /// Drops what is known of a stream's files that are not there.
    pub(crate) fn drop_gone(&self, stream: &StreamName) -> Result<(), Error> {
        let folder = self.root()?.and_then(|root| root.folder(stream).ok());
        let is_gone = |file: &str| {
            folder.as_ref().is_none_or(|folder| folder.size(file).is_err_and(|error| is_absence(&error)))
        };
        for (id, ..) in self.unindexed().ended() {
            if id.stream == *stream && is_gone(id.file.as_str()) {
                self.unindexed().remove_ended(&id);
            }
        }
        let mut known = self.with_index(|index| index.known(stream.as_str()))?;
        known.retain(|(file, _)| is_gone(file));
        self.with_index(|index| {
            index.remove_all(stream.as_str(), known.iter().map(|(file, _)| file.as_str()))
        })
    }

    /// Drops what is known of streams whose folders are not there.
    pub(crate) fn drop_gone_streams(&self) -> Result<(), Error> {
        let Some(root) = self.root()? else { return Ok(()) };
        for name in self.with_index(Index::stream_names)? {
            if let Ok(stream) = name.parse()
                && root.folder(&stream).is_err_and(|error| is_absence(&error))
                && let Err(error) = self.drop_gone(&stream)
            {
                tracing::debug!(%stream, %error, "recordings that are gone are still listed");
            }
        }
        Ok(())
    }

    /// Moves a recording from those being written to the index.
    pub(crate) fn put_away(&self, id: &RecordingId, metadata: &Metadata, settled: bool) {
        let put = self.with_index(|index| {
            index.put(&[(metadata, settled)])?;
            // Under the index's lock: an answer has it once.
            self.unindexed().remove(id);
            Ok(())
        });
        match put {
            // Also where the recordings' folder is gone, and with it the index.
            Ok(()) => self.unindexed().remove(id),
            Err(error) => {
                tracing::warn!(path = %place(self.directory(), id).display(), %error, "a recording cannot be put into the index for now");
                self.unindexed().end(id, metadata.clone(), settled);
            }
        }
    }

    /// It has been deleted by its own writer.
    pub(crate) fn let_go(&self, id: &RecordingId) {
        self.unindexed().remove(id);
        self.remove_folder_if_empty(&id.stream);
    }

    /// The index failed when they ended: tries again.
    fn put_leftovers(&self, index: &Index) {
        for (id, metadata, settled) in self.unindexed().ended() {
            if index.put(&[(&metadata, settled)]).is_err() {
                // Nor will it take the others now; each try may wait.
                return;
            }
            self.unindexed().remove_ended(&id);
        }
    }

    /// What is known of a recording, and whether it is being written.
    pub(super) fn known(&self, id: &RecordingId) -> Result<Option<(Metadata, bool)>, Error> {
        self.with_index(|index| match self.unindexed().get(id) {
            Some(found) => Ok(Some(found)),
            None => Ok(index.get(id)?.map(|metadata| (metadata, false))),
        })
    }

    /// The folder in which a recording lies.
    pub(super) fn folder(&self, id: &RecordingId) -> Result<Folder, Error> {
        self.found(id, Root::open(self.directory()).and_then(|root| root.folder(&id.stream)))
    }

    /// What has not been found has gone.
    pub(super) fn found<T>(&self, id: &RecordingId, result: io::Result<T>) -> Result<T, Error> {
        result.map_err(|source| {
            if !is_absence(&source) {
                return Error::Io { path: place(self.directory(), id), source };
            }
            self.forget(id);
            Error::NotFound { stream: id.stream.clone(), file: id.file.as_str().to_owned() }
        })
    }

    /// An answer in which no recording has lost its file.
    pub(super) fn looked_after<T>(
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
            let dropped = gone.iter().try_for_each(|stream| self.drop_gone(stream));
            if let Err(error) = dropped {
                tracing::debug!(%error, "recordings that are gone are still listed");
                return Ok(found);
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

    pub(crate) fn unindexed(&self) -> &Unindexed {
        &self.0.unindexed
    }
}
