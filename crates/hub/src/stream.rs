//! A live stream: its ring, its claim and its counters behind one short lock.

use std::{
    collections::BTreeSet,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use crate::{
    Claim, ClaimError, Class, Closed, Delivery, Demand, Frame, Moment, NewFrame, PublishError, RingLimits,
    Rule, STALE_CLAIM, Start, StreamName, StreamStats, SubscribeError, Subscriber, Totals,
    capture::CaptureClock,
    rate::Rate,
    ring::{Aftermath, Ring, RowId},
    sync::{Mutex, MutexGuard, wake},
};

/// A handle on a stream; clones share it.
#[derive(Debug, Clone)]
pub struct Stream(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    name: StreamName,
    epoch: u64,
    created: Moment,
    max_viewers: usize,
    /// Of a derived stream.
    parent: Option<Stream>,
    /// Guards the ring and everything counted with it. Nothing under it awaits, copies a payload or calls out (R2).
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    ring: Ring,
    rate: Rate,
    capture: CaptureClock,
    /// Of publishing, and of the viewers that have left; those who are here are counted in their rows.
    totals: Totals,
    holder: Option<Holder>,
    next_holder: u64,
    /// The publisher that waits for demand to change; there is one holder, so there is one cell.
    demand_waiter: Option<Waker>,
    /// Viewers of derived streams (D2).
    guests: usize,
    /// What was odd about its frames, each once.
    remarks: BTreeSet<&'static str>,
}

/// The connection that a stream is claimed by.
#[derive(Debug)]
struct Holder {
    id: u64,
    last_active: Instant,
    /// The hub's own.
    source: bool,
    /// Rests while there are no readers.
    on_demand: bool,
    /// What it sends is kept elsewhere.
    kept: bool,
}

pub(crate) type HolderId = u64;

impl Stream {
    pub(crate) fn new(
        name: StreamName,
        epoch: u64,
        limits: RingLimits,
        max_viewers: usize,
        parent: Option<Stream>,
        created: Moment,
    ) -> Self {
        let state = State {
            ring: Ring::new(limits),
            rate: Rate::default(),
            capture: CaptureClock::default(),
            totals: Totals::default(),
            holder: None,
            next_holder: 0,
            demand_waiter: None,
            guests: 0,
            remarks: BTreeSet::new(),
        };
        Self(Arc::new(Shared { name, epoch, created, max_viewers, parent, state: Mutex::new(state) }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock()
    }

    pub fn name(&self) -> &StreamName {
        &self.0.name
    }

    /// Distinguishes this stream from another of the same name, before or after it (H2).
    pub fn epoch(&self) -> u64 {
        self.0.epoch
    }

    /// The stream whose pictures a derived stream shows.
    pub fn parent(&self) -> Option<&Stream> {
        self.0.parent.as_ref()
    }

    // ---- reading ----

    pub fn subscribe(&self, rule: Rule, class: Class, start: Start) -> Result<Subscriber, SubscribeError> {
        // A guest of the parent before being a reader here, and the other way round on leaving: the two locks are
        // never held together, and a reader is always counted.
        let guest = match &self.0.parent {
            Some(parent) if class == Class::Viewer => Some(Guest::welcome(parent)?),
            _ => None,
        };
        let mut state = self.state();
        self.check_room(&state, class)?;
        let row = state.ring.join(rule, class, start);
        let waiter = state.demand_waiter.take();
        drop(state);
        wake(waiter);
        Ok(Subscriber { stream: self.clone(), row, _guest: guest })
    }

    fn check_room(&self, state: &State, class: Class) -> Result<(), SubscribeError> {
        if let Some(reason) = state.ring.closed {
            return Err(SubscribeError::Closed { name: self.0.name.clone(), reason });
        }
        if class == Class::Viewer && state.demand().viewers >= self.0.max_viewers {
            return Err(SubscribeError::ViewerLimit { name: self.0.name.clone(), limit: self.0.max_viewers });
        }
        Ok(())
    }

    pub(crate) fn poll_take(&self, row: RowId, cx: &Context<'_>) -> Poll<Result<Delivery, Closed>> {
        // Cloned before locking: a waker is foreign code (R2).
        let waker = cx.waker().clone();
        let (poll, _unused_waker) = self.state().ring.poll_take(row, waker);
        poll
    }

    pub(crate) fn try_take(&self, row: RowId) -> Option<Delivery> {
        self.state().ring.take(row)
    }

    pub(crate) fn leave(&self, row: RowId) {
        let mut state = self.state();
        let left = state.ring.leave(row);
        let viewer = left.as_ref().filter(|left| left.class == Class::Viewer);
        let (served, skipped) = viewer.map_or((0, 0), |left| (left.delivered, left.skipped));
        state.totals.served += served;
        state.totals.skipped += skipped;
        let waiter = state.demand_waiter.take();
        drop(state);
        drop(left);
        if let Some(parent) = &self.0.parent {
            let totals = &mut parent.state().totals;
            totals.served += served;
            totals.skipped += skipped;
        }
        wake(waiter);
    }

    /// The newest frame, whether or not a reader has taken it. `None` before the first, and once the stream has ended and its last
    /// reader has left.
    pub fn newest(&self) -> Option<Arc<Frame>> {
        self.state().ring.newest().cloned()
    }

    /// What bounds its ring.
    pub fn limits(&self) -> RingLimits {
        self.state().ring.limits
    }

    /// Whether the stream has ended. Readers may still take what is left.
    pub fn is_closed(&self) -> bool {
        self.closed().is_some()
    }

    pub(crate) fn closed(&self) -> Option<Closed> {
        self.state().ring.closed
    }

    pub fn demand(&self) -> Demand {
        self.state().demand()
    }

    /// Whether a source of the hub's own feeds it, one that may rest while it has no readers.
    pub fn is_on_demand(&self) -> bool {
        if let Some(parent) = &self.0.parent {
            return parent.is_on_demand();
        }
        self.state().holder.as_ref().is_some_and(|h| h.on_demand)
    }

    /// Whether its frames are kept elsewhere, as an upload's are.
    pub fn is_kept(&self) -> bool {
        self.state().holder.as_ref().is_some_and(|h| h.kept)
    }

    // ---- publishing ----

    /// Whether `claim` would be granted now, without taking it.
    pub fn check_claim(&self, claim: Claim, now: Moment) -> Result<(), ClaimError> {
        self.state().check_claim(&self.0.name, claim, now.mono)
    }

    /// A shared claim holds nothing and gets no id. The waker is that of the publisher who has lost the stream, to be
    /// called when the hub's lock is released too.
    pub(crate) fn claim(
        &self,
        claim: Claim,
        now: Moment,
    ) -> Result<(Option<HolderId>, Option<Waker>), ClaimError> {
        let mut state = self.state();
        state.check_claim(&self.0.name, claim, now.mono)?;
        if claim == Claim::Shared {
            return Ok((None, None));
        }
        state.next_holder += 1;
        let id = state.next_holder;
        let replaced = state.demand_waiter.take();
        state.holder = Some(Holder {
            id,
            last_active: now.mono,
            source: claim.is_source(),
            on_demand: claim == Claim::Source,
            kept: claim == Claim::Kept,
        });
        Ok((Some(id), replaced))
    }

    pub(crate) fn release(&self, id: HolderId) {
        let mut state = self.state();
        if !state.holds(id) {
            return;
        }
        state.holder = None;
        let _waiter = state.demand_waiter.take();
        drop(state);
    }

    pub(crate) fn publish(
        &self,
        holder: Option<HolderId>,
        mut new: NewFrame,
        now: Moment,
    ) -> Result<Arc<Frame>, PublishError> {
        let bytes = new.payload.len();
        let mut state = self.state();
        state.check_holder(&self.0.name, holder)?;
        // Only its own frames keep a connection's claim fresh: those of the one-shot publishers that a stale claim
        // lets in must not revive it.
        if let Some(active) = state.holder.as_mut().filter(|h| Some(h.id) == holder) {
            active.last_active = now.mono;
        }
        state.totals.frames += 1;
        state.totals.bytes += bytes as u64;
        state.rate.count(now.mono, bytes);
        if new.captured.is_some_and(|claimed| !state.capture.believes(claimed, now)) {
            new.captured = None;
            state.totals.capture_times_ignored += 1;
        }
        let (frame, aftermath) = state.ring.push(new, now);
        drop(state);
        aftermath.wake();
        Ok(frame)
    }

    /// Publishes a frame that has its number from the parent.
    pub(crate) fn relay(&self, frame: Frame, now: Moment) -> Option<Arc<Frame>> {
        let bytes = frame.payload.len();
        let mut state = self.state();
        if state.ring.closed.is_some() {
            return None;
        }
        let (frame, aftermath) = state.ring.relay(frame)?;
        state.totals.frames += 1;
        state.totals.bytes += bytes as u64;
        state.rate.count(now.mono, bytes);
        drop(state);
        aftermath.wake();
        Some(frame)
    }

    /// Counts a frame that was refused at the door.
    pub fn count_rejected(&self) {
        self.state().totals.rejected += 1;
    }

    /// Keeps a remark on how the stream's frames came, for its statistics; whether it is the first such one.
    pub fn remark(&self, what: &'static str) -> bool {
        self.state().remarks.insert(what)
    }

    /// Ready once demand is as asked for; an error once this publisher can no longer publish. `is_so` is called under
    /// the lock: a comparison, no more.
    pub(crate) fn poll_demand(
        &self,
        holder: HolderId,
        is_so: impl Fn(Demand) -> bool,
        cx: &Context<'_>,
    ) -> Poll<Result<Demand, PublishError>> {
        let waker = cx.waker().clone();
        let mut state = self.state();
        if let Err(error) = state.check_holder(&self.0.name, Some(holder)) {
            return Poll::Ready(Err(error));
        }
        let demand = state.demand();
        if is_so(demand) {
            return Poll::Ready(Ok(demand));
        }
        let _old = state.demand_waiter.replace(waker);
        drop(state);
        Poll::Pending
    }

    // ---- the end ----

    /// Closes and counts in one step, so that no frame comes between. The rest is to be done when the hub's lock is
    /// released too.
    pub(crate) fn close(&self, reason: Closed) -> (Totals, Aftermath) {
        let mut state = self.state();
        let mut aftermath = state.ring.close(reason);
        aftermath.wake_too(state.demand_waiter.take());
        (state.totals_now(), aftermath)
    }

    /// How long nothing has come, unless a source of the hub's own feeds the stream: that one may rest while it
    /// has no readers.
    pub(crate) fn idle_for(&self, now: Instant) -> Option<Duration> {
        let state = self.state();
        if state.holder.as_ref().is_some_and(|h| h.source) {
            return None;
        }
        Some(now.saturating_duration_since(self.last_activity(&state)))
    }

    fn last_activity(&self, state: &State) -> Instant {
        state.ring.newest().map_or(self.0.created.mono, |f| f.received.mono)
    }

    pub fn stats(&self, now: Moment) -> StreamStats {
        let state = self.state();
        let newest = state.ring.newest();
        let rate = state.rate.per_second(now.mono);
        StreamStats {
            name: self.0.name.clone(),
            epoch: self.0.epoch,
            created: self.0.created.wall,
            uptime: now.mono.saturating_duration_since(self.0.created.mono),
            last_frame: newest.map(|f| f.received.wall),
            inactive: now.mono.saturating_duration_since(self.last_activity(&state)),
            totals: state.totals_now(),
            demand: state.demand(),
            fps: rate.frames,
            bytes_per_sec: rate.bytes,
            buffered_frames: state.ring.len(),
            buffer_capacity: state.ring.limits.frames,
            buffered_bytes: state.ring.bytes,
            format: newest.map(|f| f.format),
            frame_bytes: newest.map(|f| f.payload.len()),
            newest_seq: state.ring.last_seq,
            claimed: state.holder.is_some(),
            on_demand: state.holder.as_ref().is_some_and(|h| h.on_demand),
            remarks: state.remarks.iter().copied().collect(),
        }
    }
}

/// A viewer of a derived stream, as its parent counts it. Dropping it takes it off the count.
#[derive(Debug)]
pub(crate) struct Guest(Stream);

impl Guest {
    fn welcome(parent: &Stream) -> Result<Self, SubscribeError> {
        let mut state = parent.state();
        parent.check_room(&state, Class::Viewer)?;
        state.guests += 1;
        let waiter = state.demand_waiter.take();
        drop(state);
        wake(waiter);
        Ok(Self(parent.clone()))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.guests -= 1;
        let waiter = state.demand_waiter.take();
        drop(state);
        wake(waiter);
    }
}

impl State {
    fn demand(&self) -> Demand {
        let mut demand = self.ring.demand();
        demand.viewers += self.guests;
        demand
    }

    fn holds(&self, id: HolderId) -> bool {
        self.holder.as_ref().is_some_and(|h| h.id == id)
    }

    fn check_claim(&self, name: &StreamName, claim: Claim, now: Instant) -> Result<(), ClaimError> {
        let Some(holder) = &self.holder else { return Ok(()) };
        let stale = !holder.source && now.saturating_duration_since(holder.last_active) >= STALE_CLAIM;
        if claim == Claim::TakeOver || stale {
            Ok(())
        } else {
            Err(ClaimError::Claimed { name: name.clone() })
        }
    }

    /// A one-shot publisher was let in when it claimed, so only a connection can have lost its place.
    fn check_holder(&self, name: &StreamName, holder: Option<HolderId>) -> Result<(), PublishError> {
        if let Some(reason) = self.ring.closed {
            return Err(PublishError::Closed { name: name.clone(), reason });
        }
        match holder {
            Some(id) if !self.holds(id) => Err(PublishError::TakenOver { name: name.clone() }),
            _ => Ok(()),
        }
    }

    fn totals_now(&self) -> Totals {
        let (served, skipped) = self.ring.viewers_served();
        let mut totals = self.totals;
        totals.served += served;
        totals.skipped += skipped;
        totals
    }
}
