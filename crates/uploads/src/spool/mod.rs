//! The frames of a session by their numbers: the newest in memory, within the session's share, the others in a file.
//!
//! The file has no name: it is gone with the program, however that ends (U4). A thread writes the oldest frames out once
//! half of the share is used; a client that sends faster than the disk takes frames waits (U2).

mod budget;
mod writer;

use std::{
    collections::{BTreeMap, VecDeque},
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::Path,
    sync::Arc,
};

use bytes::Bytes;
use net::{Condition, Lock, Room};
use tokio::sync::Notify;

use crate::analysis::{InputFrame, Picture};

pub(crate) use budget::Budget;

/// Frames of one session: an index of so many takes about 100 MB.
pub(crate) const MAX_FRAMES: usize = 1_000_000;

/// What bounds a spool.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    /// Where its file lies, and what stays free there.
    pub(crate) room: Room,
    /// Bytes in memory.
    pub(crate) share: u64,
}

/// Why a frame cannot be kept.
#[derive(Debug)]
pub(crate) enum Full {
    /// All sessions together have too much in memory.
    Memory,
    Index,
    Disk(io::Error),
}

#[derive(Debug)]
pub(crate) struct Spool(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    terms: Terms,
    budget: Arc<Budget>,
    /// Nothing is read, written or awaited under it.
    state: Lock<State>,
    /// The writer has something to do.
    work: Condition,
    /// Something was written, or could not be.
    room: Notify,
}

#[derive(Debug, Default)]
struct State {
    index: BTreeMap<u64, Entry>,
    /// Numbers of the frames in memory, oldest first.
    in_memory: VecDeque<u64>,
    memory_bytes: u64,
    disk_bytes: u64,
    file: Option<Arc<File>>,
    has_writer: bool,
    /// A frame waits for room.
    is_awaited: bool,
    /// Why the writer rests; taken by the next frame that finds no room, with which it tries again.
    failed: Option<io::Error>,
    is_closed: bool,
}

#[derive(Debug, Clone)]
struct Entry {
    timestamp: Option<f64>,
    picture: Picture,
    place: Place,
}

#[derive(Debug, Clone)]
enum Place {
    Memory(Bytes),
    Disk { offset: u64, len: usize },
}

impl Spool {
    pub(crate) fn new(terms: Terms, budget: Arc<Budget>) -> Self {
        let shared =
            Shared { terms, budget, state: Lock::default(), work: Condition::new(), room: Notify::new() };
        Self(Arc::new(shared))
    }

    /// Keeps a frame, once there is room for it. A number that is there already stays as it is.
    pub(crate) async fn keep(&self, frame: &InputFrame) -> Result<(), Full> {
        while !self.try_keep(frame)? {
            self.0.room.notified().await;
        }
        Ok(())
    }

    /// False: the writer has to make room first.
    fn try_keep(&self, frame: &InputFrame) -> Result<bool, Full> {
        let Shared { terms, budget, .. } = &*self.0;
        let InputFrame { number, timestamp, picture, ref bytes } = *frame;
        let len = bytes.len() as u64;
        let mut state = self.0.state.lock();
        if state.is_closed || state.index.contains_key(&number) {
            return Ok(true);
        }
        if state.index.len() >= MAX_FRAMES {
            return Err(Full::Index);
        }
        // One frame is taken however large it is: it has arrived already.
        let fits = state.memory_bytes == 0 || state.memory_bytes + len <= terms.share;
        let reserved = fits && budget.reserve(len);
        if !reserved && state.memory_bytes == 0 {
            return Err(Full::Memory);
        }
        if reserved {
            let place = Place::Memory(bytes.clone());
            state.index.insert(number, Entry { timestamp, picture, place });
            state.in_memory.push_back(number);
            state.memory_bytes += len;
        } else {
            state.is_awaited = true;
            if let Some(error) = state.failed.take() {
                self.0.work.notify_one();
                return Err(Full::Disk(error));
            }
        }
        if self.0.is_due(&state) {
            self.call_writer(&mut state).map_err(Full::Disk)?;
        }
        Ok(reserved)
    }

    fn call_writer(&self, state: &mut State) -> io::Result<()> {
        if !state.has_writer {
            writer::start(Arc::clone(&self.0))?;
            state.has_writer = true;
        }
        self.0.work.notify_one();
        Ok(())
    }

    /// A frame that was kept; from the file if need be.
    pub(crate) fn read(&self, number: u64) -> io::Result<InputFrame> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, "the frame is not in the spool");
        let (entry, file) = {
            let state = self.0.state.lock();
            (state.index.get(&number).cloned().ok_or_else(missing)?, state.file.clone())
        };
        let bytes = match entry.place {
            Place::Memory(bytes) => bytes,
            Place::Disk { offset, len } => {
                let mut bytes = vec![0; len];
                file.ok_or_else(missing)?.read_exact_at(&mut bytes, offset)?;
                bytes.into()
            }
        };
        Ok(InputFrame { number, timestamp: entry.timestamp, picture: entry.picture, bytes })
    }

    /// Where its file lies.
    pub(crate) fn folder(&self) -> &Path {
        self.0.terms.room.folder()
    }

    /// Bytes in memory and bytes in the file.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        let state = self.0.state.lock();
        (state.memory_bytes, state.disk_bytes)
    }

    /// Forgets everything; what is kept afterwards is dropped. Its writer closes the file: freeing it may take the disk a
    /// while.
    pub(crate) fn close(&self) {
        let mut state = self.0.state.lock();
        let memory_bytes = state.memory_bytes;
        let (file, has_writer) = (state.file.take(), state.has_writer);
        *state = State { is_closed: true, file, has_writer, ..State::default() };
        drop(state);
        self.0.budget.release(memory_bytes);
        self.0.work.notify_all();
        self.0.room.notify_one();
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    /// Whether frames are to be written out.
    fn is_due(&self, state: &State) -> bool {
        !state.in_memory.is_empty() && (state.is_awaited || state.memory_bytes > self.terms.share / 2)
    }
}

#[cfg(test)]
mod tests;
