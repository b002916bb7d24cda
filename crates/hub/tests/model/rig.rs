//! Does each step to the real hub and to the reference, and compares all that can be seen from outside.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    task::Poll,
};

use bytes::Bytes;
use hub::{
    CaptureTime, Changes, Claim, ClaimError, Closed, Codec, Delivery, Format, Hub, NewFrame, PublishError,
    Publisher, Rule, STALE_CLAIM, Start, Stream, StreamName, SubscribeError,
};

use crate::{
    handles::{Alive, Payload, Real, RealReader},
    ops::{From, NAMES, Op, Pictures, Setup},
    reference::{Picture, Reference},
    support::{Clock, name, poll_once},
};

/// What has happened, by name: shows that the sequences reach what they are meant to test.
pub(crate) type Seen = BTreeMap<&'static str, usize>;

pub(crate) struct Rig {
    setup: Setup,
    clock: Clock,
    hub: Hub,
    reference: Reference,
    /// Handles on all streams that ever were, by the reference's index.
    streams: Vec<Stream>,
    publishers: Vec<Real<Publisher>>,
    readers: Vec<RealReader>,
    watchers: Vec<Real<Changes>>,
    alive: Alive,
    next_serial: u64,
    seen: Seen,
}

impl Rig {
    pub(crate) fn new(setup: Setup) -> Self {
        Self {
            setup,
            clock: Clock::new(),
            hub: Hub::new(setup.limits),
            reference: Reference::new(setup.limits),
            streams: Vec::new(),
            publishers: Vec::new(),
            readers: Vec::new(),
            watchers: Vec::new(),
            alive: Alive::default(),
            next_serial: 0,
            seen: Seen::new(),
        }
    }

    fn saw(&mut self, event: &'static str) {
        *self.seen.entry(event).or_default() += 1;
    }

    fn saw_if(&mut self, it_was: bool, event: &'static str) {
        if it_was {
            self.saw(event);
        }
    }

    pub(crate) fn step(&mut self, op: Op) {
        let wakes_before = self.expected_wakes();
        match op {
            Op::Claim { name, claim } => self.claim(&stream_name(name), claim),
            Op::Publish { publisher, key, jpeg, bytes } => self.publish(publisher, key, jpeg, bytes),
            Op::DropPublisher { publisher } => self.drop_publisher(publisher),
            Op::AwaitDemand { publisher, wanted } => self.await_demand(publisher, wanted),
            Op::Reject { stream } => self.reject(stream),
            Op::Subscribe { stream, rule, class, start } => {
                if let Some(stream) = pick_young(stream, self.streams.len()) {
                    self.subscribe(stream, rule, class, start);
                }
            }
            Op::TryRecv { reader } => self.try_recv(reader),
            Op::Recv { reader } => self.recv(reader),
            Op::DropReader { reader } => self.drop_reader(reader),
            Op::Watch => self.watchers.push(Real::new(self.hub.changes(), self.reference.watch())),
            Op::AwaitChanges { watcher } => self.await_changes(watcher),
            Op::DropWatcher { watcher } => self.drop_watcher(watcher),
            Op::Advance { by } => self.clock.advance(by),
            Op::Remove { name } => {
                let name = stream_name(name);
                assert_eq!(self.hub.remove(&name), self.reference.remove(&name));
            }
            Op::Sweep { timeout } => {
                let swept = self.hub.sweep(timeout, self.clock.now());
                assert_eq!(swept, self.reference.sweep(timeout, self.clock.now()));
                self.saw_if(!swept.is_empty(), "idle streams swept");
            }
            Op::ShutDown => {
                self.hub.shut_down();
                self.reference.shut_down();
            }
        }
        self.note_wakes(op, wakes_before);
        self.check();
    }

    // ---- publishing ----

    fn claim(&mut self, name: &StreamName, claim: Claim) {
        let now = self.clock.now();
        let held = self.reference.find(name).is_some_and(|i| self.streams[i].stats(now).claimed);
        let real = self.hub.publisher(name, claim, now);
        let expected = self.reference.claim(name, claim, now);
        let (publisher, id) = match (real, expected) {
            (Ok(publisher), Ok(id)) => (publisher, id),
            (real, expected) => {
                let refused = real.map(|_| ()).unwrap_err();
                self.saw(match refused {
                    ClaimError::Claimed { .. } => "claim refused: claimed",
                    ClaimError::StreamLimit { .. } => "claim refused: stream limit",
                    _ => "claim refused: shutting down",
                });
                assert_eq!(Err(refused), expected.map(|_| ()));
                return;
            }
        };
        if self.reference.publishers[id].stream == self.streams.len() {
            let known = self.streams.iter().any(|s| s.name() == name);
            self.saw_if(known, "a stream re-created");
            self.streams.push(publisher.stream().clone());
        }
        self.saw_if(held && claim == Claim::TakeOver, "a stream taken over");
        self.saw_if(held && claim == Claim::Shared, "a one-shot publisher beside a stale claim");
        self.saw_if(held && !matches!(claim, Claim::Shared | Claim::TakeOver), "a stale claim given away");
        self.publishers.push(Real::new(publisher, id));
    }

    fn publish(&mut self, publisher: usize, key: bool, jpeg: bool, bytes: usize) {
        let Some(i) = pick_young(publisher, self.publishers.len()) else { return };
        let is_jpeg = match self.setup.codec {
            Pictures::Jpeg => true,
            Pictures::H264 => false,
            Pictures::Both => jpeg,
        };
        let h264 = Format { codec: Codec::H264, width: 64, height: 48, key };
        let format = if is_jpeg { Format::jpeg(64, 48) } else { h264 };
        let serial = self.next_serial;
        self.next_serial += 1;
        let picture = Picture { serial, bytes, format, received: self.clock.now() };
        let id = self.publishers[i].id;
        let stream = self.reference.publishers[id].stream;
        let oldest_before = self.reference.streams[stream].oldest_kept;

        let real = self.publishers[i].handle.publish(self.new_frame(picture), self.clock.now());
        match (real, self.reference.publish(id, picture)) {
            (Ok(frame), Ok(seq)) => self.check_frame(&frame, stream, seq),
            (real, expected) => {
                let refused = real.map(|_| ()).unwrap_err();
                self.saw(match refused {
                    PublishError::TakenOver { .. } => "publishing refused: taken over",
                    _ => "publishing refused: closed",
                });
                assert_eq!(Err(refused), expected.map(|_| ()));
                return;
            }
        }
        let stream = &self.reference.streams[stream];
        let over_history = stream.kept_bytes() > self.setup.limits.ring.history_bytes;
        let (several, evicted) = (stream.kept().count() > 1, stream.oldest_kept > oldest_before);
        self.saw_if(over_history && several, "a backlog kept");
        self.saw_if(over_history && several && evicted, "a backlog cut");
        self.saw_if(over_history && !several, "a newest frame larger than the ring");
    }

    fn new_frame(&self, picture: Picture) -> NewFrame {
        let Picture { serial, bytes, format, .. } = picture;
        self.alive.lock().unwrap().insert(serial);
        let payload = Payload { serial, bytes: vec![serial as u8; bytes], alive: Arc::clone(&self.alive) };
        NewFrame {
            payload: Bytes::from_owner(payload),
            format,
            captured: CaptureTime::from_unix_secs(1.6e9 + serial as f64),
            source_seq: Some(serial),
            metadata: Some(serial.to_string().into()),
        }
    }

    fn drop_publisher(&mut self, publisher: usize) {
        let Some(i) = pick(publisher, self.publishers.len()) else { return };
        let publisher = self.publishers.remove(i);
        self.reference.drop_publisher(publisher.id);
        publisher.leave();
    }

    fn await_demand(&mut self, publisher: usize, wanted: bool) {
        let Some(i) = pick_young(publisher, self.publishers.len()) else { return };
        let publisher = &mut self.publishers[i];
        let real = publisher.poll(|publisher, waker| match wanted {
            true => poll_once(publisher.wanted(), waker),
            false => poll_once(publisher.unwanted(), waker),
        });
        assert_eq!(real, self.reference.poll_demand(publisher.id, wanted));
    }

    fn reject(&mut self, stream: usize) {
        // A stream that has ended is not counted any more, and its owner has no business with it.
        let live = self.reference.live();
        let Some(i) = pick(stream, live.len()) else { return };
        self.streams[live[i]].count_rejected();
        self.reference.reject(live[i]);
    }

    // ---- reading ----

    fn subscribe(&mut self, stream: usize, rule: Rule, class: hub::Class, start: From) {
        let last = self.reference.streams[stream].last();
        let start = match start {
            From::Newest => Start::Newest,
            From::Oldest => Start::Oldest,
            From::Before(n) => Start::After(last.saturating_sub(n)),
            From::Ahead(n) => Start::After(last + n),
        };
        let real = self.streams[stream].subscribe(rule, class, start);
        let (subscriber, id) = match (real, self.reference.subscribe(stream, rule, class, start)) {
            (Ok(subscriber), Ok(id)) => (subscriber, id),
            (real, expected) => {
                let refused = real.map(|_| ()).unwrap_err();
                self.saw(match refused {
                    SubscribeError::ViewerLimit { .. } => "subscribing refused: viewer limit",
                    _ => "subscribing refused: closed",
                });
                assert_eq!(Err(refused), expected.map(|_| ()));
                return;
            }
        };
        // Who says that it has a frame has decoded it.
        let decoded = match start {
            Start::After(seq) if (1..=last).contains(&seq) => Some(seq),
            _ => None,
        };
        let came_after = self.reference.readers[id].cursor;
        let real = Real::new(subscriber, id);
        self.readers.push(RealReader { real, decoded, came_after, taken_and_skipped: 0 });
    }

    fn try_recv(&mut self, reader: usize) {
        let Some(i) = pick(reader, self.readers.len()) else { return };
        let real = self.readers[i].real.handle.try_recv();
        let expected = self.reference.take(self.readers[i].real.id);
        assert_eq!(real.as_ref().map(|d| (d.frame.seq, d.skipped)), expected);
        match real {
            Some(delivery) => self.received(i, &delivery),
            None => self.received_nothing(i),
        }
    }

    fn recv(&mut self, reader: usize) {
        let Some(i) = pick(reader, self.readers.len()) else { return };
        let reader = &mut self.readers[i].real;
        let real = reader.poll(|reader, waker| poll_once(reader.recv(), waker));
        let expected = self.reference.poll_recv(reader.id);
        let in_short = match &real {
            Poll::Ready(Ok(delivery)) => Poll::Ready(Ok((delivery.frame.seq, delivery.skipped))),
            Poll::Ready(Err(reason)) => Poll::Ready(Err(*reason)),
            Poll::Pending => Poll::Pending,
        };
        assert_eq!(in_short, expected);
        match real {
            Poll::Ready(Ok(delivery)) => self.received(i, &delivery),
            Poll::Ready(Err(reason)) => self.saw(match reason {
                Closed::Deleted => "the end told: deleted",
                Closed::Idle(_) => "the end told: idle",
                _ => "the end told: shutting down",
            }),
            Poll::Pending => self.received_nothing(i),
        }
    }

    /// Checks a delivery by what its reader knows, without the reference's choice: it can decode the frame, and
    /// taken + skipped = published since it came.
    fn received(&mut self, reader: usize, delivery: &Delivery) {
        let Delivery { frame, skipped } = delivery;
        let RealReader { real, decoded, came_after, taken_and_skipped } = &mut self.readers[reader];
        assert!(frame.format.key || *decoded == Some(frame.seq - 1), "undecodable: {frame:?}");
        *decoded = Some(frame.seq);
        *taken_and_skipped += 1 + skipped;
        assert_eq!(*taken_and_skipped, frame.seq - *came_after);
        let model = &self.reference.readers[real.id];
        let (stream, in_order) = (model.stream, model.rule == Rule::InOrder);
        self.check_frame(frame, stream, frame.seq);
        self.saw_if(!frame.format.key, "a delta frame delivered");
        self.saw_if(in_order && *skipped > 0, "an in-order reader lost frames");
        self.saw_if(!in_order && *skipped > 0, "a latest reader skipped frames");
        self.saw_if(self.reference.streams[stream].ended.is_some(), "a frame delivered after the end");
    }

    fn received_nothing(&mut self, reader: usize) {
        let model = &self.reference.readers[self.readers[reader].real.id];
        let behind = model.cursor < self.reference.streams[model.stream].last();
        self.saw_if(behind, "a frame withheld that could not be decoded");
    }

    fn drop_reader(&mut self, reader: usize) {
        let Some(i) = pick(reader, self.readers.len()) else { return };
        let reader = self.readers.remove(i).real;
        let stream = self.reference.readers[reader.id].stream;
        let oldest_before = self.reference.streams[stream].oldest_kept;
        self.reference.leave(reader.id);
        reader.leave();
        let freed = self.reference.streams[stream].oldest_kept > oldest_before;
        self.saw_if(freed, "a reader's leaving freed frames");
    }

    // ---- the map ----

    fn await_changes(&mut self, watcher: usize) {
        let Some(i) = pick(watcher, self.watchers.len()) else { return };
        let watcher = &mut self.watchers[i];
        let real = watcher.poll(|changes, waker| poll_once(changes.changed(), waker));
        assert_eq!(real, self.reference.poll_changes(watcher.id));
    }

    fn drop_watcher(&mut self, watcher: usize) {
        let Some(i) = pick(watcher, self.watchers.len()) else { return };
        let watcher = self.watchers.remove(i);
        self.reference.unwatch(watcher.id);
        watcher.leave();
    }

    // ---- comparing ----

    fn check_frame(&self, frame: &hub::Frame, stream: usize, seq: u64) {
        let picture = self.reference.streams[stream].picture(seq);
        let serial = picture.serial;
        assert_eq!((frame.seq, frame.source_seq), (seq, Some(serial)));
        assert_eq!((frame.format, frame.received), (picture.format, picture.received));
        assert_eq!(frame.captured, CaptureTime::from_unix_secs(1.6e9 + serial as f64));
        assert_eq!(frame.metadata.as_deref(), Some(serial.to_string().as_str()));
        assert_eq!(frame.payload, vec![serial as u8; picture.bytes]);
    }

    fn check(&self) {
        self.check_map();
        self.check_stats();
        self.check_wakes();
        let kept = self.reference.streams.iter().flat_map(|s| s.kept().map(|seq| s.picture(seq).serial));
        assert_eq!(*self.alive.lock().unwrap(), kept.collect(), "payloads in memory");
    }

    fn check_map(&self) {
        let now = self.clock.now();
        let live = self.reference.live();
        assert_eq!((self.hub.len(), self.hub.is_empty()), (live.len(), live.is_empty()));
        let epoch_of = |i: &usize| self.reference.streams[*i].epoch;
        assert_eq!(self.hub.oldest_of(|_| true).map(|s| s.epoch()), live.first().map(epoch_of));
        for name in NAMES.map(name) {
            let expected = self.reference.find(&name);
            assert_eq!(self.hub.stream(&name).map(|s| s.epoch()), expected.as_ref().map(epoch_of));
            for claim in
                [Claim::Shared, Claim::Exclusive, Claim::TakeOver, Claim::Source, Claim::SteadySource]
            {
                let verdict = self.hub.check_claim(&name, claim, now);
                assert_eq!(verdict, self.reference.check_claim(&name, claim, now));
            }
        }
    }

    fn check_stats(&self) {
        let now = self.clock.now();
        for (i, stream) in self.streams.iter().enumerate() {
            let stats = stream.stats(now);
            let rates = (stats.fps, stats.bytes_per_sec);
            assert_eq!(stats, self.reference.stats(i, now, rates));
            let model = &self.reference.streams[i];
            let newest = model.kept().next_back();
            assert_eq!(stream.newest().map(|f| f.seq), newest);
            assert_eq!(stream.demand(), self.reference.demand(i));
        }
        let all = self.hub.stats(now);
        assert_eq!(all.totals, self.reference.all_totals());
        let expected: BTreeMap<_, _> =
            self.reference.live().into_iter().map(|i| (self.streams[i].name(), i)).collect();
        let listed: Vec<_> = all.streams.iter().map(|s| (&s.name, s.epoch)).collect();
        let expected: Vec<_> = expected.iter().map(|(name, i)| (*name, self.streams[*i].epoch())).collect();
        assert_eq!(listed, expected, "in the order of their names");
    }

    fn check_wakes(&self) {
        let Reference { readers, publishers, watchers, .. } = &self.reference;
        self.readers.iter().for_each(|r| r.real.check_wakes(&readers[r.real.id].waiter));
        self.publishers.iter().for_each(|p| p.check_wakes(&publishers[p.id].waiter));
        self.watchers.iter().for_each(|w| w.check_wakes(&watchers[w.id].1));
    }

    /// Of readers, publishers and watchers.
    fn expected_wakes(&self) -> [usize; 3] {
        let Reference { readers, publishers, watchers, .. } = &self.reference;
        [
            readers.iter().flat_map(|r| &r.waiter.wakes).sum(),
            publishers.iter().flat_map(|p| &p.waiter.wakes).sum(),
            watchers.iter().flat_map(|w| &w.1.wakes).sum(),
        ]
    }

    fn note_wakes(&mut self, op: Op, before: [usize; 3]) {
        let [readers, publishers, watchers] = self.expected_wakes();
        let ending = matches!(op, Op::Remove { .. } | Op::Sweep { .. } | Op::ShutDown);
        let woken = readers > before[0];
        self.saw_if(woken && !ending, "a reader woken by a frame");
        self.saw_if(woken && ending, "a reader woken by the end");
        let woken = publishers > before[1];
        let by_reader = matches!(op, Op::Subscribe { .. } | Op::DropReader { .. });
        self.saw_if(woken && by_reader, "a publisher woken by demand");
        self.saw_if(woken && ending, "a publisher woken by the end");
        self.saw_if(woken && matches!(op, Op::Claim { .. }), "a publisher woken by its loss");
        self.saw_if(watchers > before[2], "a watcher woken");
    }

    /// Lets everyone go, in which nothing may stay behind but the rings of the live streams, and then those.
    pub(crate) fn finish(mut self) -> Seen {
        while !self.readers.is_empty() {
            self.drop_reader(0);
            self.check();
        }
        while !self.publishers.is_empty() {
            self.drop_publisher(0);
        }
        self.check();
        self.clock.advance(STALE_CLAIM * 100);
        let now = self.clock.now();
        assert_eq!(self.hub.sweep(STALE_CLAIM, now), self.reference.sweep(STALE_CLAIM, now));
        assert!(self.hub.is_empty(), "without a publisher every stream is idle at last");
        self.check();
        assert_eq!(*self.alive.lock().unwrap(), BTreeSet::new());
        self.seen
    }
}

fn stream_name(index: usize) -> StreamName {
    name(NAMES[index])
}

fn pick(number: usize, len: usize) -> Option<usize> {
    (len > 0).then(|| number % len)
}

/// One of the youngest, so that most steps meet a live one.
fn pick_young(number: usize, len: usize) -> Option<usize> {
    (len > 0).then(|| len - 1 - number % len.min(3))
}
