//! The table of recordings that the index does not have: those being written, and those that could not be put into it yet.
//!
//! It has a lock of its own that is never held while anything waits, so a question of what is being written never waits for a disk.

use std::collections::BTreeMap;

use net::Lock;

use crate::{Metadata, RecordingId};

#[derive(Debug, Default)]
pub(crate) struct Unindexed(Lock<BTreeMap<RecordingId, Entry>>);

#[derive(Debug, Clone)]
struct Entry {
    /// `None` until its writer has said something.
    metadata: Option<Metadata>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Growing,
    /// `settled`: its metadata file is true as well.
    Ended {
        settled: bool,
    },
}

impl Unindexed {
    /// Takes a name before there is a file of it: recovery would take the file for what a crash left. `false` if it is taken.
    pub(crate) fn reserve(&self, id: &RecordingId) -> bool {
        let mut entries = self.0.lock();
        if entries.contains_key(id) {
            return false;
        }
        entries.insert(id.clone(), Entry { metadata: None, state: State::Growing });
        true
    }

    pub(crate) fn show(&self, id: &RecordingId, metadata: Metadata) {
        if let Some(entry) = self.0.lock().get_mut(id) {
            entry.metadata = Some(metadata);
        }
    }

    /// It grows no more, and waits here for the index.
    pub(crate) fn end(&self, id: &RecordingId, metadata: Metadata, settled: bool) {
        let entry = Entry { metadata: Some(metadata), state: State::Ended { settled } };
        self.0.lock().insert(id.clone(), entry);
    }

    pub(crate) fn remove(&self, id: &RecordingId) {
        self.0.lock().remove(id);
    }

    /// Drops one that has ended; one that grows is its writer's.
    pub(crate) fn remove_ended(&self, id: &RecordingId) {
        let mut entries = self.0.lock();
        if entries.get(id).is_some_and(|entry| entry.state != State::Growing) {
            entries.remove(id);
        }
    }

    pub(crate) fn is_growing(&self, id: &RecordingId) -> bool {
        self.0.lock().get(id).is_some_and(|entry| entry.state == State::Growing)
    }

    /// Its metadata, and whether it grows.
    pub(crate) fn get(&self, id: &RecordingId) -> Option<(Metadata, bool)> {
        let entries = self.0.lock();
        let entry = entries.get(id)?;
        Some((entry.metadata.clone()?, entry.state == State::Growing))
    }

    pub(crate) fn that(&self, wanted: impl Fn(&Metadata) -> bool) -> Vec<Metadata> {
        let entries = self.0.lock();
        let all = entries.values().filter_map(|entry| entry.metadata.as_ref());
        all.filter(|metadata| wanted(metadata)).cloned().collect()
    }

    /// Every one, and whether it grows.
    pub(crate) fn all(&self) -> Vec<(RecordingId, Metadata, bool)> {
        let entries = self.0.lock();
        let all = entries
            .iter()
            .map(|(id, entry)| Some((id.clone(), entry.metadata.clone()?, entry.state == State::Growing)));
        all.flatten().collect()
    }

    /// What has to be put into the index, and whether it is settled.
    pub(crate) fn ended(&self) -> Vec<(RecordingId, Metadata, bool)> {
        let ended = |(id, entry): (&RecordingId, &Entry)| match entry.state {
            State::Ended { settled } => Some((id.clone(), entry.metadata.clone()?, settled)),
            State::Growing => None,
        };
        self.0.lock().iter().filter_map(ended).collect()
    }
}
