//! Who gets which frame: the reading rules, the places to start, and how a stream ends for its readers.

#![cfg(not(loom))]
#![allow(clippy::unwrap_used)]

mod support;

use std::{sync::Arc, task::Poll};

use hub::{Class, Closed, Limits, Publisher, RingLimits, Rule, Start, SubscribeError, Subscriber};
use support::{Clock, ROOMY, WakeCount, cam, delta, drain, jpeg, key, name, poll_once};

fn reader(publisher: &Publisher, rule: Rule, start: Start) -> Subscriber {
    publisher.stream().subscribe(rule, Class::Viewer, start).unwrap()
}

#[test]
fn the_latest_jpeg_is_always_the_newest_and_the_skipped_are_counted() {
    let clock = Clock::new();
    let (_hub, publisher) = cam(ROOMY, &clock);
    let mut latest = reader(&publisher, Rule::Latest, Start::Newest);
    for _ in 0..3 {
        publisher.publish(jpeg(10), clock.now()).unwrap();
    }
    assert_eq!(drain(&mut latest), [(3, 2)]);
    publisher.publish(jpeg(10), clock.now()).unwrap();
    assert_eq!(drain(&mut latest), [(4, 0)]);
}

#[test]
fn latest_jumps_to_the_newest_key_frame_and_follows_from_there() {
    let clock = Clock::new();
    let (_hub, publisher) = cam(ROOMY, &clock);
    let mut latest = reader(&publisher, Rule::Latest, Start::Newest);
    for frame in [key(), delta(), key(), delta(), delta()] {
        publisher.publish(frame, clock.now()).unwrap();
    }
    assert_eq!(drain(&mut latest), [(3, 2), (4, 0), (5, 0)]);
}

#[test]
fn a_reader_that_lost_frames_goes_on_at_a_key_frame() {
    let clock = Clock::new();
    let ring = RingLimits { frames: 3, backlog_frames: 3, ..ROOMY.ring };
    let (_hub, publisher) = cam(Limits { ring, ..ROOMY }, &clock);
    let mut in_order = reader(&publisher, Rule::InOrder, Start::Newest);
    let mut latest = reader(&publisher, Rule::Latest, Start::Newest);
    publisher.publish(key(), clock.now()).unwrap();
    assert_eq!((drain(&mut in_order), drain(&mut latest)), (vec![(1, 0)], vec![(1, 0)]));
    for _ in 0..5 {
        publisher.publish(delta(), clock.now()).unwrap();
    }
    assert_eq!((drain(&mut in_order), drain(&mut latest)), (vec![], vec![]), "2 and 3 are gone");
    publisher.publish(key(), clock.now()).unwrap();
    assert_eq!((drain(&mut in_order), drain(&mut latest)), (vec![(7, 5)], vec![(7, 5)]));
}

#[test]
fn each_start_has_its_first_frame() {
    let clock = Clock::new();
    let ring = RingLimits { frames: 5, ..ROOMY.ring };
    let (_hub, publisher) = cam(Limits { ring, ..ROOMY }, &clock);
    // Kept: 3 delta, 4 key, 5 delta, 6 key, 7 delta.
    for frame in [key(), delta(), delta(), key(), delta(), key(), delta()] {
        publisher.publish(frame, clock.now()).unwrap();
    }
    let first = |start| drain(&mut reader(&publisher, Rule::InOrder, start)).first().copied();
    assert_eq!(first(Start::Newest), Some((6, 0)));
    assert_eq!(first(Start::Oldest), Some((4, 0)));
    assert_eq!(first(Start::After(6)), Some((7, 0)), "it has the key frame before it");
    assert_eq!(first(Start::After(2)), Some((3, 0)));
    assert_eq!(first(Start::After(1)), Some((4, 2)), "2 is gone, so 3 cannot be decoded");
    assert_eq!(first(Start::After(7)), None);
    assert_eq!(first(Start::After(8)), Some((6, 0)), "of an earlier life of the stream");
}

#[test]
fn a_reader_that_has_nothing_is_not_given_a_delta_frame() {
    let clock = Clock::new();
    for start in [Start::Newest, Start::Oldest, Start::After(0), Start::After(9)] {
        for rule in [Rule::Latest, Rule::InOrder] {
            let (_hub, publisher) = cam(ROOMY, &clock);
            let mut early = reader(&publisher, rule, start);
            publisher.publish(delta(), clock.now()).unwrap();
            let mut late = reader(&publisher, rule, start);
            publisher.publish(delta(), clock.now()).unwrap();
            assert_eq!((drain(&mut early), drain(&mut late)), (vec![], vec![]), "{rule:?} {start:?}");
            publisher.publish(key(), clock.now()).unwrap();
            assert_eq!(drain(&mut early), [(3, 2)], "{rule:?} {start:?}");
        }
    }
}

#[test]
fn a_cancelled_recv_loses_nothing_and_the_last_waker_counts() {
    let clock = Clock::new();
    let (_hub, publisher) = cam(ROOMY, &clock);
    let mut latest = reader(&publisher, Rule::Latest, Start::Newest);
    let (first, second) = (Arc::new(WakeCount::default()), Arc::new(WakeCount::default()));
    assert!(poll_once(latest.recv(), &first).is_pending());
    assert!(poll_once(latest.recv(), &second).is_pending());
    publisher.publish(jpeg(10), clock.now()).unwrap();
    assert_eq!((first.get(), second.get()), (0, 1));
    let Poll::Ready(Ok(delivery)) = poll_once(latest.recv(), &second) else { panic!("the frame is there") };
    assert_eq!((delivery.frame.seq, delivery.skipped), (1, 0));
    publisher.publish(jpeg(10), clock.now()).unwrap();
    assert_eq!(second.get(), 1, "nobody waits");
}

#[test]
fn the_end_is_told_after_the_frames_that_are_still_held() {
    let clock = Clock::new();
    let (hub, publisher) = cam(ROOMY, &clock);
    let wakes = Arc::new(WakeCount::default());
    let mut in_order = reader(&publisher, Rule::InOrder, Start::Newest);
    let mut waiting = reader(&publisher, Rule::Latest, Start::Newest);
    publisher.publish(jpeg(10), clock.now()).unwrap();
    publisher.publish(jpeg(10), clock.now()).unwrap();
    assert_eq!(drain(&mut waiting), [(2, 1)]);
    assert!(poll_once(waiting.recv(), &wakes).is_pending());

    assert!(hub.remove(&name("cam")));
    assert_eq!(wakes.get(), 1);
    assert_eq!(poll_once(waiting.recv(), &wakes).map(Result::unwrap_err), Poll::Ready(Closed::Deleted));
    assert_eq!(drain(&mut in_order), [(1, 0), (2, 0)]);
    assert_eq!(poll_once(in_order.recv(), &wakes).map(Result::unwrap_err), Poll::Ready(Closed::Deleted));
    let refused = publisher.stream().subscribe(Rule::Latest, Class::Viewer, Start::Newest).unwrap_err();
    assert_eq!(refused, SubscribeError::Closed { name: name("cam"), reason: Closed::Deleted });
}
