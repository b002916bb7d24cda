//! Memory that threads take in turn: each says how much its next piece of work needs, and waits until that is free.

use crate::{Condition, Lock};

/// For decoding pictures, of which a small file may hold a large one. A progressive JPEG of 8K takes two thirds of it.
pub static DECODERS: Turns = Turns::new(768 << 20);

#[derive(Debug)]
pub struct Turns {
    most: u64,
    state: Lock<State>,
    changed: Condition,
}

#[derive(Debug)]
struct State {
    free: u64,
    /// Whoever comes next, and whose turn it is.
    next: u64,
    turn: u64,
}

/// The memory is another's once this is dropped.
#[derive(Debug)]
pub struct Turn<'a> {
    turns: &'a Turns,
    bytes: u64,
}

impl Turns {
    pub const fn new(bytes: u64) -> Self {
        let state = Lock::new(State { free: bytes, next: 0, turn: 0 });
        Self { most: bytes, state, changed: Condition::new() }
    }

    pub const fn most(&self) -> u64 {
        self.most
    }

    /// Waits, in the order in which threads come, for so many bytes; for all of them where that is more than there are.
    /// Not for an async thread.
    pub fn take(&self, bytes: u64) -> Turn<'_> {
        let bytes = bytes.min(self.most);
        let mut state = self.state.lock();
        let number = state.next;
        state.next += 1;
        while state.turn != number || state.free < bytes {
            state = self.changed.wait(state);
        }
        state.turn += 1;
        state.free -= bytes;
        drop(state);
        self.changed.notify_all();
        Turn { turns: self, bytes }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.turns.state.lock().free += self.bytes;
        self.turns.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{
        sync::atomic::{AtomicU64, Ordering},
        thread,
    };

    use super::*;

    #[test]
    fn no_more_is_taken_than_there_is_and_everybody_has_a_turn() {
        let (turns, taken) = (Turns::new(10), AtomicU64::new(0));
        thread::scope(|scope| {
            for bytes in [3, 4, 11, 5, 10, 1, 2, 9] {
                let (turns, taken) = (&turns, &taken);
                scope.spawn(move || {
                    for _ in 0..200 {
                        let turn = turns.take(bytes);
                        assert!(taken.fetch_add(turn.bytes, Ordering::SeqCst) + turn.bytes <= 10);
                        taken.fetch_sub(turn.bytes, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(turns.state.lock().free, 10);
    }
}
