//! The text form of the newest frame of each stream, made once whatever the number of its viewers.

use std::collections::HashMap;

use bytes::Bytes;
use hub::{Frame, Stream};
use net::Lock;

/// Holds at most one text a stream, by its epoch, and drops those of streams that are gone.
#[derive(Debug, Default)]
pub(crate) struct Base64Cache(Lock<HashMap<u64, Entry>>);

#[derive(Debug, Clone)]
struct Entry {
    seq: u64,
    text: Bytes,
}

impl Base64Cache {
    /// `{"type":"frame","data":"<base64 JPEG>"}`.
    pub(crate) fn message(&self, stream: &Stream, frame: &Frame) -> Bytes {
        let known = self.0.lock().get(&stream.epoch()).cloned();
        if let Some(entry) = known.filter(|entry| entry.seq == frame.seq) {
            return entry.text;
        }
        // Encoded outside the lock. Two viewers may both do it once; waiting for each other would cost more.
        let text = Bytes::from(wire::view::frame(&frame.payload));
        let entry = Entry { seq: frame.seq, text: text.clone() };
        self.0.lock().insert(stream.epoch(), entry);
        text
    }

    /// Frees the text of a stream whose last viewer of this kind has left.
    pub(crate) fn forget(&self, stream: &Stream) {
        self.0.lock().remove(&stream.epoch());
    }
}
