//! The text form of the newest frame of each stream, made once whatever the number of its viewers.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use hub::{Frame, Stream, StreamName};

/// Holds at most one text a stream, and drops those of streams that are gone.
#[derive(Debug, Default)]
pub(crate) struct Base64Cache(Mutex<HashMap<StreamName, Entry>>);

#[derive(Debug, Clone)]
struct Entry {
    epoch: u64,
    seq: u64,
    text: Bytes,
}

impl Base64Cache {
    /// `{"type":"frame","data":"<base64 JPEG>"}`.
    pub(crate) fn message(&self, stream: &Stream, frame: &Frame) -> Bytes {
        let known = self.lock().get(stream.name()).cloned();
        if let Some(entry) = known.filter(|e| e.epoch == stream.epoch() && e.seq == frame.seq) {
            return entry.text;
        }
        // Encoded outside the lock. Two viewers may both do it once; waiting for each other would cost more.
        let text = Bytes::from(wire::view::frame(&frame.payload));
        let entry = Entry { epoch: stream.epoch(), seq: frame.seq, text: text.clone() };
        self.lock().insert(stream.name().clone(), entry);
        text
    }

    /// Frees the text of a stream whose last viewer of this kind has left.
    pub(crate) fn forget(&self, name: &StreamName) {
        self.lock().remove(name);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<StreamName, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
