//! The live publisher against a scripted hub, over real sockets.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[allow(dead_code)]
mod fake_hub;

use std::time::{Duration, Instant};

use client::Endpoint;
use client::background::{BackgroundPublisher, News, Settings};
use client::publish::Metadata;
use fake_hub::{FakeHub, Seen};

const SETTINGS: Settings =
    Settings { quality: 80, adaptive: true, max_fps: None, retry_delay: Duration::from_millis(50) };

fn start(endpoint: &Endpoint, stream: &str) -> BackgroundPublisher<u8> {
    BackgroundPublisher::start(endpoint, stream, &SETTINGS, |picture, quality| match picture {
        0 => Err("a picture of nothing".to_owned()),
        _ => Ok(vec![*picture, quality]),
    })
    .unwrap()
}

fn publish(live: &BackgroundPublisher<u8>, picture: u8) {
    let offered = live.slot().offer(Metadata::default(), |place| {
        *place = picture;
        Ok::<(), std::convert::Infallible>(())
    });
    assert_eq!(offered, Ok(true));
}

async fn until(what: &str, look: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !look() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn stop(live: BackgroundPublisher<u8>) {
    tokio::task::spawn_blocking(move || live.stop()).await.unwrap();
}

#[tokio::test]
async fn it_connects_before_the_first_picture_and_asks_for_demand() {
    let mut hub = FakeHub::start().await;
    let live = start(&hub.endpoint, "watched");
    assert!(live.wanted(), "the first picture always is");
    assert_eq!(hub.saw().await, Seen::Request("/publish/watched?demand=1".into(), None));
    until("the hub's word", || live.stats().demand.is_some()).await;
    assert_eq!(live.news(), Some(News::Connected));
    publish(&live, 7);
    assert_eq!(hub.saw().await, Seen::Frame(vec![7, 80].into()));
    assert!(live.wanted(), "the stream is watched");
    stop(live).await;
    assert_eq!(hub.saw().await, Seen::Closed(Some(1000)));
}

#[tokio::test]
async fn what_nobody_watches_is_wanted_once() {
    let mut hub = FakeHub::start().await;
    let live = start(&hub.endpoint, "unwatched");
    hub.saw().await;
    until("the hub's word", || live.stats().demand.is_some()).await;
    assert!(live.wanted());
    publish(&live, 7);
    assert_eq!(hub.saw().await, Seen::Frame(vec![7, 80].into()));
    assert!(!live.wanted());
}

#[tokio::test]
async fn a_picture_that_cannot_be_encoded_is_told_and_the_next_is_sent() {
    let mut hub = FakeHub::start().await;
    let live = start(&hub.endpoint, "watched");
    hub.saw().await;
    until("the connection", || live.stats().connected).await;
    live.news();
    publish(&live, 0);
    until("the refusal", || live.stats().refused == 1).await;
    assert_eq!(live.news(), Some(News::Refused("a picture of nothing".into())));
    publish(&live, 9);
    assert_eq!(hub.saw().await, Seen::Frame(vec![9, 80].into()));
}

#[tokio::test]
async fn a_connection_that_breaks_is_opened_again() {
    let mut hub = FakeHub::start().await;
    let live = start(&hub.endpoint, "fragile");
    for _ in 0..3 {
        assert!(matches!(hub.saw().await, Seen::Request(..)));
        publish(&live, 1);
        assert!(matches!(hub.saw().await, Seen::Frame(_)));
    }
    until("the loss", || live.stats().reconnects >= 2).await;
    assert!(live.stats().last_error.is_some());
}

#[tokio::test]
async fn a_refusal_is_no_reason_to_ask_at_once_again() {
    let mut hub = FakeHub::start().await;
    let live = start(&hub.endpoint, "forbidden");
    hub.saw().await;
    until("the refusal", || live.stats().last_error.is_some()).await;
    assert!(live.stats().last_error.unwrap().contains("403"));
    assert!(matches!(live.news(), Some(News::Away(why)) if why.contains("may not publish")));
    assert!(!live.wanted());
    publish(&live, 1);
    let asked = tokio::time::timeout(Duration::from_millis(300), hub.saw()).await;
    assert!(asked.is_err(), "{asked:?}");
}

#[tokio::test]
async fn what_waits_when_it_stops_is_sent() {
    let mut hub = FakeHub::start().await;
    let live = start(&hub.endpoint, "watched");
    publish(&live, 5);
    stop(live).await;
    hub.saw().await;
    assert_eq!(hub.saw().await, Seen::Frame(vec![5, 80].into()));
}
