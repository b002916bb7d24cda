//! The table of recordings that the index does not have: those being written, and those that could not be put into it yet.
//!
//! It has a lock of its own that is never held while anything waits, so a question of what is being written never waits for a disk.

use std::collections::BTreeMap;

use net::{Lock, LockGuard};

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
        let mut entries = self.entries();
        if entries.contains_key(id) {
            return false;
        }
        entries.insert(id.clone(), Entry { metadata: None, state: State::Growing });
        true
    }

    pub(crate) fn show(&self, id: &RecordingId, metadata: Metadata) {
        if let Some(entry) = self.entries().get_mut(id) {
            entry.metadata = Some(metadata);
        }
    }

    /// It grows no more, and waits here for the index.
    pub(crate) fn end(&self, id: &RecordingId, metadata: Metadata, settled: bool) {
        let entry = Entry { metadata: Some(metadata), state: State::Ended { settled } };
        self.entries().insert(id.clone(), entry);
    }

    pub(crate) fn remove(&self, id: &RecordingId) {
        self.entries().remove(id);
    }

    /// Drops one that has ended; one that grows is its writer's.
    pub(crate) fn remove_ended(&self, id: &RecordingId) {
        let mut entries = self.entries();
        if entries.get(id).is_some_and(|entry| entry.state != State::Growing) {
            entries.remove(id);
        }
    }

    pub(crate) fn is_growing(&self, id: &RecordingId) -> bool {
        self.entries().get(id).is_some_and(|entry| entry.state == State::Growing)
    }

    /// Its metadata, and whether it grows.
    pub(crate) fn get(&self, id: &RecordingId) -> Option<(Metadata, bool)> {
        let entries = self.entries();
        let entry = entries.get(id)?;
        Some((entry.metadata.clone()?, entry.state == State::Growing))
    }

    pub(crate) fn that(&self, wanted: impl Fn(&Metadata) -> bool) -> Vec<Metadata> {
        let entries = self.entries();
        let all = entries.values().filter_map(|entry| entry.metadata.as_ref());
        all.filter(|metadata| wanted(metadata)).cloned().collect()
    }

    pub(crate) fn growing(&self) -> Vec<(RecordingId, Metadata)> {
        let mut growing = Vec::new();
        for (id, entry) in self.entries().iter() {
            if let (Some(metadata), State::Growing) = (&entry.metadata, entry.state) {
                growing.push((id.clone(), metadata.clone()));
            }
        }
        growing
    }

    /// What has to be put into the index, and whether it is settled.
    pub(crate) fn ended(&self) -> Vec<(RecordingId, Metadata, bool)> {
        let mut ended = Vec::new();
        for (id, entry) in self.entries().iter() {
            if let (Some(metadata), State::Ended { settled }) = (&entry.metadata, entry.state) {
                ended.push((id.clone(), metadata.clone(), settled));
            }
        }
        ended
    }

    fn entries(&self) -> LockGuard<'_, BTreeMap<RecordingId, Entry>> {
        self.0.lock()
    }
}
