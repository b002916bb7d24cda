//! What slow clients still have to take. A frame that many of them take is held once; all frames together are bounded,
//! and beyond that the client that has taken nothing for longest goes.
//!
//! Only what does not go out at once is looked at: to a client that keeps up this costs nothing.

use std::{collections::HashMap, sync::Arc};

use net::Lock;

/// Less than this is reckoned to each connection itself.
pub(crate) const OWN_BYTES: usize = 64 * 1024;
/// Of each response over HTTP/2, where a connection has many.
pub(crate) const OWN_BYTES_HTTP2: usize = 8 * 1024;

#[derive(Debug)]
pub(super) struct Holding {
    most: usize,
    frames: Lock<Frames>,
}

#[derive(Debug, Default)]
struct Frames {
    /// By where they end in memory, which stays so while a client takes the beginning.
    by_end: HashMap<usize, Held>,
    bytes: usize,
}

#[derive(Debug)]
struct Held {
    clients: usize,
    bytes: usize,
}

/// One client's hold on a frame, until it is dropped.
#[derive(Debug)]
pub(super) struct Hold {
    all: Arc<Holding>,
    end: usize,
}

impl Holding {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, frames: Lock::default() })
    }

    /// A client still has to take these bytes, which stay where they are for so long.
    pub(super) fn hold(self: &Arc<Self>, bytes: &[u8]) -> Hold {
        self.add(end(bytes), bytes.len())
    }

    /// The same for bytes that are known by a place of their own.
    pub(super) fn add(self: &Arc<Self>, end: usize, bytes: usize) -> Hold {
        let mut frames = self.frames.lock();
        let held = frames.by_end.entry(end).or_insert(Held { clients: 0, bytes });
        held.clients += 1;
        if held.clients == 1 {
            frames.bytes += bytes;
        }
        Hold { all: Arc::clone(self), end }
    }

    pub(super) fn is_over(&self) -> bool {
        self.frames.lock().bytes > self.most
    }
}

impl Hold {
    /// Whether it is a hold on what these bytes are the rest of.
    pub(super) fn is_of(&self, bytes: &[u8]) -> bool {
        self.end == end(bytes)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut frames = self.all.frames.lock();
        let Some(held) = frames.by_end.get_mut(&self.end) else { return };
        held.clients -= 1;
        if held.clients == 0 {
            let bytes = held.bytes;
            frames.by_end.remove(&self.end);
            frames.bytes -= bytes;
        }
    }
}

fn end(bytes: &[u8]) -> usize {
    bytes.as_ptr_range().end.addr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_counts_once_however_many_hold_it() {
        let all = Holding::new(3 * OWN_BYTES);
        let (frame, other) = (vec![0; 2 * OWN_BYTES], vec![0; 2 * OWN_BYTES]);
        let held = [all.hold(&frame), all.hold(&frame[OWN_BYTES..])];
        assert!(!all.is_over() && held[1].is_of(&frame));
        let more = all.hold(&other);
        assert!(all.is_over() && !more.is_of(&frame));
        drop(held);
        assert!(!all.is_over());
        drop(more);
        let frames = all.frames.lock();
        assert!(frames.bytes == 0 && frames.by_end.is_empty());
    }
}
