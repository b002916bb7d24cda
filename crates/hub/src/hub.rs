//! The map of live streams: making them, finding them, ending them.

use std::{
    collections::BTreeMap,
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use crate::{
    Claim, ClaimError, Closed, Derived, HubStats, Moment, Publisher, RingLimits, Stream, StreamName, Totals,
    sync::{Mutex, wake},
};

/// What bounds a hub (H5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub streams: usize,
    pub viewers_per_stream: usize,
    pub ring: RingLimits,
}

/// All live streams. Clones share it.
#[derive(Debug, Clone)]
pub struct Hub(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limits: Limits,
    /// Guards the map. Taken before a stream's lock, never after it (H3).
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    streams: BTreeMap<StreamName, Stream>,
    last_epoch: u64,
    /// Counters of the streams that have ended.
    retired: Totals,
    shutting_down: bool,
    /// Grows whenever a stream comes or goes, and at the shutdown.
    version: u64,
    watchers: BTreeMap<u64, Option<Waker>>,
    next_watcher: u64,
}

impl Hub {
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Shared { limits, state: Mutex::new(State::default()) }))
    }

    pub fn limits(&self) -> Limits {
        self.0.limits
    }

    // ---- publishing ----

    /// A publisher of the named stream, which is made if it is not there.
    pub fn publisher(&self, name: &StreamName, claim: Claim, now: Moment) -> Result<Publisher, ClaimError> {
        let mut state = self.0.state.lock();
        if let Some(stream) = state.streams.get(name) {
            let stream = stream.clone();
            let (holder, replaced) = stream.claim(claim, now)?;
            drop(state);
            wake(replaced);
            return Ok(Publisher { stream, holder });
        }
        self.check_room(&state)?;
        state.last_epoch += 1;
        let Limits { ring, viewers_per_stream, .. } = self.0.limits;
        let stream = Stream::new(name.clone(), state.last_epoch, ring, viewers_per_stream, None, now);
        let (holder, _replaced) = stream.claim(claim, now)?;
        state.streams.insert(name.clone(), stream.clone());
        let wakers = state.changed();
        drop(state);
        wake(wakers);
        Ok(Publisher { stream, holder })
    }

    /// A stream made of `parent`'s frames, which is not in the map: it keeps its newest frame alone, and counts no
    /// viewers of its own towards a limit, only its parent's.
    pub fn derive(&self, parent: &Stream, now: Moment) -> Result<Derived, ClaimError> {
        let epoch = {
            let mut state = self.0.state.lock();
            if state.shutting_down {
                return Err(ClaimError::ShuttingDown);
            }
            state.last_epoch += 1;
            state.last_epoch
        };
        let newest_only = RingLimits { frames: 1, history_bytes: 0, backlog_frames: 1, backlog_bytes: 0 };
        let stream =
            Stream::new(parent.name().clone(), epoch, newest_only, usize::MAX, Some(parent.clone()), now);
        let (holder, _replaced) = stream.claim(Claim::Source, now)?;
        Ok(Derived { publisher: Publisher { stream, holder }, parent: parent.clone() })
    }

    /// Whether [`publisher`](Self::publisher) would succeed now, without making or claiming anything: lets a
    /// connection be refused before it has sent its first frame.
    pub fn check_claim(&self, name: &StreamName, claim: Claim, now: Moment) -> Result<(), ClaimError> {
        let state = self.0.state.lock();
        match state.streams.get(name) {
            Some(stream) => stream.check_claim(claim, now),
            None => self.check_room(&state),
        }
    }

    fn check_room(&self, state: &State) -> Result<(), ClaimError> {
        if state.shutting_down {
            return Err(ClaimError::ShuttingDown);
        }
        let limit = self.0.limits.streams;
        if state.streams.len() >= limit { Err(ClaimError::StreamLimit { limit }) } else { Ok(()) }
    }

    // ---- finding ----

    pub fn stream(&self, name: &StreamName) -> Option<Stream> {
        self.0.state.lock().streams.get(name).cloned()
    }

    /// In the order of their names.
    pub fn streams(&self) -> Vec<Stream> {
        self.0.state.lock().streams.values().cloned().collect()
    }

    pub fn len(&self) -> usize {
        self.0.state.lock().streams.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The stream that was made first of those that live and whose name `fits`.
    pub fn oldest_of(&self, fits: impl Fn(&StreamName) -> bool) -> Option<Stream> {
        // `fits` is called outside the lock.
        self.streams().into_iter().filter(|stream| fits(stream.name())).min_by_key(Stream::epoch)
    }

    pub fn stats(&self, now: Moment) -> HubStats {
        let (streams, mut totals) = {
            let state = self.0.state.lock();
            (state.streams.values().cloned().collect::<Vec<_>>(), state.retired)
        };
        let streams: Vec<_> = streams.iter().map(|s| s.stats(now)).collect();
        for stream in &streams {
            totals.add(stream.totals);
        }
        HubStats { streams, totals }
    }

    /// A handle that reports when streams come and go, and the shutdown.
    pub fn changes(&self) -> Changes {
        let mut state = self.0.state.lock();
        state.next_watcher += 1;
        let id = state.next_watcher;
        state.watchers.insert(id, None);
        Changes { hub: self.clone(), id, seen: state.version }
    }

    // ---- ending ----

    /// Ends a stream: its readers get the reason, its memory is freed. False if there is none of that name.
    pub fn remove(&self, name: &StreamName) -> bool {
        self.end(Closed::Deleted, |stream| stream.name() == name) == [name.clone()]
    }

    /// Ends the streams to which nothing has come for `timeout`, and names them.
    pub fn sweep(&self, timeout: Duration, now: Moment) -> Vec<StreamName> {
        let is_idle = |stream: &Stream| stream.idle_for(now.mono).is_some_and(|idle| idle >= timeout);
        self.end(Closed::Idle(timeout), is_idle)
    }

    /// Ends all streams and refuses new ones. Those who wait for [`Changes`] are woken, even if there was no stream.
    pub fn shut_down(&self) {
        self.end(Closed::ShuttingDown, |_| true);
    }

    pub fn is_shut_down(&self) -> bool {
        self.0.state.lock().shutting_down
    }

    fn end(&self, reason: Closed, which: impl Fn(&Stream) -> bool) -> Vec<StreamName> {
        let mut state = self.0.state.lock();
        let shutting_down = reason == Closed::ShuttingDown;
        state.shutting_down |= shutting_down;
        let ended: Vec<Stream> = state.streams.values().filter(|s| which(s)).cloned().collect();
        if ended.is_empty() && !shutting_down {
            return Vec::new();
        }
        let mut aftermaths = Vec::with_capacity(ended.len());
        for stream in &ended {
            state.streams.remove(stream.name());
            let (totals, aftermath) = stream.close(reason);
            state.retired.add(totals);
            aftermaths.push(aftermath);
        }
        let wakers = state.changed();
        drop(state);
        for aftermath in aftermaths {
            aftermath.wake();
        }
        wake(wakers);
        ended.iter().map(|s| s.name().clone()).collect()
    }
}

impl State {
    /// Notes that the map changed; gives the wakers to be called after unlocking.
    fn changed(&mut self) -> Vec<Waker> {
        self.version += 1;
        self.watchers.values_mut().filter_map(Option::take).collect()
    }
}

/// Waits for streams to come and go. Dropping it ends the watch.
#[derive(Debug)]
pub struct Changes {
    hub: Hub,
    id: u64,
    seen: u64,
}

impl Changes {
    /// Returns when a stream has come or gone, or the hub has shut down, since the last call or since the handle was
    /// made.
    pub async fn changed(&mut self) {
        poll_fn(|cx| self.poll_changed(cx)).await;
    }

    pub fn poll_changed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        let mut state = self.hub.0.state.lock();
        if state.version != self.seen {
            self.seen = state.version;
            return Poll::Ready(());
        }
        let _old = state.watchers.insert(self.id, Some(waker));
        drop(state);
        Poll::Pending
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        let _waker = self.hub.0.state.lock().watchers.remove(&self.id);
    }
}
