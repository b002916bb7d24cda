//! The loom models: every interleaving of a few threads at a hub.
//!
//! Stress tests stay green over a lost wake-up; loom does not. A model in which a waiting future is never woken
//! dead-locks, and loom says so. Run them with
//! `RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=target/loom cargo test -p framehub-hub --test loom --release`.

#![cfg(loom)]
#![allow(clippy::unwrap_used)]

use std::{
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    task::{Context, Poll, Wake, Waker},
};

use bytes::Bytes;
use hub::{
    Claim, Class, Closed, Delivery, Demand, Format, Hub, Limits, Moment, NewFrame, PublishError, Publisher,
    RingLimits, Rule, Start, Stream, StreamName, Subscriber,
};
use loom::{future::block_on, model::Builder, thread};

const LIMITS: Limits = Limits {
    streams: 4,
    viewers_per_stream: 4,
    ring: RingLimits { frames: 4, history_bytes: 100, backlog_frames: 4, backlog_bytes: 100 },
};

/// All interleavings, unless `LOOM_MAX_PREEMPTIONS` says otherwise.
fn explore(model: impl Fn() + Send + Sync + 'static) {
    Builder::new().check(model);
}

/// For models of three busy threads, which else take minutes: those with at most three preemptions. Lost wake-ups
/// need fewer.
fn explore_in_part(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound.get_or_insert(3);
    builder.check(model);
}

/// The same moment throughout: time plays no part here.
fn now() -> Moment {
    static NOW: OnceLock<Moment> = OnceLock::new();
    *NOW.get_or_init(Moment::now)
}

fn cam() -> StreamName {
    "cam".parse().unwrap()
}

fn jpeg() -> NewFrame {
    NewFrame::new(Bytes::from_static(b"jpeg"), Format::jpeg(1, 1))
}

fn claim(hub: &Hub, claim: Claim) -> Publisher {
    hub.publisher(&cam(), claim, now()).unwrap()
}

fn subscribe(publisher: &Publisher, rule: Rule) -> Subscriber {
    publisher.stream().subscribe(rule, Class::Viewer, Start::Newest).unwrap()
}

fn receive(reader: &mut Subscriber) -> Result<u64, Closed> {
    block_on(reader.recv()).map(|delivery| delivery.frame.seq)
}

/// Reads to the end: the frames' numbers, and how it ended. Nothing is lost without being counted.
fn read_all(reader: &mut Subscriber) -> (Vec<u64>, Closed) {
    let (mut seqs, mut counted) = (Vec::new(), 0);
    loop {
        match block_on(reader.recv()) {
            Ok(Delivery { frame, skipped }) => {
                counted += 1 + skipped;
                assert_eq!(counted, frame.seq);
                seqs.push(frame.seq);
            }
            Err(reason) => return (seqs, reason),
        }
    }
}

// ---- readers ----

#[test]
fn a_waiting_reader_gets_the_frame() {
    explore(|| {
        let publisher = claim(&Hub::new(LIMITS), Claim::Exclusive);
        let mut reader = subscribe(&publisher, Rule::Latest);
        let reading = thread::spawn(move || receive(&mut reader));
        publisher.publish(jpeg(), now()).unwrap();
        assert_eq!(reading.join().unwrap(), Ok(1));
    });
}

#[test]
fn two_readers_get_what_their_rules_promise() {
    explore_in_part(|| {
        let publisher = claim(&Hub::new(LIMITS), Claim::Exclusive);
        let mut latest = subscribe(&publisher, Rule::Latest);
        let mut in_order = subscribe(&publisher, Rule::InOrder);
        let latest = thread::spawn(move || while receive(&mut latest).unwrap() < 2 {});
        let in_order = thread::spawn(move || [receive(&mut in_order), receive(&mut in_order)]);
        publisher.publish(jpeg(), now()).unwrap();
        publisher.publish(jpeg(), now()).unwrap();
        latest.join().unwrap();
        assert_eq!(in_order.join().unwrap(), [Ok(1), Ok(2)]);
    });
}

#[test]
fn a_reader_that_comes_while_a_frame_is_published_gets_it() {
    explore(|| {
        let publisher = claim(&Hub::new(LIMITS), Claim::Exclusive);
        let stream = publisher.stream().clone();
        let reading = thread::spawn(move || {
            let mut reader = stream.subscribe(Rule::Latest, Class::Viewer, Start::Newest).unwrap();
            receive(&mut reader)
        });
        publisher.publish(jpeg(), now()).unwrap();
        assert_eq!(reading.join().unwrap(), Ok(1));
    });
}

#[test]
fn a_reader_that_leaves_takes_no_other_readers_frame() {
    explore_in_part(|| {
        let publisher = claim(&Hub::new(LIMITS), Claim::Exclusive);
        let leaving = subscribe(&publisher, Rule::Latest);
        let mut staying = subscribe(&publisher, Rule::Latest);
        let stream = publisher.stream().clone();
        let coming_and_going = thread::spawn(move || {
            drop(leaving);
            // Takes over the place of the one that left.
            let mut coming = stream.subscribe(Rule::Latest, Class::Viewer, Start::Newest).unwrap();
            receive(&mut coming)
        });
        let staying = thread::spawn(move || receive(&mut staying));
        publisher.publish(jpeg(), now()).unwrap();
        assert_eq!(staying.join().unwrap(), Ok(1));
        assert_eq!(coming_and_going.join().unwrap(), Ok(1));
        assert_eq!(publisher.demand().viewers, 0);
        assert_eq!(publisher.stream().stats(now()).totals.served, 2);
    });
}

#[test]
fn a_reader_whose_wait_was_cancelled_gets_the_frame() {
    explore(|| {
        let publisher = claim(&Hub::new(LIMITS), Claim::Exclusive);
        let mut reader = subscribe(&publisher, Rule::Latest);
        let reading =
            thread::spawn(move || match reader.poll_recv(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(delivery) => delivery.map(|d| d.frame.seq),
                Poll::Pending => receive(&mut reader),
            });
        publisher.publish(jpeg(), now()).unwrap();
        assert_eq!(reading.join().unwrap(), Ok(1));
    });
}

#[test]
fn two_viewers_cannot_both_have_the_last_place() {
    explore(|| {
        let publisher = claim(&Hub::new(Limits { viewers_per_stream: 1, ..LIMITS }), Claim::Exclusive);
        let come = |stream: Stream| stream.subscribe(Rule::Latest, Class::Viewer, Start::Newest);
        let stream = publisher.stream().clone();
        let theirs = thread::spawn(move || come(stream));
        let mine = come(publisher.stream().clone());
        let theirs = theirs.join().unwrap();
        assert_eq!(u8::from(mine.is_ok()) + u8::from(theirs.is_ok()), 1);
    });
}

// ---- publishers ----

#[test]
fn one_shot_publishers_number_their_frames_without_holes() {
    explore(|| {
        let hub = Hub::new(LIMITS);
        let first = claim(&hub, Claim::Shared);
        let mut reader = subscribe(&first, Rule::InOrder);
        let others = hub.clone();
        let second = thread::spawn(move || claim(&others, Claim::Shared).publish(jpeg(), now()).unwrap().seq);
        let reading = thread::spawn(move || [receive(&mut reader), receive(&mut reader)]);
        let mut seqs = [first.publish(jpeg(), now()).unwrap().seq, second.join().unwrap()];
        seqs.sort_unstable();
        assert_eq!(seqs, [1, 2]);
        assert_eq!(reading.join().unwrap(), [Ok(1), Ok(2)]);
    });
}

#[test]
fn two_connections_that_make_a_stream_make_one_and_one_holds_it() {
    explore(|| {
        let hub = Hub::new(LIMITS);
        let other = hub.clone();
        let theirs = thread::spawn(move || other.publisher(&cam(), Claim::Exclusive, now()));
        let mine = hub.publisher(&cam(), Claim::Exclusive, now());
        let theirs = theirs.join().unwrap();
        assert_eq!(u8::from(mine.is_ok()) + u8::from(theirs.is_ok()), 1);
        assert_eq!(hub.stream(&cam()).map(|stream| stream.epoch()), Some(1));
    });
}

#[test]
fn who_is_taken_over_publishes_no_more_and_gives_nothing_away() {
    explore(|| {
        let hub = Hub::new(LIMITS);
        let old = claim(&hub, Claim::Exclusive);
        let mut reader = subscribe(&old, Rule::InOrder);
        let losing = thread::spawn(move || old.publish(jpeg(), now()).map(|frame| frame.seq));
        let new = claim(&hub, Claim::TakeOver);
        let newer = new.publish(jpeg(), now()).unwrap().seq;
        let first = receive(&mut reader);
        match losing.join().unwrap() {
            Ok(older) => assert_eq!((older, newer, first, receive(&mut reader)), (1, 2, Ok(1), Ok(2))),
            Err(lost) => {
                assert_eq!(lost, PublishError::TakenOver { name: cam() });
                assert_eq!((newer, first), (1, Ok(1)));
            }
        }
        assert!(new.stream().stats(now()).claimed);
    });
}

// ---- demand ----

#[test]
fn a_publisher_learns_that_it_is_wanted() {
    explore(|| {
        let publisher = claim(&Hub::new(LIMITS), Claim::Source);
        let stream = publisher.stream().clone();
        let waiting = thread::spawn(move || block_on(publisher.wanted()));
        let _reader = stream.subscribe(Rule::Latest, Class::Service, Start::Newest).unwrap();
        assert_eq!(waiting.join().unwrap(), Ok(()));
    });
}

#[test]
fn a_publisher_learns_how_many_it_has() {
    explore(|| {
        let publisher = claim(&Hub::new(LIMITS), Claim::Exclusive);
        let first = subscribe(&publisher, Rule::Latest);
        let stream = publisher.stream().clone();
        let waiting = thread::spawn(move || {
            let mut seen = Demand { viewers: 1, services: 0 };
            while seen.services == 0 || seen.viewers > 0 {
                seen = block_on(publisher.demand_other_than(seen)).unwrap();
            }
        });
        let _reader = stream.subscribe(Rule::Latest, Class::Service, Start::Newest).unwrap();
        drop(first);
        waiting.join().unwrap();
    });
}

#[test]
fn a_publisher_learns_that_it_is_wanted_no_more() {
    explore(|| {
        let publisher = claim(&Hub::new(LIMITS), Claim::Source);
        let (first, second) = (subscribe(&publisher, Rule::Latest), subscribe(&publisher, Rule::Latest));
        let waiting = thread::spawn(move || block_on(publisher.unwanted()));
        let leaving = thread::spawn(move || drop(first));
        drop(second);
        leaving.join().unwrap();
        assert_eq!(waiting.join().unwrap(), Ok(()));
    });
}

#[test]
fn a_publisher_that_rests_hears_that_it_was_taken_over() {
    explore(|| {
        let hub = Hub::new(LIMITS);
        let old = claim(&hub, Claim::Source);
        let waiting = thread::spawn(move || block_on(old.wanted()));
        let _new = claim(&hub, Claim::TakeOver);
        assert_eq!(waiting.join().unwrap(), Err(PublishError::TakenOver { name: cam() }));
    });
}

#[test]
fn a_publisher_that_rests_hears_that_its_stream_ended() {
    explore(|| {
        let hub = Hub::new(LIMITS);
        let publisher = claim(&hub, Claim::Source);
        let waiting = thread::spawn(move || block_on(publisher.wanted()));
        assert!(hub.remove(&cam()));
        let closed = PublishError::Closed { name: cam(), reason: Closed::Deleted };
        assert_eq!(waiting.join().unwrap(), Err(closed));
    });
}

// ---- the end ----

/// A reader, a publisher and an end at the same time.
fn the_end_comes_while_a_frame_is_published(rule: Rule, end: fn(&Hub), expected: Closed) {
    explore(move || {
        let hub = Hub::new(LIMITS);
        let publisher = claim(&hub, Claim::Exclusive);
        let mut reader = subscribe(&publisher, rule);
        let reading = thread::spawn(move || read_all(&mut reader));
        let publishing = thread::spawn(move || publisher.publish(jpeg(), now()).is_ok());
        end(&hub);
        let published = publishing.join().unwrap();
        let (seqs, reason) = reading.join().unwrap();
        assert_eq!(reason, expected);
        assert_eq!(seqs, if published { vec![1] } else { vec![] }, "an accepted frame is delivered");
        assert_eq!(hub.stats(now()).totals.frames, u64::from(published), "and counted");
    });
}

#[test]
fn removing_a_stream_loses_no_accepted_frame_and_no_reader() {
    let remove = |hub: &Hub| assert!(hub.remove(&cam()));
    the_end_comes_while_a_frame_is_published(Rule::Latest, remove, Closed::Deleted);
}

#[test]
fn shutting_down_loses_no_accepted_frame_and_no_reader() {
    the_end_comes_while_a_frame_is_published(Rule::InOrder, Hub::shut_down, Closed::ShuttingDown);
}

#[test]
fn removing_and_claiming_meet_in_either_order() {
    explore(|| {
        let hub = Hub::new(LIMITS);
        drop(claim(&hub, Claim::Shared));
        let other = hub.clone();
        let claiming = thread::spawn(move || {
            let publisher = claim(&other, Claim::Exclusive);
            (publisher.publish(jpeg(), now()).is_ok(), publisher.stream().epoch())
        });
        assert!(hub.remove(&cam()));
        let (published, epoch) = claiming.join().unwrap();
        let live = hub.stream(&cam()).map(|stream| stream.epoch());
        match epoch {
            1 => assert_eq!(live, None),
            _ => assert_eq!((published, live), (true, Some(2))),
        }
    });
}

#[test]
fn shutting_down_leaves_no_stream_that_came_meanwhile() {
    explore(|| {
        let hub = Hub::new(LIMITS);
        let other = hub.clone();
        let claiming = thread::spawn(move || {
            let Ok(publisher) = other.publisher(&cam(), Claim::Exclusive, now()) else { return };
            let stream = publisher.stream();
            if let Ok(mut reader) = stream.subscribe(Rule::Latest, Class::Viewer, Start::Newest) {
                assert_eq!(receive(&mut reader), Err(Closed::ShuttingDown));
            }
        });
        hub.shut_down();
        claiming.join().unwrap();
        assert!(hub.is_empty());
    });
}

// ---- news of streams ----

#[test]
fn a_watcher_hears_of_a_new_stream() {
    explore(|| {
        let hub = Hub::new(LIMITS);
        let mut changes = hub.changes();
        let watching = thread::spawn({
            let hub = hub.clone();
            move || {
                block_on(changes.changed());
                assert!(hub.stream(&cam()).is_some());
            }
        });
        let _publisher = claim(&hub, Claim::Exclusive);
        watching.join().unwrap();
    });
}

#[test]
fn a_watcher_hears_of_an_end_and_of_the_shutdown_of_an_empty_hub() {
    explore(|| {
        let hub = Hub::new(LIMITS);
        drop(claim(&hub, Claim::Exclusive));
        let mut changes = hub.changes();
        let watching = thread::spawn({
            let hub = hub.clone();
            move || {
                while hub.check_claim(&cam(), Claim::Shared, now()).is_ok() {
                    block_on(changes.changed());
                }
            }
        });
        assert!(hub.remove(&cam()));
        hub.shut_down();
        watching.join().unwrap();
    });
}

// ---- foreign code ----

/// Wakers and payloads that look at the hub and its streams when they are woken, dropped or freed: under one of the
/// locks they would wait for themselves, which loom reports.
#[derive(Clone)]
struct Curious(Arc<Mutex<Known>>);

#[derive(Clone, Default)]
struct Known {
    hub: Option<Hub>,
    streams: Vec<Stream>,
}

impl Curious {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self) {
        let Known { hub, streams } = self.known().clone();
        if let Some(hub) = hub {
            hub.len();
        }
        for stream in streams {
            stream.demand();
        }
    }

    fn claim(&self, hub: &Hub, claim: Claim) -> Publisher {
        let publisher = self::claim(hub, claim);
        self.known().streams.push(publisher.stream().clone());
        publisher
    }

    fn frame(&self) -> NewFrame {
        NewFrame::new(Bytes::from_owner(self.clone()), Format::jpeg(1, 1))
    }

    /// Leaves a waker with whatever `poll` polls.
    fn wait<T>(&self, poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) {
        let waker = Waker::from(Arc::new(self.clone()));
        assert!(poll(&mut Context::from_waker(&waker)).is_pending());
    }

    fn wait_for_frame(&self, reader: &mut Subscriber) {
        self.wait(|cx| reader.poll_recv(cx));
    }

    fn wait_for_demand(&self, publisher: &Publisher) {
        self.wait(|cx| pin!(publisher.wanted()).poll(cx));
    }
}

impl AsRef<[u8]> for Curious {
    fn as_ref(&self) -> &[u8] {
        &[0; 60]
    }
}

impl Wake for Curious {
    fn wake(self: Arc<Self>) {
        self.look();
    }
}

impl Drop for Curious {
    fn drop(&mut self) {
        self.look();
    }
}

/// A hub whose rings keep one curious frame, and three for a reader that is behind.
fn with_curious(model: impl Fn(&Hub, &Curious) + Send + Sync + 'static) {
    explore(move || {
        let ring = RingLimits { backlog_bytes: 200, ..LIMITS.ring };
        let hub = Hub::new(Limits { ring, ..LIMITS });
        let curious = Curious(Arc::default());
        curious.known().hub = Some(hub.clone());
        model(&hub, &curious);
        // Frames that know their own streams would keep them for ever.
        let known = std::mem::take(&mut *curious.known());
        drop(known);
    });
}

#[test]
fn no_waker_is_called_under_a_lock() {
    with_curious(|hub, curious| {
        let mut changes = hub.changes();
        curious.wait(|cx| changes.poll_changed(cx));
        let old = curious.claim(hub, Claim::Exclusive);
        assert!(changes.poll_changed(&mut Context::from_waker(Waker::noop())).is_ready());
        curious.wait(|cx| changes.poll_changed(cx));
        curious.wait_for_demand(&old);
        let publisher = curious.claim(hub, Claim::TakeOver);
        curious.wait_for_demand(&publisher);
        let mut reader = subscribe(&publisher, Rule::Latest);
        curious.wait_for_frame(&mut reader);
        publisher.publish(jpeg(), now()).unwrap();
        assert!(reader.try_recv().is_some());
        curious.wait_for_frame(&mut reader);
        curious.wait(|cx| pin!(publisher.unwanted()).poll(cx));
        drop(subscribe(&publisher, Rule::Latest));
        curious.wait(|cx| pin!(publisher.unwanted()).poll(cx));
        assert!(hub.remove(&cam()));
        assert!(changes.poll_changed(&mut Context::from_waker(Waker::noop())).is_ready());
        curious.wait(|cx| changes.poll_changed(cx));
        hub.shut_down();
    });
}

#[test]
fn no_waker_is_dropped_under_a_lock() {
    with_curious(|hub, curious| {
        let publisher = curious.claim(hub, Claim::Exclusive);
        let mut reader = subscribe(&publisher, Rule::Latest);
        curious.wait_for_frame(&mut reader);
        curious.wait_for_frame(&mut reader);
        drop(reader);
        curious.wait_for_demand(&publisher);
        curious.wait_for_demand(&publisher);
        drop(publisher);
        let mut changes = hub.changes();
        curious.wait(|cx| changes.poll_changed(cx));
        curious.wait(|cx| changes.poll_changed(cx));
        drop(changes);
    });
}

#[test]
fn no_frame_is_freed_under_a_lock() {
    with_curious(|hub, curious| {
        let lost = curious.claim(hub, Claim::Exclusive);
        let publisher = curious.claim(hub, Claim::TakeOver);
        let publish =
            |count| (0..count).try_for_each(|_| publisher.publish(curious.frame(), now()).map(drop));
        publish(2).unwrap();
        lost.publish(curious.frame(), now()).unwrap_err();
        let recorder = subscribe(&publisher, Rule::InOrder);
        publish(2).unwrap();
        drop(recorder);
        let last_reader = subscribe(&publisher, Rule::Latest);
        assert!(hub.remove(&cam()));
        drop(last_reader);
        publish(1).unwrap_err();
        curious.claim(hub, Claim::Shared).publish(curious.frame(), now()).unwrap();
        assert!(hub.remove(&cam()));
    });
}
