//! What a hub keeps in memory, and when it lets go: payloads that tell when they are freed.

#![cfg(not(loom))]
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::{Arc, Weak};

use bytes::Bytes;
use hub::{Class, Format, Limits, NewFrame, Publisher, RingLimits, Rule, Start, Subscriber};
use support::{Clock, ROOMY, cam, drain, name};

/// Two frames of 10 bytes as history, six for a reader that is behind.
const TIGHT: Limits = Limits {
    ring: RingLimits { frames: 8, history_bytes: 20, backlog_frames: 8, backlog_bytes: 60 },
    ..ROOMY
};

struct Owner(Arc<[u8; 10]>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        self.0.as_slice()
    }
}

/// Publishes frames of 10 bytes and keeps an eye on each.
fn publish(publisher: &Publisher, count: usize, clock: &Clock) -> Vec<Weak<[u8; 10]>> {
    let publish_one = |_| {
        let memory = Arc::new([0; 10]);
        let watch = Arc::downgrade(&memory);
        let payload = Bytes::from_owner(Owner(memory));
        publisher.publish(NewFrame::new(payload, Format::jpeg(1, 1)), clock.now()).unwrap();
        watch
    };
    (0..count).map(publish_one).collect()
}

fn alive(frames: &[Weak<[u8; 10]>]) -> Vec<bool> {
    frames.iter().map(|f| f.strong_count() > 0).collect()
}

fn reader(publisher: &Publisher, rule: Rule) -> Subscriber {
    publisher.stream().subscribe(rule, Class::Service, Start::Newest).unwrap()
}

#[test]
fn evicted_frames_are_freed_at_once() {
    let clock = Clock::new();
    let (_hub, publisher) = cam(TIGHT, &clock);
    let frames = publish(&publisher, 4, &clock);
    assert_eq!(alive(&frames), [false, false, true, true]);
    assert_eq!(publisher.stream().stats(clock.now()).buffered_bytes, 20);
}

#[test]
fn a_frame_in_hand_outlives_its_ring_alone() {
    let clock = Clock::new();
    let (hub, publisher) = cam(TIGHT, &clock);
    let mut latest = reader(&publisher, Rule::Latest);
    let mut frames = publish(&publisher, 2, &clock);
    let in_hand = latest.try_recv().unwrap();
    frames.extend(publish(&publisher, 2, &clock));
    assert_eq!(alive(&frames), [false, true, true, true]);
    drop((latest, publisher));
    assert!(hub.remove(&name("cam")));
    assert_eq!(alive(&frames), [false, true, false, false]);
    drop(in_hand);
    assert_eq!(alive(&frames), [false; 4]);
}

#[test]
fn a_slow_reader_of_the_newest_keeps_no_frame() {
    let clock = Clock::new();
    let (_hub, publisher) = cam(TIGHT, &clock);
    let mut slow = reader(&publisher, Rule::Latest);
    let frames = publish(&publisher, 4, &clock);
    assert_eq!(alive(&frames), [false, false, true, true]);
    assert_eq!(drain(&mut slow), [(4, 3)]);
}

#[test]
fn a_backlog_is_kept_within_its_bound_and_until_its_reader_leaves() {
    let clock = Clock::new();
    let (_hub, publisher) = cam(TIGHT, &clock);
    let mut recorder = reader(&publisher, Rule::InOrder);
    let frames = publish(&publisher, 7, &clock);
    assert_eq!(alive(&frames), [false, true, true, true, true, true, true]);
    assert_eq!(recorder.try_recv().map(|d| (d.frame.seq, d.skipped)), Some((2, 1)));
    drop(recorder);
    assert_eq!(alive(&frames), [false, false, false, false, false, true, true]);
}

#[test]
fn a_reader_that_is_behind_has_more_frames_kept_than_the_history_has() {
    let clock = Clock::new();
    let ring = RingLimits { frames: 2, history_bytes: 1000, backlog_frames: 4, backlog_bytes: 1000 };
    let (_hub, publisher) = cam(Limits { ring, ..ROOMY }, &clock);
    let mut recorder = reader(&publisher, Rule::InOrder);
    let frames = publish(&publisher, 5, &clock);
    assert_eq!(alive(&frames), [false, true, true, true, true]);
    assert_eq!(drain(&mut recorder), [(2, 1), (3, 0), (4, 0), (5, 0)]);
    let later = publish(&publisher, 1, &clock);
    assert_eq!((alive(&frames), alive(&later)), (vec![false, false, false, false, true], vec![true]));
}

#[test]
fn a_backlog_bound_below_the_history_is_the_history() {
    let clock = Clock::new();
    let ring = RingLimits { frames: 8, history_bytes: 30, backlog_frames: 2, backlog_bytes: 10 };
    let (_hub, publisher) = cam(Limits { ring, ..ROOMY }, &clock);
    let mut recorder = reader(&publisher, Rule::InOrder);
    publish(&publisher, 4, &clock);
    assert_eq!(drain(&mut recorder), [(2, 1), (3, 0), (4, 0)]);
}

#[test]
fn the_newest_is_kept_whatever_its_size_and_a_ring_holds_at_least_one() {
    let clock = Clock::new();
    let ring = RingLimits { frames: 0, history_bytes: 0, backlog_frames: 0, backlog_bytes: 0 };
    let (_hub, publisher) = cam(Limits { ring, ..ROOMY }, &clock);
    let frames = publish(&publisher, 2, &clock);
    assert_eq!(alive(&frames), [false, true]);
    let stats = publisher.stream().stats(clock.now());
    assert_eq!((stats.buffered_frames, stats.buffer_capacity, stats.buffered_bytes), (1, 1, 10));
}

#[test]
fn an_ended_stream_is_freed_when_its_last_reader_leaves_whoever_holds_a_handle() {
    let clock = Clock::new();
    let (hub, publisher) = cam(TIGHT, &clock);
    let mut reader = reader(&publisher, Rule::InOrder);
    let frames = publish(&publisher, 2, &clock);
    hub.shut_down();
    assert_eq!(alive(&frames), [true, true], "the reader may still have them");
    assert_eq!(drain(&mut reader), [(1, 0), (2, 0)]);
    drop(reader);
    assert_eq!(alive(&frames), [false, false]);
    assert!(publisher.stream().newest().is_none());
}

#[test]
fn an_ended_stream_without_readers_is_freed_at_once() {
    let clock = Clock::new();
    let (hub, publisher) = cam(TIGHT, &clock);
    let frames = publish(&publisher, 2, &clock);
    assert!(hub.remove(&name("cam")));
    assert_eq!(alive(&frames), [false, false]);
    assert_eq!(publisher.stream().stats(clock.now()).buffered_bytes, 0);
}

#[test]
fn a_refused_frame_is_freed() {
    let clock = Clock::new();
    let (hub, publisher) = cam(TIGHT, &clock);
    assert!(hub.remove(&name("cam")));
    let memory = Arc::new([0; 10]);
    let new = NewFrame::new(Bytes::from_owner(Owner(Arc::clone(&memory))), Format::jpeg(1, 1));
    assert!(publisher.publish(new, clock.now()).is_err());
    assert_eq!(Arc::strong_count(&memory), 1);
}
