//! Which connections are open, and which of them rest between requests.
//!
//! At the limit the connection that has rested longest makes room: ten thousand idle connections cost their own
//! clients a reconnect, and no viewer or publisher notices, not even a client that posts a frame a second. A new
//! connection is refused only when every place is taken by a connection at work.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use net::Lock;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::per_address::Counted;

#[derive(Debug)]
pub(crate) struct Connections {
    max: usize,
    /// Guards the places; nothing awaits under it.
    state: Lock<State>,
}

#[derive(Debug, Default)]
struct State {
    open: usize,
    /// Resting connections in the order in which they are to make room.
    resting: BTreeMap<Place, CancellationToken>,
    next: u64,
}

/// A place among the resting, first by the time from which on it counts as resting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    from: Instant,
    number: u64,
}

/// After a request a connection counts as resting only this much later: a client that posts a frame a second is at
/// work, however fast others connect meanwhile.
const BREATH: Duration = Duration::from_secs(2);

impl Connections {
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { max: max.max(1), state: Lock::default() })
    }

    pub(crate) fn open(&self) -> usize {
        self.state.lock().open
    }

    /// A place for a new connection. When all are taken, the one that has rested longest is shed; when none rests,
    /// there is no place.
    pub(crate) fn admit(self: &Arc<Self>, counted: Counted) -> Option<Connection> {
        let mut state = self.state.lock();
        if state.open >= self.max {
            let (_, oldest) = state.resting.pop_first()?;
            oldest.cancel();
        }
        state.open += 1;
        let shed = CancellationToken::new();
        let pause = Pause::new(state.rest(shed.clone(), Instant::now()));
        Some(Connection {
            all: Arc::clone(self),
            _counted: counted,
            shed,
            pause: Lock::new(Some(pause)),
            answering: AtomicUsize::new(0),
        })
    }
}

impl State {
    fn rest(&mut self, shed: CancellationToken, from: Instant) -> Place {
        self.next += 1;
        let place = Place { from, number: self.next };
        self.resting.insert(place, shed);
        place
    }
}

/// One connection's place. Dropping it frees the place.
#[derive(Debug)]
pub(crate) struct Connection {
    all: Arc<Connections>,
    _counted: Counted,
    shed: CancellationToken,
    /// While no request is being answered.
    pause: Lock<Option<Pause>>,
    /// Requests being answered: over HTTP/2 there may be several.
    answering: AtomicUsize,
}

/// The time between two requests, the reading of the next one's head included.
#[derive(Debug)]
struct Pause {
    /// The place among the resting ones.
    place: Place,
    since: Instant,
    /// When the first byte of the next request came.
    head_since: Option<Instant>,
}

impl Pause {
    fn new(place: Place) -> Self {
        Self { place, since: Instant::now(), head_since: None }
    }
}

impl Connection {
    /// Resolves when this connection has to make room.
    pub(crate) async fn shed(&self) {
        self.shed.cancelled().await;
    }

    /// Takes the connection from among the resting until the returned guard is dropped.
    pub(crate) fn begin_request(self: &Arc<Self>) -> Arc<Busy> {
        let mut state = self.all.state.lock();
        if let Some(pause) = self.pause.lock().take() {
            state.resting.remove(&pause.place);
        }
        self.answering.fetch_add(1, Ordering::Relaxed);
        Arc::new(Busy(Arc::clone(self)))
    }

    /// Notes that something was read from the client.
    pub(super) fn bytes_arrived(&self) {
        if let Some(pause) = self.pause.lock().as_mut() {
            pause.head_since.get_or_insert_with(Instant::now);
        }
    }

    /// Resolves when the client has sent no request for `idle`, or only a part of one's head for `head`.
    pub(super) async fn outstayed(&self, idle: Duration, head: Duration) {
        loop {
            let now = Instant::now();
            let deadline = self.pause.lock().as_ref().map(|pause| match pause.head_since {
                Some(begun) => begun + head,
                None => pause.since + idle,
            });
            // Polled now and then rather than notified of each request, which would cost something per frame.
            let next_check = now + head;
            match deadline {
                Some(deadline) if deadline <= now => return,
                Some(deadline) => tokio::time::sleep_until(deadline.min(next_check)).await,
                None => tokio::time::sleep_until(next_check).await,
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut state = self.all.state.lock();
        state.open -= 1;
        if let Some(pause) = self.pause.lock().take() {
            state.resting.remove(&pause.place);
        }
    }
}

/// A request is being answered; lives until its response has been written, or its WebSocket has ended.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Connection>);

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = self.0.all.state.lock();
        // Counted under the lock: the last one out lets the connection rest.
        if self.0.answering.fetch_sub(1, Ordering::Relaxed) > 1 {
            return;
        }
        let place = state.rest(self.0.shed.clone(), Instant::now() + BREATH);
        *self.0.pause.lock() = Some(Pause::new(place));
    }
}

#[cfg(test)]
mod tests;
