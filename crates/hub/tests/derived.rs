//! Derived streams (D1 to D3): whose numbers they carry, whose viewers they have, how they end.

#![cfg(not(loom))]
#![allow(clippy::unwrap_used)]

mod support;

use std::{sync::Arc, task::Poll};

use bytes::Bytes;
use hub::{
    CaptureTime, Claim, Class, Closed, Demand, Derived, Format, Frame, Hub, Limits, Publisher, Rule, Start,
    SubscribeError, Subscriber,
};
use support::{Clock, ROOMY, WakeCount, cam, drain, jpeg, name, poll_once};

fn derived(limits: Limits, clock: &Clock) -> (Hub, Publisher, Derived) {
    let (hub, publisher) = cam(limits, clock);
    let derived = hub.derive(publisher.stream(), clock.now()).unwrap();
    (hub, publisher, derived)
}

fn relay(derived: &Derived, frame: &Frame, clock: &Clock) -> Option<Arc<Frame>> {
    derived.relay(frame, Bytes::from_static(b"small"), Format::jpeg(64, 48), clock.now())
}

fn viewer(derived: &Derived) -> Result<Subscriber, SubscribeError> {
    derived.stream().subscribe(Rule::Latest, Class::Viewer, Start::Newest)
}

#[test]
fn a_frame_keeps_its_number_its_times_and_its_metadata() {
    let clock = Clock::new();
    let (_hub, publisher, derived) = derived(ROOMY, &clock);
    let mut new = jpeg(100);
    new.captured = CaptureTime::from_unix_secs(1.6e9);
    new.source_seq = Some(77);
    new.metadata = Some("{}".into());
    publisher.publish(jpeg(1), clock.now()).unwrap();
    let frame = publisher.publish(new, clock.now()).unwrap();
    let small = relay(&derived, &frame, &clock).unwrap();
    assert_eq!((small.seq, small.received, small.captured), (2, frame.received, frame.captured));
    assert_eq!((small.source_seq, small.metadata.as_deref()), (Some(77), Some("{}")));
    assert_eq!((&small.payload[..], small.format), (&b"small"[..], Format::jpeg(64, 48)));
}

#[test]
fn numbers_grow_with_holes_that_count_as_skipped() {
    let clock = Clock::new();
    let (_hub, publisher, derived) = derived(ROOMY, &clock);
    let frames: Vec<_> = (0..6).map(|_| publisher.publish(jpeg(1), clock.now()).unwrap()).collect();
    let mut latest = viewer(&derived).unwrap();
    let mut in_order = derived.stream().subscribe(Rule::InOrder, Class::Service, Start::Oldest).unwrap();
    let mut got = Vec::new();
    for index in [1, 4, 5] {
        relay(&derived, &frames[index], &clock).unwrap();
        got.extend(drain(&mut latest));
    }
    assert_eq!(got, [(2, 1), (5, 2), (6, 0)], "of the parent's six frames three were skipped");
    assert_eq!(drain(&mut in_order), [(6, 5)], "it keeps its newest frame alone");
    assert!(relay(&derived, &frames[5], &clock).is_none(), "a number comes once");
    assert!(relay(&derived, &frames[2], &clock).is_none(), "and never an older one");
    let stats = derived.stream().stats(clock.now());
    assert_eq!((stats.totals.frames, stats.newest_seq, stats.buffered_frames), (3, 6, 1));
}

#[test]
fn its_viewers_are_the_parents_viewers() {
    let clock = Clock::new();
    let limits = Limits { viewers_per_stream: 2, ..ROOMY };
    let (_hub, publisher, derived) = derived(limits, &clock);
    let parent = publisher.stream();
    let direct = parent.subscribe(Rule::Latest, Class::Viewer, Start::Newest).unwrap();
    let guest = viewer(&derived).unwrap();
    assert_eq!(parent.demand(), Demand { viewers: 2, services: 0 });
    assert_eq!(derived.stream().demand(), Demand { viewers: 1, services: 0 });
    let full = SubscribeError::ViewerLimit { name: name("cam"), limit: 2 };
    assert_eq!(viewer(&derived).map(|_| ()), Err(full.clone()));
    assert_eq!(parent.subscribe(Rule::Latest, Class::Viewer, Start::Newest).map(|_| ()), Err(full));
    drop(direct);
    let second = viewer(&derived).unwrap();
    drop((guest, second));
    assert_eq!(parent.demand(), Demand::default());
    assert_eq!(derived.stream().demand(), Demand::default());
}

#[test]
fn a_guest_wakes_a_resting_source_and_the_maker() {
    let clock = Clock::new();
    let hub = Hub::new(ROOMY);
    let source = hub.publisher(&name("cam"), Claim::Source, clock.now()).unwrap();
    let derived = hub.derive(source.stream(), clock.now()).unwrap();
    assert!(derived.stream().is_on_demand(), "as its parent is");
    let (source_wakes, maker_wakes) = (Arc::new(WakeCount::default()), Arc::new(WakeCount::default()));
    assert!(poll_once(source.wanted(), &source_wakes).is_pending());
    assert!(poll_once(derived.wanted(), &maker_wakes).is_pending());
    let guest = viewer(&derived).unwrap();
    assert_eq!((source_wakes.get(), maker_wakes.get()), (1, 1));
    assert!(poll_once(source.wanted(), &source_wakes).is_ready());
    assert!(poll_once(source.unwanted(), &source_wakes).is_pending());
    assert!(poll_once(derived.unwanted(), &maker_wakes).is_pending());
    drop(guest);
    assert_eq!((source_wakes.get(), maker_wakes.get()), (2, 2));
    assert!(poll_once(source.unwanted(), &source_wakes).is_ready());
}

#[test]
fn it_is_not_listed_and_takes_no_place() {
    let clock = Clock::new();
    let (hub, _publisher, derived) = derived(Limits { streams: 1, ..ROOMY }, &clock);
    assert_eq!((hub.len(), hub.streams().len()), (1, 1));
    let parent = hub.stream(&name("cam")).unwrap();
    assert_eq!(derived.stream().name(), parent.name());
    assert_ne!(derived.stream().epoch(), parent.epoch(), "caches tell them apart");
}

#[test]
fn it_ends_with_its_maker_who_passes_on_why() {
    let clock = Clock::new();
    let wakes = Arc::new(WakeCount::default());
    for (is_deleted, reason) in [(false, Closed::Retired), (true, Closed::Deleted)] {
        let (hub, _publisher, derived) = derived(ROOMY, &clock);
        let mut reader = viewer(&derived).unwrap();
        assert!(poll_once(reader.recv(), &wakes).is_pending());
        if is_deleted {
            assert!(hub.remove(&name("cam")));
            assert!(poll_once(reader.recv(), &wakes).is_pending(), "until its maker knows");
            let closed = SubscribeError::Closed { name: name("cam"), reason };
            assert_eq!(viewer(&derived).map(|_| ()), Err(closed), "but nobody comes any more");
        }
        drop(derived);
        assert!(matches!(poll_once(reader.recv(), &wakes), Poll::Ready(Err(why)) if why == reason));
    }
}

#[test]
fn what_its_viewers_were_served_is_the_parents_when_they_have_left() {
    let clock = Clock::new();
    let (_hub, publisher, derived) = derived(ROOMY, &clock);
    let mut reader = viewer(&derived).unwrap();
    for _ in 0..3 {
        let frame = publisher.publish(jpeg(1), clock.now()).unwrap();
        relay(&derived, &frame, &clock);
    }
    assert_eq!(drain(&mut reader), [(3, 2)]);
    drop(reader);
    let totals = publisher.stream().stats(clock.now()).totals;
    assert_eq!((totals.frames, totals.served, totals.skipped), (3, 1, 2));
}

#[test]
fn a_hub_that_has_shut_down_derives_nothing() {
    let clock = Clock::new();
    let (hub, publisher) = cam(ROOMY, &clock);
    hub.shut_down();
    assert!(hub.derive(publisher.stream(), clock.now()).is_err());
}
