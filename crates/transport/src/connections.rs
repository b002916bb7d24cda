//! Which connections are open, and which of them rest between requests.
//!
//! At the limit the connection that has rested longest makes room: ten thousand idle connections cost their own
//! clients a reconnect, and no viewer or publisher notices, not even a client that posts a frame a second. Where none
//! rests, one goes whose client has kept the hub waiting for long: for the rest of a picture that it began to send, or
//! to take what it asked for. A new connection is refused only when every place is taken by a connection at work.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use net::Lock;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    holding::{Hold, Holding},
    intake::{Inlet, OWN_BYTES, Reception},
    per_address::Counted,
    waits::{Side, Waiting, Waits},
};
use crate::ConnectionLimits;

#[derive(Debug)]
pub struct Connections {
    limits: ConnectionLimits,
    reception: Reception,
    holding: Arc<Holding>,
    /// Guards the places; nothing awaits under it.
    state: Lock<State>,
}

#[derive(Debug, Default)]
struct State {
    open: HashMap<u64, Open>,
    /// Resting connections in the order in which they are to make room.
    resting: BTreeMap<Place, CancellationToken>,
    next: u64,
    /// When a client last had to go because too much is held.
    relieved: Option<Instant>,
}

/// What is known here of an open connection.
#[derive(Debug)]
struct Open {
    shed: CancellationToken,
    waits: Waits,
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
/// A client that is waited for so long makes room where none rests.
const PATIENCE: Duration = Duration::from_secs(10);
/// What a shed connection holds is free only after a while: until then no other is shed for it.
const RELIEF: Duration = Duration::from_millis(10);

impl Connections {
    pub fn new(limits: ConnectionLimits) -> Arc<Self> {
        let reception = Reception::new(limits.receive_bytes);
        let holding = Holding::new(limits.send_bytes);
        Arc::new(Self { limits, reception, holding, state: Lock::default() })
    }

    pub fn open(&self) -> usize {
        self.state.lock().open.len()
    }

    /// A place for a new connection. When all are taken, the one that has rested longest is shed; when none rests,
    /// there is no place.
    pub fn admit(self: &Arc<Self>, counted: Counted) -> Option<Connection> {
        let mut state = self.state.lock();
        if state.open.len() >= self.limits.max.max(1) && !state.shed_one() {
            return None;
        }
        state.next += 1;
        let number = state.next;
        let (shed, waits) = (CancellationToken::new(), Waits::default());
        state.open.insert(number, Open { shed: shed.clone(), waits: waits.clone() });
        let pause = Pause::new(state.rest(shed.clone(), Instant::now()));
        Some(Connection {
            all: Arc::clone(self),
            number,
            _counted: counted,
            shed,
            waits,
            pause: Lock::new(Some(pause)),
            answering: AtomicUsize::new(0),
            has_read: AtomicBool::new(true),
            turns: tokio::sync::Mutex::new(()),
            socket_inlet: Inlet::default(),
        })
    }

    /// Makes room where something else than places has run out.
    pub(super) fn shed_one(&self) -> bool {
        self.state.lock().shed_one()
    }
}

impl State {
    /// Sheds the connection that can be spared most easily; whether there is one.
    fn shed_one(&mut self) -> bool {
        let now = Instant::now();
        if self.resting.first_key_value().is_some_and(|(place, _)| place.from <= now) {
            let longest = self.resting.pop_first();
            return longest.map(|(_, shed)| shed.cancel()).is_some();
        }
        let is_slow = |open: &&Open| !open.shed.is_cancelled() && open.waits.are_longer_than(PATIENCE);
        let slow = self.open.values().find(is_slow);
        slow.map(|open| open.shed.cancel()).is_some()
    }

    /// Sheds the client that has taken nothing for longest.
    fn shed_slowest(&mut self) {
        if self.relieved.is_some_and(|last| last.elapsed() < RELIEF) {
            return;
        }
        let taking = self.open.values().filter(|open| !open.shed.is_cancelled());
        let taking = taking.filter_map(|open| Some((open.waits.taking_since()?, open)));
        if let Some((_, slowest)) = taking.min_by_key(|&(last, _)| last) {
            slowest.shed.cancel();
            self.relieved = Some(Instant::now());
        }
    }

    fn rest(&mut self, shed: CancellationToken, from: Instant) -> Place {
        self.next += 1;
        let place = Place { from, number: self.next };
        self.resting.insert(place, shed);
        place
    }
}

/// One connection's place. Dropping it frees the place.
#[derive(Debug)]
pub struct Connection {
    all: Arc<Connections>,
    number: u64,
    _counted: Counted,
    shed: CancellationToken,
    waits: Waits,
    /// While no request is being answered.
    pause: Lock<Option<Pause>>,
    /// Requests being answered: over HTTP/2 there may be several.
    answering: AtomicUsize,
    /// Something was read since the last request began.
    has_read: AtomicBool,
    /// Held by the request whose turn it is to begin.
    turns: tokio::sync::Mutex<()>,
    /// Of what comes over the connection once it is a WebSocket.
    socket_inlet: Inlet,
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
    /// Resolves when this connection has to end: it has to make room, or its client stays away.
    pub async fn given_up(&self) {
        tokio::select! {
            () = self.shed.cancelled() => {}
            () = self.outstayed() => {}
        }
    }

    /// The client is waited for until the returned guard is dropped.
    pub(super) fn wait(&self, side: Side) -> Waiting {
        self.waits.begin(side)
    }

    /// The client still has to take these bytes, until the hold is dropped; `None` if they are no more than `own`. Where
    /// all clients together hold too much, the slowest goes.
    pub(super) fn hold(&self, bytes: &[u8], own: usize) -> Option<Hold> {
        (bytes.len() > own).then(|| self.relieved(self.all.holding.hold(bytes)))
    }

    /// The same for so many bytes that only this `request` has.
    pub(super) fn hold_of(&self, request: &Arc<Busy>, bytes: usize, own: usize) -> Option<Hold> {
        let place = Arc::as_ptr(request).addr();
        (bytes > own).then(|| self.relieved(self.all.holding.add(place, bytes)))
    }

    fn relieved(&self, hold: Hold) -> Hold {
        if self.all.holding.is_over() {
            self.all.state.lock().shed_slowest();
        }
        hold
    }

    /// Where a connection's requests lie together in what was read, they begin one in each turn of the loop, which
    /// serves all others in between.
    pub(super) async fn turn(&self) {
        if self.has_read.swap(false, Ordering::Relaxed) {
            return;
        }
        let _begins = self.turns.lock().await;
        tokio::task::yield_now().await;
    }

    /// From now on the connection is a WebSocket with messages of at most `most` bytes.
    pub fn becomes_socket(&self, most: usize) {
        self.socket_inlet.expect(OWN_BYTES, most);
    }

    pub fn socket_inlet(&self) -> &Inlet {
        &self.socket_inlet
    }

    pub(super) fn poll_socket_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.socket_inlet.poll_room(&self.all.reception, cx)
    }

    /// Takes the connection from among the resting until the returned guard is dropped.
    /// `own_bytes`: what its body needs no room for.
    pub fn begin_request(self: &Arc<Self>, own_bytes: usize) -> Arc<Busy> {
        let mut state = self.all.state.lock();
        if let Some(pause) = self.pause.lock().take() {
            state.resting.remove(&pause.place);
        }
        self.answering.fetch_add(1, Ordering::Relaxed);
        Arc::new(Busy {
            connection: Arc::clone(self),
            inlet: Inlet::default(),
            own_bytes,
            has_own_time: AtomicBool::new(false),
            is_between_frames: AtomicBool::new(false),
        })
    }

    /// Notes that something was read from the client.
    pub(super) fn bytes_arrived(&self) {
        self.has_read.store(true, Ordering::Relaxed);
        if let Some(pause) = self.pause.lock().as_mut() {
            pause.head_since.get_or_insert_with(Instant::now);
        }
    }

    /// Resolves when the client has sent no request for too long, or only a part of one's head, or has taken next to
    /// nothing of what there is for it.
    async fn outstayed(&self) {
        let ConnectionLimits { idle_timeout, header_timeout, stall_timeout, .. } = self.all.limits;
        loop {
            let now = Instant::now();
            let resting = self.pause.lock().as_ref().map(|pause| match pause.head_since {
                Some(begun) => begun + header_timeout,
                None => pause.since + idle_timeout,
            });
            let stalled = self.waits.taking_since().map(|since| since + stall_timeout);
            // Polled now and then rather than notified of each request, which would cost something per frame.
            let next_check = now + header_timeout.min(stall_timeout);
            let deadline = resting.into_iter().chain(stalled).min();
            if deadline.is_some_and(|deadline| deadline <= now) {
                return;
            }
            tokio::time::sleep_until(deadline.map_or(next_check, |deadline| deadline.min(next_check))).await;
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut state = self.all.state.lock();
        state.open.remove(&self.number);
        if let Some(pause) = self.pause.lock().take() {
            state.resting.remove(&pause.place);
        }
    }
}

/// A request is being answered; lives until its response has been written, or its WebSocket has ended.
#[derive(Debug)]
pub struct Busy {
    connection: Arc<Connection>,
    /// Of its body.
    inlet: Inlet,
    own_bytes: usize,
    /// The reader of the body bounds its time.
    has_own_time: AtomicBool,
    /// The client may rest: it is not in the middle of anything.
    is_between_frames: AtomicBool,
}

impl Busy {
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    pub fn limits(&self) -> &ConnectionLimits {
        &self.connection.all.limits
    }

    pub(super) fn inlet(&self) -> &Inlet {
        &self.inlet
    }

    /// A body of this length, if it is known, is about to come.
    pub(super) fn expect(&self, length: Option<u64>) {
        let most = self.limits().max_body;
        let length = length.and_then(|length| usize::try_from(length).ok()).unwrap_or(most);
        self.inlet.expect(self.own_bytes, length.min(most));
    }

    pub(super) fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.inlet.poll_room(&self.connection.all.reception, cx)
    }

    /// From now on the body's reader itself bounds the time that it takes, and holds no more than `most` bytes of it.
    pub fn bound_by_reader(&self, most: usize) {
        self.has_own_time.store(true, Ordering::Relaxed);
        self.inlet.expect(self.own_bytes, most);
    }

    pub(super) fn has_own_time(&self) -> bool {
        self.has_own_time.load(Ordering::Relaxed)
    }

    /// A message of an endless body has been taken, or the next one has begun.
    pub fn set_between_frames(&self, is_between: bool) {
        self.is_between_frames.store(is_between, Ordering::Relaxed);
        if is_between {
            self.inlet.reset();
        }
    }

    pub(super) fn is_between_frames(&self) -> bool {
        self.is_between_frames.load(Ordering::Relaxed)
    }

    /// Its request was read and answered; what the response holds is counted elsewhere.
    pub(super) fn release(&self) {
        self.inlet.reset();
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = self.connection.all.state.lock();
        // Counted under the lock: the last one out lets the connection rest.
        if self.connection.answering.fetch_sub(1, Ordering::Relaxed) > 1 {
            return;
        }
        let place = state.rest(self.connection.shed.clone(), Instant::now() + BREATH);
        *self.connection.pause.lock() = Some(Pause::new(place));
    }
}

#[cfg(test)]
mod tests;
