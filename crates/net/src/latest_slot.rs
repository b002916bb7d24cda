//! A mailbox with room for one value: a newer value replaces one that has not been taken yet, and putting never waits.

use tokio::sync::Notify;

use crate::{Condition, Lock};

/// Shared by those who put values and one taker, a task ([`next`](Self::next)) or a thread
/// ([`next_blocking`](Self::next_blocking)).
#[derive(Debug)]
pub struct LatestSlot<T> {
    state: Lock<State<T>>,
    /// For a thread that waits for a value or the end, and for a task that does.
    changed: Condition,
    bell: Notify,
    /// For tasks that wait for the end alone.
    ended: Notify,
}

#[derive(Debug)]
struct State<T> {
    newest: Option<T>,
    is_closed: bool,
}

impl<T> Default for LatestSlot<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> LatestSlot<T> {
    pub fn new() -> Self {
        Self {
            state: Lock::new(State { newest: None, is_closed: false }),
            changed: Condition::new(),
            bell: Notify::new(),
            ended: Notify::new(),
        }
    }

    /// Leaves a value, and returns the one that it replaces. A closed slot gives the new one back.
    pub fn put(&self, value: T) -> Option<T> {
        let mut state = self.state.lock();
        if state.is_closed {
            return Some(value);
        }
        let replaced = state.newest.replace(value);
        drop(state);
        self.changed.notify_one();
        self.bell.notify_one();
        replaced
    }

    /// The value, if there is one now.
    pub fn try_take(&self) -> Option<T> {
        self.state.lock().newest.take()
    }

    /// Waits for a value. `None` once the slot is closed and empty. Cancel-safe.
    pub async fn next(&self) -> Option<T> {
        loop {
            {
                let mut state = self.state.lock();
                if state.newest.is_some() || state.is_closed {
                    return state.newest.take();
                }
            }
            self.bell.notified().await;
        }
    }

    /// [`next`](Self::next) for a thread without a runtime.
    pub fn next_blocking(&self) -> Option<T> {
        let is_waiting = |state: &mut State<T>| state.newest.is_none() && !state.is_closed;
        self.changed.wait_while(self.state.lock(), is_waiting).newest.take()
    }

    pub fn is_empty(&self) -> bool {
        self.state.lock().newest.is_none()
    }

    /// Accepts nothing more. A value that waits can still be taken.
    pub fn close(&self) {
        self.state.lock().is_closed = true;
        self.changed.notify_all();
        self.bell.notify_one();
        self.ended.notify_waiters();
    }

    pub fn is_closed(&self) -> bool {
        self.state.lock().is_closed
    }

    /// Waits until the slot is closed.
    pub async fn closed(&self) {
        // Made before the question, so that a close right after it is not missed.
        let ended = self.ended.notified();
        if !self.is_closed() {
            ended.await;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn the_newest_is_taken_and_the_others_are_given_back() {
        let slot = LatestSlot::new();
        let replaced: Vec<Option<u32>> = (1..=3).map(|n| slot.put(n)).collect();
        assert_eq!(replaced, [None, Some(1), Some(2)]);
        assert_eq!(slot.next().await, Some(3));
        assert!(slot.is_empty() && slot.try_take().is_none());
    }

    #[tokio::test]
    async fn a_waiting_task_is_woken_from_another_thread() {
        let slot = Arc::new(LatestSlot::new());
        let other = slot.clone();
        let taking = tokio::spawn(async move { other.next().await });
        tokio::task::yield_now().await;
        std::thread::spawn(move || slot.put(7)).join().unwrap();
        assert_eq!(taking.await.unwrap(), Some(7));
    }

    #[test]
    fn a_thread_takes_values_until_the_end() {
        let slot = Arc::new(LatestSlot::new());
        let (took, taken) = std::sync::mpsc::channel();
        let theirs = slot.clone();
        let taker = std::thread::spawn(move || {
            while let Some(value) = theirs.next_blocking() {
                took.send(value).unwrap();
            }
        });
        for value in [1, 2] {
            slot.put(value);
            assert_eq!(taken.recv().unwrap(), value);
        }
        slot.close();
        taker.join().unwrap();
    }

    #[tokio::test]
    async fn what_waits_at_the_close_is_taken_before_the_end() {
        let slot = LatestSlot::new();
        slot.put(1);
        slot.close();
        slot.closed().await;
        assert_eq!(slot.put(2), Some(2));
        assert_eq!(slot.next().await, Some(1));
        assert_eq!(slot.next().await, None);
        assert_eq!(slot.next_blocking(), None);
    }

    #[tokio::test]
    async fn all_who_wait_for_the_close_are_woken() {
        let slot: Arc<LatestSlot<u32>> = Arc::default();
        let waiting: Vec<_> = (0..3)
            .map(|_| {
                let slot = slot.clone();
                tokio::spawn(async move { slot.closed().await })
            })
            .collect();
        tokio::task::yield_now().await;
        slot.close();
        for task in waiting {
            task.await.unwrap();
        }
    }
}
