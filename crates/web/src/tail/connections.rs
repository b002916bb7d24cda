//! Which connections are open, and which of them rest between requests.
//!
//! At the limit the connection that has rested longest makes room: ten thousand idle connections cost their own
//! senders a reconnect, and nobody who is watching or publishing notices. Only when every place is taken by a
//! connection at work is a newcomer turned away.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio_util::sync::CancellationToken;

#[derive(Debug)]
pub(crate) struct Connections {
    max: usize,
    /// Guards the places; nothing awaits under it.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    open: usize,
    /// Resting connections in the order in which they came to rest.
    resting: BTreeMap<u64, CancellationToken>,
    next: u64,
}

impl Connections {
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { max: max.max(1), state: Mutex::default() })
    }

    pub(crate) fn open(&self) -> usize {
        self.lock().open
    }

    /// A place for a new connection. When all are taken, the one that has rested longest is shed; when none rests,
    /// there is no place.
    pub(crate) fn admit(self: &Arc<Self>) -> Option<Connection> {
        let mut state = self.lock();
        if state.open >= self.max {
            let (_, oldest) = state.resting.pop_first()?;
            oldest.cancel();
        }
        state.open += 1;
        let shed = CancellationToken::new();
        let resting = Mutex::new(Some(state.rest(shed.clone())));
        Some(Connection { all: Arc::clone(self), shed, resting })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn rest(&mut self, shed: CancellationToken) -> u64 {
        self.next += 1;
        self.resting.insert(self.next, shed);
        self.next
    }
}

/// One connection's place. Dropping it frees the place.
#[derive(Debug)]
pub(crate) struct Connection {
    all: Arc<Connections>,
    shed: CancellationToken,
    /// The place among the resting ones, while it rests.
    resting: Mutex<Option<u64>>,
}

impl Connection {
    /// Resolves when this connection has to make room.
    pub(crate) async fn shed(&self) {
        self.shed.cancelled().await;
    }

    /// Takes the connection from among the resting until the returned guard is dropped.
    pub(crate) fn begin_request(self: &Arc<Self>) -> Arc<Busy> {
        let mut state = self.all.lock();
        if let Some(place) = self.resting().take() {
            state.resting.remove(&place);
        }
        Arc::new(Busy(Arc::clone(self)))
    }

    fn resting(&self) -> MutexGuard<'_, Option<u64>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut state = self.all.lock();
        state.open -= 1;
        if let Some(place) = self.resting().take() {
            state.resting.remove(&place);
        }
    }
}

/// A request is being answered; lives until its response has been written, or its WebSocket has ended.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Connection>);

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = self.0.all.lock();
        let place = state.rest(self.0.shed.clone());
        *self.0.resting() = Some(place);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used)]
    use super::*;

    fn admit(all: &Arc<Connections>) -> Arc<Connection> {
        Arc::new(all.admit().expect("a place"))
    }

    #[test]
    fn the_longest_resting_connection_makes_room() {
        let all = Connections::new(2);
        let first = admit(&all);
        let second = admit(&all);
        let busy = first.begin_request();
        let third = admit(&all);
        assert!(!first.shed.is_cancelled(), "it is answering a request");
        assert!(second.shed.is_cancelled());
        assert!(!third.shed.is_cancelled());
        drop((second, busy));
        assert_eq!(all.open(), 2);
    }

    #[test]
    fn with_all_at_work_the_newcomer_is_turned_away() {
        let all = Connections::new(1);
        let first = admit(&all);
        let busy = first.begin_request();
        assert!(all.admit().is_none());
        assert!(!first.shed.is_cancelled());
        drop(busy);
        let again = admit(&all);
        assert!(!again.shed.is_cancelled());
        assert!(first.shed.is_cancelled());
    }
}
