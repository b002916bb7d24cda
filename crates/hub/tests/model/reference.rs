//! The naive hub: all pictures ever published, everyone who ever came, and the invariants said in plain loops.
//!
//! It is written from the letters in the crate's documentation (F, R, P, S, H) and not from its ring: nothing is
//! ever thrown away here, what a ring holds is worked out anew from the whole history. It makes no promise of speed.

use std::{
    task::Poll,
    time::{Duration, SystemTime},
};

use hub::{
    Claim, ClaimError, Class, Closed, Demand, Format, Limits, Moment, PublishError, Rule, STALE_CLAIM, Start,
    StreamName, StreamStats, SubscribeError, Totals,
};

#[derive(Debug, Clone, Copy)]
pub(crate) struct Picture {
    /// Unique over the whole run; the publisher's own number.
    pub(crate) serial: u64,
    pub(crate) bytes: usize,
    pub(crate) format: Format,
    pub(crate) received: Moment,
}

/// Someone who may wait, each time with another waker.
#[derive(Debug, Default)]
pub(crate) struct Waiter {
    waiting: bool,
    /// How often each waker must have been called by now.
    pub(crate) wakes: Vec<usize>,
}

impl Waiter {
    fn waits<T>(&mut self) -> Poll<T> {
        self.waiting = true;
        self.waits_for_ever()
    }

    fn waits_for_ever<T>(&mut self) -> Poll<T> {
        self.wakes.push(0);
        Poll::Pending
    }

    /// Only the last waker is called.
    fn wake(&mut self) {
        if let Some(last) = self.wakes.last_mut() {
            *last += usize::from(std::mem::take(&mut self.waiting));
        }
    }
}

#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) stream: usize,
    pub(crate) rule: Rule,
    class: Class,
    /// Number of the last frame taken or passed over.
    pub(crate) cursor: u64,
    /// Number of the frame that its decoder has.
    decoded: Option<u64>,
    taken: u64,
    skipped: u64,
    left: bool,
    pub(crate) waiter: Waiter,
}

#[derive(Debug)]
pub(crate) struct Publisher {
    pub(crate) stream: usize,
    shared: bool,
    pub(crate) waiter: Waiter,
}

#[derive(Debug)]
struct Holder {
    publisher: usize,
    last_active: Moment,
    source: bool,
    on_demand: bool,
}

#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) name: StreamName,
    pub(crate) epoch: u64,
    created: Moment,
    /// All that were ever published: number 1 is the first.
    pub(crate) pictures: Vec<Picture>,
    /// Number of the oldest frame in the ring.
    pub(crate) oldest_kept: u64,
    holder: Option<Holder>,
    rejected: u64,
    /// How it ended, and its counters at that time.
    pub(crate) ended: Option<(Closed, Totals)>,
}

impl Stream {
    pub(crate) fn last(&self) -> u64 {
        self.pictures.len() as u64
    }

    pub(crate) fn picture(&self, seq: u64) -> &Picture {
        &self.pictures[seq as usize - 1]
    }

    /// Numbers of the frames in the ring.
    pub(crate) fn kept(&self) -> std::ops::RangeInclusive<u64> {
        self.oldest_kept..=self.last()
    }

    pub(crate) fn kept_bytes(&self) -> usize {
        self.kept().map(|seq| self.picture(seq).bytes).sum()
    }

    fn is_key(&self, seq: u64) -> bool {
        self.picture(seq).format.key
    }

    fn newest_kept(&self) -> Option<&Picture> {
        self.kept().next_back().map(|seq| self.picture(seq))
    }
}

#[derive(Debug)]
pub(crate) struct Reference {
    limits: Limits,
    /// All that ever were, in the order of their epochs.
    pub(crate) streams: Vec<Stream>,
    pub(crate) readers: Vec<Reader>,
    pub(crate) publishers: Vec<Publisher>,
    pub(crate) watchers: Vec<(u64, Waiter)>,
    /// How often a stream came or went.
    version: u64,
    shutting_down: bool,
}

impl Reference {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            streams: Vec::new(),
            readers: Vec::new(),
            publishers: Vec::new(),
            watchers: Vec::new(),
            version: 0,
            shutting_down: false,
        }
    }

    // ---- the map (H) ----

    /// Indices of the live streams, oldest first.
    pub(crate) fn live(&self) -> Vec<usize> {
        (0..self.streams.len()).filter(|&i| self.streams[i].ended.is_none()).collect()
    }

    pub(crate) fn find(&self, name: &StreamName) -> Option<usize> {
        self.live().into_iter().find(|&i| self.streams[i].name == *name)
    }

    fn changed(&mut self) {
        self.version += 1;
        self.watchers.iter_mut().for_each(|(_, waiter)| waiter.wake());
    }

    pub(crate) fn watch(&mut self) -> usize {
        self.watchers.push((self.version, Waiter::default()));
        self.watchers.len() - 1
    }

    pub(crate) fn poll_changes(&mut self, watcher: usize) -> Poll<()> {
        let (seen, waiter) = &mut self.watchers[watcher];
        if *seen == self.version {
            return waiter.waits();
        }
        *seen = self.version;
        Poll::Ready(())
    }

    pub(crate) fn unwatch(&mut self, watcher: usize) {
        self.watchers[watcher].1.waiting = false;
    }

    fn end(&mut self, stream: usize, reason: Closed) {
        let totals = self.totals(stream);
        self.streams[stream].ended = Some((reason, totals));
        self.settle(stream);
        self.wake_readers(stream);
        self.wake_holder(stream);
    }

    pub(crate) fn remove(&mut self, name: &StreamName) -> bool {
        let Some(stream) = self.find(name) else { return false };
        self.end(stream, Closed::Deleted);
        self.changed();
        true
    }

    pub(crate) fn sweep(&mut self, timeout: Duration, now: Moment) -> Vec<StreamName> {
        let mut idle = self.live();
        idle.retain(|&i| {
            let stream = &self.streams[i];
            let fed_by_source = stream.holder.as_ref().is_some_and(|h| h.source);
            !fed_by_source && inactive(stream, now) >= timeout
        });
        idle.iter().for_each(|&i| self.end(i, Closed::Idle(timeout)));
        if !idle.is_empty() {
            self.changed();
        }
        let mut names: Vec<_> = idle.iter().map(|&i| self.streams[i].name.clone()).collect();
        names.sort();
        names
    }

    pub(crate) fn shut_down(&mut self) {
        self.shutting_down = true;
        self.live().into_iter().for_each(|i| self.end(i, Closed::ShuttingDown));
        self.changed();
    }

    // ---- publishing (P, F3) ----

    pub(crate) fn check_claim(&self, name: &StreamName, claim: Claim, now: Moment) -> Result<(), ClaimError> {
        let Some(stream) = self.find(name) else {
            return match self.live().len() {
                _ if self.shutting_down => Err(ClaimError::ShuttingDown),
                n if n >= self.limits.streams => Err(ClaimError::StreamLimit { limit: self.limits.streams }),
                _ => Ok(()),
            };
        };
        let Some(holder) = &self.streams[stream].holder else { return Ok(()) };
        let silent = now.mono - holder.last_active.mono;
        let stale = silent >= STALE_CLAIM && !holder.source;
        if stale || claim == Claim::TakeOver {
            return Ok(());
        }
        Err(ClaimError::Claimed { name: name.clone() })
    }

    pub(crate) fn claim(
        &mut self,
        name: &StreamName,
        claim: Claim,
        now: Moment,
    ) -> Result<usize, ClaimError> {
        self.check_claim(name, claim, now)?;
        let stream = match self.find(name) {
            Some(stream) => stream,
            None => self.create(name, now),
        };
        let publisher = self.publishers.len();
        let shared = claim == Claim::Shared;
        self.publishers.push(Publisher { stream, shared, waiter: Waiter::default() });
        if !shared {
            self.wake_holder(stream);
            let source = matches!(claim, Claim::Source | Claim::SteadySource);
            let holder = Holder { publisher, last_active: now, source, on_demand: claim == Claim::Source };
            self.streams[stream].holder = Some(holder);
        }
        Ok(publisher)
    }

    fn create(&mut self, name: &StreamName, now: Moment) -> usize {
        let stream = Stream {
            name: name.clone(),
            epoch: self.streams.len() as u64 + 1,
            created: now,
            pictures: Vec::new(),
            oldest_kept: 1,
            holder: None,
            rejected: 0,
            ended: None,
        };
        self.streams.push(stream);
        self.changed();
        self.streams.len() - 1
    }

    fn holds(&self, publisher: usize) -> bool {
        let stream = &self.streams[self.publishers[publisher].stream];
        stream.holder.as_ref().is_some_and(|h| h.publisher == publisher)
    }

    pub(crate) fn drop_publisher(&mut self, publisher: usize) {
        if self.holds(publisher) {
            self.streams[self.publishers[publisher].stream].holder = None;
        }
        self.publishers[publisher].waiter.waiting = false;
    }

    fn check_publisher(&self, publisher: usize) -> Result<(), PublishError> {
        let Publisher { stream, shared, .. } = self.publishers[publisher];
        let name = self.streams[stream].name.clone();
        match self.streams[stream].ended {
            Some((reason, _)) => Err(PublishError::Closed { name, reason }),
            None if shared || self.holds(publisher) => Ok(()),
            None => Err(PublishError::TakenOver { name }),
        }
    }

    pub(crate) fn publish(&mut self, publisher: usize, picture: Picture) -> Result<u64, PublishError> {
        self.check_publisher(publisher)?;
        let index = self.publishers[publisher].stream;
        let stream = &mut self.streams[index];
        if let Some(holder) = stream.holder.as_mut().filter(|h| h.publisher == publisher) {
            holder.last_active = picture.received;
        }
        stream.pictures.push(picture);
        let seq = stream.last();
        self.settle(index);
        self.wake_readers(index);
        Ok(seq)
    }

    pub(crate) fn reject(&mut self, stream: usize) {
        self.streams[stream].rejected += 1;
    }

    pub(crate) fn poll_demand(&mut self, publisher: usize, wanted: bool) -> Poll<Result<(), PublishError>> {
        if self.publishers[publisher].shared {
            let waiter = &mut self.publishers[publisher].waiter;
            return if wanted { Poll::Ready(Ok(())) } else { waiter.waits_for_ever() };
        }
        if let Err(error) = self.check_publisher(publisher) {
            return Poll::Ready(Err(error));
        }
        if self.demand(self.publishers[publisher].stream).is_wanted() == wanted {
            return Poll::Ready(Ok(()));
        }
        self.publishers[publisher].waiter.waits()
    }

    fn wake_holder(&mut self, stream: usize) {
        if let Some(holder) = &self.streams[stream].holder {
            self.publishers[holder.publisher].waiter.wake();
        }
    }

    // ---- the ring (R1) ----

    /// Readers of the stream that are here now.
    fn here(&self, stream: usize) -> impl Iterator<Item = &Reader> {
        self.readers.iter().filter(move |r| r.stream == stream && !r.left)
    }

    /// What falls out of the ring never comes back: it begins at the first frame that may stay.
    fn settle(&mut self, index: usize) {
        let stream = &self.streams[index];
        let nobody_can_come = stream.ended.is_some() && self.here(index).next().is_none();
        let first = match stream.kept().find(|&seq| self.may_stay(index, seq)) {
            Some(seq) if !nobody_can_come => seq,
            _ => stream.last() + 1,
        };
        self.streams[index].oldest_kept = first;
    }

    /// The newest always; another if it and all after it are within the count and the bytes, which are more for a
    /// frame that an in-order reader has not passed.
    fn may_stay(&self, index: usize, seq: u64) -> bool {
        let (stream, ring) = (&self.streams[index], self.limits.ring);
        let awaited = self.here(index).any(|r| r.rule == Rule::InOrder && r.cursor < seq);
        let (max_frames, max_bytes) = match awaited {
            true => (ring.backlog_frames.max(ring.frames), ring.backlog_bytes.max(ring.history_bytes)),
            false => (ring.frames, ring.history_bytes),
        };
        let bytes: usize = (seq..=stream.last()).map(|s| stream.picture(s).bytes).sum();
        let count = stream.last() + 1 - seq;
        seq == stream.last() || (count <= max_frames as u64 && bytes <= max_bytes)
    }

    // ---- reading (R4, S) ----

    pub(crate) fn subscribe(
        &mut self,
        index: usize,
        rule: Rule,
        class: Class,
        start: Start,
    ) -> Result<usize, SubscribeError> {
        let stream = &self.streams[index];
        let name = stream.name.clone();
        if let Some((reason, _)) = stream.ended {
            return Err(SubscribeError::Closed { name, reason });
        }
        let limit = self.limits.viewers_per_stream;
        if class == Class::Viewer && self.demand(index).viewers >= limit {
            return Err(SubscribeError::ViewerLimit { name, limit });
        }
        let mut keys = stream.kept().filter(|&seq| stream.is_key(seq));
        let (first_wanted, decoded) = match start {
            Start::After(0) if stream.last() == 0 => (Some(1), None),
            Start::After(seq) if seq <= stream.last() => (Some(seq + 1), (seq > 0).then_some(seq)),
            Start::Oldest => (keys.next(), None),
            Start::Newest | Start::After(_) => (keys.next_back(), None),
        };
        let cursor = first_wanted.map_or(stream.last(), |seq| seq - 1);
        let waiter = Waiter::default();
        let reader =
            Reader { stream: index, rule, class, cursor, decoded, taken: 0, skipped: 0, left: false, waiter };
        self.readers.push(reader);
        self.wake_holder(index);
        Ok(self.readers.len() - 1)
    }

    /// Number of the frame that the reader's rule names now.
    fn choice(&self, reader: &Reader) -> Option<u64> {
        let stream = &self.streams[reader.stream];
        let past: Vec<u64> = stream.kept().filter(|&seq| seq > reader.cursor).collect();
        let decodable = |seq: u64| stream.is_key(seq) || reader.decoded == Some(seq - 1);
        let next = past.first().copied().filter(|&seq| seq == reader.cursor + 1 && decodable(seq));
        let mut keys = past.iter().copied().filter(|&seq| stream.is_key(seq));
        match reader.rule {
            Rule::Latest => keys.next_back().or(next),
            Rule::InOrder => next.or(keys.next()),
        }
    }

    /// The frame's number, and how many were passed over.
    pub(crate) fn take(&mut self, reader: usize) -> Option<(u64, u64)> {
        let seq = self.choice(&self.readers[reader])?;
        let reader = &mut self.readers[reader];
        let skipped = seq - reader.cursor - 1;
        reader.cursor = seq;
        reader.decoded = Some(seq);
        reader.taken += 1;
        reader.skipped += skipped;
        Some((seq, skipped))
    }

    pub(crate) fn poll_recv(&mut self, reader: usize) -> Poll<Result<(u64, u64), Closed>> {
        if let Some(delivery) = self.take(reader) {
            return Poll::Ready(Ok(delivery));
        }
        match self.streams[self.readers[reader].stream].ended {
            Some((reason, _)) => Poll::Ready(Err(reason)),
            None => self.readers[reader].waiter.waits(),
        }
    }

    pub(crate) fn leave(&mut self, reader: usize) {
        self.readers[reader].left = true;
        self.readers[reader].waiter.waiting = false;
        let stream = self.readers[reader].stream;
        self.settle(stream);
        self.wake_holder(stream);
    }

    fn wake_readers(&mut self, stream: usize) {
        self.readers.iter_mut().filter(|r| r.stream == stream).for_each(|r| r.waiter.wake());
    }

    // ---- figures (S4, H4) ----

    pub(crate) fn demand(&self, stream: usize) -> Demand {
        let count = |class| self.here(stream).filter(|r| r.class == class).count();
        Demand { viewers: count(Class::Viewer), services: count(Class::Service) }
    }

    fn totals(&self, index: usize) -> Totals {
        let stream = &self.streams[index];
        let viewers = || self.readers.iter().filter(|r| r.stream == index && r.class == Class::Viewer);
        Totals {
            frames: stream.last(),
            bytes: stream.pictures.iter().map(|p| p.bytes as u64).sum(),
            rejected: stream.rejected,
            capture_times_ignored: 0,
            served: viewers().map(|r| r.taken).sum(),
            skipped: viewers().map(|r| r.skipped).sum(),
        }
    }

    /// Over all streams that ever were; ended ones as they stood.
    pub(crate) fn all_totals(&self) -> Totals {
        let each = |i: usize| self.streams[i].ended.map_or_else(|| self.totals(i), |(_, at_end)| at_end);
        (0..self.streams.len()).map(each).fold(Totals::default(), |sum, t| Totals {
            frames: sum.frames + t.frames,
            bytes: sum.bytes + t.bytes,
            rejected: sum.rejected + t.rejected,
            capture_times_ignored: 0,
            served: sum.served + t.served,
            skipped: sum.skipped + t.skipped,
        })
    }

    /// All but the rates, which have tests of their own.
    pub(crate) fn stats(&self, index: usize, now: Moment, rates: (f64, f64)) -> StreamStats {
        let stream = &self.streams[index];
        let newest = stream.newest_kept();
        StreamStats {
            name: stream.name.clone(),
            epoch: stream.epoch,
            created: stream.created.wall,
            uptime: now.mono - stream.created.mono,
            last_frame: newest.map(|p| -> SystemTime { p.received.wall }),
            inactive: inactive(stream, now),
            totals: self.totals(index),
            demand: self.demand(index),
            fps: rates.0,
            bytes_per_sec: rates.1,
            buffered_frames: stream.kept().count(),
            buffer_capacity: self.limits.ring.frames.max(1),
            buffered_bytes: stream.kept_bytes(),
            format: newest.map(|p| p.format),
            frame_bytes: newest.map(|p| p.bytes),
            newest_seq: stream.last(),
            claimed: stream.holder.is_some(),
            on_demand: stream.holder.as_ref().is_some_and(|h| h.on_demand),
            remarks: Vec::new(),
        }
    }
}

fn inactive(stream: &Stream, now: Moment) -> Duration {
    now.mono - stream.newest_kept().map_or(stream.created.mono, |p| p.received.mono)
}
