//! The real handles that the rig holds, and payloads that tell when they are freed.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    task::Poll,
};

use hub::Subscriber;

use crate::{reference::Waiter, support::WakeCount};

/// Serial numbers of the payloads that are in memory.
pub(crate) type Alive = Arc<Mutex<BTreeSet<u64>>>;

pub(crate) struct Payload {
    pub(crate) serial: u64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) alive: Alive,
}

impl AsRef<[u8]> for Payload {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        self.alive.lock().unwrap().remove(&self.serial);
    }
}

/// A real handle, and the number that the reference knows it by.
pub(crate) struct Real<T> {
    pub(crate) handle: T,
    pub(crate) id: usize,
    /// Of each poll that was pending.
    pub(crate) wakers: Vec<Arc<WakeCount>>,
}

impl<T> Real<T> {
    pub(crate) fn new(handle: T, id: usize) -> Self {
        Self { handle, id, wakers: Vec::new() }
    }

    /// Polls once, with a waker of its own.
    pub(crate) fn poll<R>(&mut self, poll: impl FnOnce(&mut T, &Arc<WakeCount>) -> Poll<R>) -> Poll<R> {
        let waker = Arc::default();
        let result = poll(&mut self.handle, &waker);
        if result.is_pending() {
            self.wakers.push(waker);
        }
        result
    }

    /// Nobody sleeps through what it waits for, and nobody is woken for nothing or keeps a waker that it replaced.
    pub(crate) fn check_wakes(&self, expected: &Waiter) {
        let counts: Vec<usize> = self.wakers.iter().map(|w| w.get()).collect();
        assert_eq!(counts, expected.wakes);
        let replaced = self.wakers.iter().rev().skip(1);
        assert_eq!(replaced.filter(|w| Arc::strong_count(w) > 1).count(), 0);
    }

    pub(crate) fn leave(self) {
        drop(self.handle);
        assert!(self.wakers.iter().all(|w| Arc::strong_count(w) == 1), "it leaves no waker behind");
    }
}

/// A reader with its decoder.
pub(crate) struct RealReader {
    pub(crate) real: Real<Subscriber>,
    pub(crate) decoded: Option<u64>,
    /// Number of the last frame published before it came.
    pub(crate) came_after: u64,
    pub(crate) taken_and_skipped: u64,
}
