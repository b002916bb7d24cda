//! Who may publish: claims, taking over, stale claims; and what publishers learn of demand.

#![cfg(not(loom))]
#![allow(clippy::unwrap_used)]

mod support;

use std::{
    sync::{Arc, Weak},
    task::Poll,
    time::Duration,
};

use hub::{
    Claim, ClaimError, Class, Closed, Demand, Hub, PublishError, Publisher, Rule, STALE_CLAIM, Start,
    SubscribeError, Subscriber,
};
use support::{Clock, ROOMY, WakeCount, cam, jpeg, name, poll_once};

const EVERY_CLAIM: [Claim; 4] = [Claim::Shared, Claim::Exclusive, Claim::TakeOver, Claim::Source];

fn claim(hub: &Hub, claim: Claim, clock: &Clock) -> Result<Publisher, ClaimError> {
    hub.publisher(&name("cam"), claim, clock.now())
}

/// Which claims would be granted now, in the order of [`EVERY_CLAIM`].
fn granted(hub: &Hub, clock: &Clock) -> [bool; 4] {
    EVERY_CLAIM.map(|claim| hub.check_claim(&name("cam"), claim, clock.now()).is_ok())
}

fn reader(publisher: &Publisher, class: Class) -> Subscriber {
    publisher.stream().subscribe(Rule::Latest, class, Start::Newest).unwrap()
}

#[test]
fn a_connection_keeps_the_others_out_until_it_is_silent_for_too_long() {
    let mut clock = Clock::new();
    let (hub, publisher) = cam(ROOMY, &clock);
    let refused = claim(&hub, Claim::Shared, &clock).unwrap_err();
    assert_eq!(refused, ClaimError::Claimed { name: name("cam") });
    clock.advance(STALE_CLAIM - Duration::from_nanos(1));
    assert_eq!(granted(&hub, &clock), [false, false, true, false]);
    publisher.publish(jpeg(1), clock.now()).unwrap();
    clock.advance(STALE_CLAIM - Duration::from_nanos(1));
    assert_eq!(granted(&hub, &clock), [false, false, true, false], "its frame kept the claim fresh");
    clock.advance(Duration::from_nanos(1));
    assert_eq!(granted(&hub, &clock), [true, true, true, true]);

    let _robot = claim(&hub, Claim::Exclusive, &clock).unwrap();
    let lost = publisher.publish(jpeg(1), clock.now()).unwrap_err();
    assert_eq!(lost, PublishError::TakenOver { name: name("cam") });
    drop(publisher);
    assert_eq!(
        granted(&hub, &clock),
        [false, false, true, false],
        "the new claim is not the old one's to give"
    );
}

#[test]
fn a_source_of_the_hub_is_never_stale_and_never_idle() {
    let mut clock = Clock::new();
    for (kind, rests) in [(Claim::Source, true), (Claim::SteadySource, false)] {
        let hub = Hub::new(ROOMY);
        let source = claim(&hub, kind, &clock).unwrap();
        clock.advance(STALE_CLAIM * 100);
        assert_eq!(granted(&hub, &clock), [false, false, true, false]);
        assert_eq!(hub.sweep(STALE_CLAIM, clock.now()), []);
        assert_eq!(source.stream().is_on_demand(), rests);
        drop(source);
        assert_eq!(hub.sweep(STALE_CLAIM, clock.now()), [name("cam")]);
    }
}

#[test]
fn frames_of_one_shot_publishers_do_not_revive_a_dead_connections_claim() {
    let mut clock = Clock::new();
    let (hub, _dead) = cam(ROOMY, &clock);
    clock.advance(STALE_CLAIM);
    for _ in 0..3 {
        let one_shot = claim(&hub, Claim::Shared, &clock).unwrap();
        one_shot.publish(jpeg(1), clock.now()).unwrap();
    }
    assert_eq!(granted(&hub, &clock), [true, true, true, true]);
}

#[test]
fn the_stream_outlives_its_publishers() {
    let clock = Clock::new();
    let (hub, publisher) = cam(ROOMY, &clock);
    let mut viewer = reader(&publisher, Class::Viewer);
    drop(publisher);
    let again = claim(&hub, Claim::Exclusive, &clock).unwrap();
    again.publish(jpeg(1), clock.now()).unwrap();
    assert_eq!(viewer.try_recv().map(|d| d.frame.seq), Some(1));
}

#[test]
fn a_publisher_of_an_ended_stream_does_not_write_into_its_successor() {
    let clock = Clock::new();
    let (hub, old) = cam(ROOMY, &clock);
    assert!(hub.remove(&name("cam")));
    let new = claim(&hub, Claim::Exclusive, &clock).unwrap();
    assert_eq!((old.stream().epoch(), new.stream().epoch()), (1, 2));
    let refused = old.publish(jpeg(1), clock.now()).unwrap_err();
    assert_eq!(refused, PublishError::Closed { name: name("cam"), reason: Closed::Deleted });
    assert_eq!(new.publish(jpeg(1), clock.now()).unwrap().seq, 1);
}

#[test]
fn publishing_copies_no_payload() {
    let clock = Clock::new();
    let (_hub, publisher) = cam(ROOMY, &clock);
    let new = jpeg(100);
    let address = new.payload.as_ptr();
    assert_eq!(publisher.publish(new, clock.now()).unwrap().payload.as_ptr(), address);
    assert_eq!(publisher.stream().newest().unwrap().payload.as_ptr(), address);
}

#[test]
fn viewers_are_counted_and_limited_but_services_too_keep_demand_alive() {
    let clock = Clock::new();
    let (_hub, publisher) = cam(hub::Limits { viewers_per_stream: 1, ..ROOMY }, &clock);
    let service = reader(&publisher, Class::Service);
    let viewer = reader(&publisher, Class::Viewer);
    let refused = publisher.stream().subscribe(Rule::Latest, Class::Viewer, Start::Newest).unwrap_err();
    assert_eq!(refused, SubscribeError::ViewerLimit { name: name("cam"), limit: 1 });
    let more = reader(&publisher, Class::Service);
    assert_eq!(publisher.demand(), Demand { viewers: 1, services: 2 });
    drop((viewer, more));
    assert_eq!(publisher.demand(), Demand { viewers: 0, services: 1 });
    assert!(publisher.demand().is_wanted());
    drop(reader(&publisher, Class::Viewer));
    drop(service);
    assert!(!publisher.demand().is_wanted());
}

#[test]
fn a_publisher_waits_for_demand_to_come_and_to_go() {
    let clock = Clock::new();
    let (_hub, publisher) = cam(ROOMY, &clock);
    let wakes = Arc::new(WakeCount::default());
    assert!(poll_once(publisher.wanted(), &wakes).is_pending());
    assert_eq!(poll_once(publisher.unwanted(), &wakes), Poll::Ready(Ok(())));
    let service = reader(&publisher, Class::Service);
    assert_eq!(wakes.get(), 1);
    assert_eq!(poll_once(publisher.wanted(), &wakes), Poll::Ready(Ok(())));
    assert!(poll_once(publisher.unwanted(), &wakes).is_pending());
    drop(service);
    assert_eq!(wakes.get(), 2);
    assert_eq!(poll_once(publisher.unwanted(), &wakes), Poll::Ready(Ok(())));
}

#[test]
fn a_waiting_publisher_hears_that_it_lost_its_stream() {
    let clock = Clock::new();
    let wakes = Arc::new(WakeCount::default());
    let (hub, publisher) = cam(ROOMY, &clock);
    assert!(poll_once(publisher.wanted(), &wakes).is_pending());
    let taker = claim(&hub, Claim::TakeOver, &clock).unwrap();
    assert_eq!(wakes.get(), 1);
    let lost = Err(PublishError::TakenOver { name: name("cam") });
    assert_eq!(poll_once(publisher.wanted(), &wakes), Poll::Ready(lost));

    assert!(poll_once(taker.wanted(), &wakes).is_pending());
    hub.shut_down();
    assert_eq!(wakes.get(), 2);
    let closed = Err(PublishError::Closed { name: name("cam"), reason: Closed::ShuttingDown });
    assert_eq!(poll_once(taker.wanted(), &wakes), Poll::Ready(closed));
}

#[test]
fn a_one_shot_publisher_is_never_told_to_rest() {
    let clock = Clock::new();
    let hub = Hub::new(ROOMY);
    let one_shot = claim(&hub, Claim::Shared, &clock).unwrap();
    let wakes = Arc::new(WakeCount::default());
    assert_eq!(poll_once(one_shot.wanted(), &wakes), Poll::Ready(Ok(())));
    assert!(poll_once(one_shot.unwanted(), &wakes).is_pending());
}

#[test]
fn a_publisher_that_has_gone_leaves_no_waker_behind() {
    let clock = Clock::new();
    let (_hub, publisher) = cam(ROOMY, &clock);
    let wakes = Arc::new(WakeCount::default());
    assert!(poll_once(publisher.wanted(), &wakes).is_pending());
    drop(publisher);
    let task: Weak<WakeCount> = Arc::downgrade(&wakes);
    drop(wakes);
    assert!(task.upgrade().is_none(), "its task's memory is free");
}

#[test]
fn demand_is_told_when_it_is_another() {
    let clock = Clock::new();
    let (hub, publisher) = cam(ROOMY, &clock);
    let wakes = Arc::new(WakeCount::default());
    let none = Demand::default();
    assert!(poll_once(publisher.demand_other_than(none), &wakes).is_pending());
    let viewer = reader(&publisher, Class::Viewer);
    assert_eq!(wakes.get(), 1);
    let one = Demand { viewers: 1, services: 0 };
    assert_eq!(poll_once(publisher.demand_other_than(none), &wakes), Poll::Ready(Ok(one)));
    assert!(poll_once(publisher.demand_other_than(one), &wakes).is_pending());
    let _recorder = reader(&publisher, Class::Service);
    drop(viewer);
    let now = Demand { viewers: 0, services: 1 };
    assert_eq!(poll_once(publisher.demand_other_than(one), &wakes), Poll::Ready(Ok(now)));
    hub.remove(&name("cam"));
    let lost = poll_once(publisher.demand_other_than(now), &wakes);
    assert!(matches!(lost, Poll::Ready(Err(PublishError::Closed { .. }))));
    let shared = hub.publisher(&name("other"), Claim::Shared, clock.now()).unwrap();
    assert!(poll_once(shared.demand_other_than(now), &wakes).is_pending(), "one-shot publishers do not wait");
}
