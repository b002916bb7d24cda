//! What is being received, whatever the route or the protocol: how much memory all of it takes together, and how much
//! of one connection's is taken before the others have their turn.
//!
//! A connection may hold a little by itself, which is enough for usual frames. A message that grows larger needs room
//! among all that are being received, for as many bytes as it may come to have: so whoever has room can finish, and the
//! others' clients wait, in the order in which they came.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use net::Lock;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};
use tokio_util::sync::PollSemaphore;

/// Room is counted in kilobytes: the semaphore's numbers are small.
const UNIT: usize = 1024;
/// What one connection may send before the others have their turn. A usual frame is smaller.
const TURN: usize = 256 * 1024;
/// Of one message that comes over HTTP/1.1 or a WebSocket.
pub(crate) const OWN_BYTES: usize = 256 * 1024;
/// Of one request over HTTP/2, where a connection has several.
pub(crate) const OWN_BYTES_HTTP2: usize = 16 * 1024;

/// The room for everything that is being received.
#[derive(Debug)]
pub(crate) struct Reception {
    room: Arc<Semaphore>,
    units: usize,
}

impl Reception {
    pub(crate) fn new(bytes: usize) -> Self {
        let units = bytes.div_ceil(UNIT).clamp(1, Semaphore::MAX_PERMITS);
        Self { room: Arc::new(Semaphore::new(units)), units }
    }

    /// So many permits stand for so many bytes; a message larger than all room takes all of it.
    fn units(&self, bytes: usize) -> u32 {
        u32::try_from(bytes.div_ceil(UNIT).clamp(1, self.units)).unwrap_or(u32::MAX)
    }
}

/// Where one message after the other comes in. Without [`Inlet::expect`] nothing is bounded.
#[derive(Debug, Default)]
pub struct Inlet(Lock<State>);

#[derive(Debug, Default)]
struct State {
    /// Bytes that need no room of all.
    own: usize,
    /// Bytes that a message may have.
    expected: usize,
    /// Bytes of the message that have come.
    held: usize,
    /// Of these, in whole frames of a WebSocket.
    kept: usize,
    room: Option<PollSemaphore>,
    permit: Option<OwnedSemaphorePermit>,
    /// Since when it has room, or waits for some.
    large_since: Option<Instant>,
    in_turn: usize,
}

impl State {
    fn settle(&mut self, kept: usize) {
        (self.held, self.kept) = (kept, kept);
        if kept == 0 {
            (self.permit, self.room, self.large_since) = (None, None, None);
        }
    }
}

impl Inlet {
    /// From now on a message has at most `expected` bytes, of which `own` need no room.
    pub(super) fn expect(&self, own: usize, expected: usize) {
        let mut state = self.0.lock();
        (state.own, state.expected) = (own, expected.max(1));
    }

    /// Ready when more may be read.
    pub(super) fn poll_room(&self, reception: &Reception, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.lock();
        if state.in_turn >= TURN {
            state.in_turn = 0;
            // Polled once it wakes this task, though only in the next turn of the loop.
            let _pending = pin!(tokio::task::yield_now()).poll(cx);
            return Poll::Pending;
        }
        if state.held < state.own || state.expected <= state.own || state.permit.is_some() {
            return Poll::Ready(());
        }
        state.large_since.get_or_insert_with(Instant::now);
        let units = reception.units(state.expected);
        let room = state.room.get_or_insert_with(|| PollSemaphore::new(Arc::clone(&reception.room)));
        // Closed it is never.
        state.permit = ready!(room.poll_acquire_many(cx, units));
        Poll::Ready(())
    }

    /// So many bytes have come.
    pub(super) fn count(&self, bytes: usize) {
        let mut state = self.0.lock();
        if state.expected > 0 {
            state.held += bytes;
            state.in_turn += bytes;
        }
    }

    /// Nothing more is there to be read.
    pub(super) fn end_turn(&self) {
        self.0.lock().in_turn = 0;
    }

    /// The message was taken: it is held elsewhere, or not at all.
    pub fn reset(&self) {
        self.0.lock().settle(0);
    }

    /// A frame of a WebSocket was read.
    pub fn frame_ended(&self) {
        let mut state = self.0.lock();
        let kept = state.kept;
        state.settle(kept);
    }

    /// It was a part of a message, with so many bytes.
    pub fn keep(&self, bytes: usize) {
        let mut state = self.0.lock();
        let kept = state.kept + bytes;
        state.settle(kept);
    }

    /// Since when a message has had room, or has waited for some.
    pub fn large_since(&self) -> Option<Instant> {
        self.0.lock().large_since
    }

    pub(super) fn awaits_room(&self) -> bool {
        let state = self.0.lock();
        state.large_since.is_some() && state.permit.is_none()
    }
}

#[cfg(test)]
mod tests;
