//! The map of streams: limits, names and epochs, statistics, and the news of streams that come and go.

#![cfg(not(loom))]
#![allow(clippy::unwrap_used)]

mod support;

use std::{sync::Arc, task::Poll, time::Duration};

use hub::{Claim, ClaimError, Class, Hub, Limits, Publisher, Rule, Start, Totals};
use support::{Clock, ROOMY, WakeCount, cam, drain, h264, jpeg, name, poll_once};

fn publisher(hub: &Hub, stream: &str, clock: &Clock) -> Publisher {
    hub.publisher(&name(stream), Claim::Exclusive, clock.now()).unwrap()
}

fn oldest(hub: &Hub) -> Option<String> {
    hub.oldest_of(|_| true).map(|stream| stream.name().to_string())
}

#[test]
fn the_oldest_is_the_one_made_first_of_those_that_live() {
    let clock = Clock::new();
    let hub = Hub::new(ROOMY);
    assert_eq!(oldest(&hub), None);
    for stream in ["b", "a", "c"] {
        publisher(&hub, stream, &clock);
    }
    assert_eq!(oldest(&hub).as_deref(), Some("b"));
    assert!(hub.remove(&name("b")));
    assert_eq!(oldest(&hub).as_deref(), Some("a"));
    publisher(&hub, "b", &clock);
    assert_eq!(oldest(&hub).as_deref(), Some("a"), "a re-created stream is a young one");
    let names: Vec<String> = hub.streams().iter().map(|s| s.name().to_string()).collect();
    assert_eq!(names, ["a", "b", "c"], "in the order of their names");
}

#[test]
fn live_streams_are_limited_and_ended_ones_make_room() {
    let clock = Clock::new();
    let hub = Hub::new(Limits { streams: 2, ..ROOMY });
    let refused = Err(ClaimError::StreamLimit { limit: 2 });
    publisher(&hub, "a", &clock);
    publisher(&hub, "b", &clock);
    assert_eq!(hub.check_claim(&name("c"), Claim::TakeOver, clock.now()), refused);
    assert_eq!(hub.publisher(&name("c"), Claim::Shared, clock.now()).map(|_| ()), refused);
    assert_eq!(hub.check_claim(&name("a"), Claim::Shared, clock.now()), Ok(()), "it is there already");
    assert!(hub.remove(&name("a")));
    assert!(!hub.remove(&name("a")), "it is gone already");
    publisher(&hub, "c", &clock);
    assert_eq!(hub.len(), 2);
}

#[test]
fn a_hub_that_has_shut_down_stays_so() {
    let clock = Clock::new();
    let (hub, _publisher) = cam(ROOMY, &clock);
    hub.shut_down();
    assert!(hub.is_empty());
    let refused = Err(ClaimError::ShuttingDown);
    assert_eq!(hub.check_claim(&name("cam"), Claim::Source, clock.now()), refused);
    assert_eq!(hub.publisher(&name("cam"), Claim::TakeOver, clock.now()).map(|_| ()), refused);
}

#[test]
fn only_idle_streams_are_swept() {
    let mut clock = Clock::new();
    let hub = Hub::new(ROOMY);
    let timeout = Duration::from_secs(30);
    let (a, _b) = (publisher(&hub, "a", &clock), publisher(&hub, "b", &clock));
    clock.advance(timeout - Duration::from_nanos(1));
    assert_eq!(hub.sweep(timeout, clock.now()), []);
    a.publish(jpeg(1), clock.now()).unwrap();
    publisher(&hub, "c", &clock);
    clock.advance(Duration::from_nanos(1));
    assert_eq!(hub.sweep(timeout, clock.now()), [name("b")]);
    clock.advance(timeout);
    assert_eq!(hub.sweep(timeout, clock.now()), [name("a"), name("c")]);
}

#[test]
fn a_stream_tells_all_about_itself() {
    let mut clock = Clock::new();
    let (hub, publisher) = cam(ROOMY, &clock);
    let created = clock.now().wall;
    let fresh = hub.stats(clock.now()).streams.remove(0);
    assert_eq!((fresh.last_frame, fresh.format, fresh.frame_bytes, fresh.newest_seq), (None, None, None, 0));
    assert_eq!((fresh.fps, fresh.bytes_per_sec), (0.0, 0.0));

    let viewer = publisher.stream().subscribe(Rule::Latest, Class::Viewer, Start::Newest).unwrap();
    for bytes in [10, 20, 30] {
        clock.advance(Duration::from_millis(500));
        publisher.publish(h264(bytes, true), clock.now()).unwrap();
    }
    let last_frame = clock.now().wall;
    clock.advance(Duration::from_millis(250));
    let stats = hub.stats(clock.now()).streams.remove(0);
    assert_eq!((stats.name, stats.epoch, stats.created), (name("cam"), 1, created));
    assert_eq!((stats.uptime, stats.inactive), (Duration::from_millis(1750), Duration::from_millis(250)));
    assert_eq!((stats.last_frame, stats.format), (Some(last_frame), Some(h264(30, true).format)));
    assert_eq!((stats.frame_bytes, stats.newest_seq), (Some(30), 3));
    assert_eq!((stats.buffered_frames, stats.buffered_bytes, stats.buffer_capacity), (3, 60, 8));
    assert_eq!((stats.fps, stats.bytes_per_sec), (2.0, 50.0));
    assert_eq!((stats.demand.viewers, stats.demand.services, stats.claimed), (1, 0, true));
    drop((publisher, viewer));
    let stats = hub.stats(clock.now()).streams.remove(0);
    assert_eq!((stats.demand.viewers, stats.claimed), (0, false));
}

#[test]
fn counters_outlive_readers_and_streams_and_count_only_viewers_as_served() {
    let clock = Clock::new();
    let (hub, publisher) = cam(ROOMY, &clock);
    let subscribe = |rule, class| publisher.stream().subscribe(rule, class, Start::Newest).unwrap();
    let mut viewer = subscribe(Rule::Latest, Class::Viewer);
    let mut service = subscribe(Rule::Latest, Class::Service);
    for _ in 0..3 {
        publisher.publish(jpeg(10), clock.now()).unwrap();
    }
    publisher.stream().count_rejected();
    drain(&mut viewer);
    drain(&mut service);
    let expected = Totals { frames: 3, bytes: 30, rejected: 1, served: 1, skipped: 2, ..Totals::default() };
    assert_eq!(publisher.stream().stats(clock.now()).totals, expected);
    drop((viewer, service));
    assert_eq!(publisher.stream().stats(clock.now()).totals, expected);
    assert!(hub.remove(&name("cam")));
    assert_eq!(hub.stats(clock.now()).totals, expected);

    let again = self::publisher(&hub, "cam", &clock);
    again.publish(jpeg(1), clock.now()).unwrap();
    assert_eq!(again.stream().stats(clock.now()).totals.frames, 1);
    assert_eq!(hub.stats(clock.now()).totals, Totals { frames: 4, bytes: 31, ..expected });
}

#[test]
fn changes_are_told_once_each_to_whoever_watches() {
    let clock = Clock::new();
    let hub = Hub::new(ROOMY);
    let wakes = Arc::new(WakeCount::default());
    let mut changes = hub.changes();
    assert!(poll_once(changes.changed(), &wakes).is_pending());
    publisher(&hub, "a", &clock);
    publisher(&hub, "b", &clock);
    assert_eq!(wakes.get(), 1);
    assert_eq!(poll_once(changes.changed(), &wakes), Poll::Ready(()), "both at once");
    assert!(poll_once(changes.changed(), &wakes).is_pending());
    publisher(&hub, "a", &clock);
    assert_eq!(wakes.get(), 1, "a known stream is no news");
    assert!(hub.remove(&name("a")));
    assert_eq!(wakes.get(), 2);
    assert!(poll_once(hub.changes().changed(), &wakes).is_pending(), "a new watch begins now");
    drop(changes);
    assert_eq!(Arc::strong_count(&wakes), 1, "a watch that ended keeps no waker");
}

#[test]
fn the_shutdown_of_an_empty_hub_is_told_too() {
    let hub = Hub::new(ROOMY);
    let wakes = Arc::new(WakeCount::default());
    let mut changes = hub.changes();
    assert!(poll_once(changes.changed(), &wakes).is_pending());
    hub.shut_down();
    assert_eq!(wakes.get(), 1);
    assert_eq!(poll_once(changes.changed(), &wakes), Poll::Ready(()));
}
