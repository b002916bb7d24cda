//! The wall, over a real socket.

use serde_json::{Value, json};
use wire::wall::FrameHeader;

use super::super::{
    socket::{Message, Socket},
    support::{house, house_with, jpeg, picture, settings},
};
use crate::Settings;

/// A frame as the wall sends it: stream, number, frames skipped, JPEG.
type Seen = (String, u64, u64, Vec<u8>);

impl Socket {
    async fn watch(&mut self, streams: Value) {
        self.say(&json!({"type": "watch", "streams": streams}).to_string()).await;
    }

    async fn shown(&mut self, stream: &str, seq: u64) {
        self.say(&json!({"type": "shown", "stream": stream, "seq": seq}).to_string()).await;
    }

    /// The next frame; lists are passed over, and nothing else.
    async fn frame(&mut self) -> Seen {
        loop {
            match self.next().await {
                Message::Binary(bytes) => {
                    let (header, jpeg) = FrameHeader::decode(&bytes).unwrap();
                    return (header.stream.into_owned(), header.seq, header.skipped, jpeg.to_vec());
                }
                Message::Text(text) if text.contains(r#""type":"streams""#) => {}
                other => panic!("no frame: {other:?}"),
            }
        }
    }

    /// The next text that is no list; a frame before it fails.
    async fn said(&mut self) -> Value {
        loop {
            let text = self.text().await;
            if text["type"] != "streams" {
                return text;
            }
        }
    }

    /// Whatever the wall wants to send is sent before it answers this.
    async fn nothing_comes(&mut self) {
        for _ in 0..3 {
            self.say("?").await;
            assert_eq!(self.said().await["type"], "error");
        }
    }
}

#[tokio::test]
async fn it_lists_the_streams_at_once() {
    let house = house();
    house.publish("a", &picture(1));
    house.publish("b", &picture(1));
    let list = house.open("/api/wall").await.text().await;
    let names: Vec<&Value> = list["streams"].as_array().unwrap().iter().map(|s| &s["name"]).collect();
    assert_eq!((&list["type"], &list["default"]), (&json!("streams"), &json!("a")));
    assert_eq!(names, [&json!("a"), &json!("b")]);
}

#[tokio::test]
async fn it_keeps_to_the_rate_that_viewers_usually_get() {
    let house = house_with(Settings { stream_fps: Some(0.001), ..settings() });
    house.publish("a", &picture(1));
    let mut socket = house.open("/api/wall").await;
    for wish in [json!({}), json!({"fps": 59}), json!({"fps": 0})] {
        socket.watch(json!({"a": wish})).await;
    }
    assert_eq!(socket.frame().await.1, 1);
    socket.shown("a", 1).await;
    house.publish("a", &picture(2));
    socket.nothing_comes().await;
}

#[tokio::test]
async fn the_streams_that_are_watched_come_and_no_others() {
    let house = house();
    for name in ["a", "b", "c"] {
        house.publish(name, &picture(1));
    }
    let mut wall = house.open("/api/wall").await;
    wall.watch(json!({"a": {}, "c": {}})).await;
    let mut seen = [wall.frame().await, wall.frame().await];
    seen.sort();
    assert_eq!(seen, ["a", "c"].map(|name| (name.to_owned(), 1, 0, picture(1))));
    wall.watch(json!({"b": {}})).await;
    assert_eq!(wall.frame().await.0, "b");
    house.publish("a", &picture(2));
    wall.nothing_comes().await;
}

#[tokio::test]
async fn at_most_two_frames_are_not_acknowledged() {
    let house = house();
    house.publish("cam", &picture(1));
    let mut wall = house.open("/api/wall").await;
    wall.watch(json!({"cam": {}})).await;
    assert_eq!(wall.frame().await.1, 1);
    house.publish("cam", &picture(2));
    assert_eq!(wall.frame().await.1, 2);
    for number in 3..=6 {
        house.publish("cam", &picture(number));
    }
    wall.nothing_comes().await;
    wall.shown("cam", 1).await;
    assert_eq!(wall.frame().await, ("cam".into(), 6, 3, picture(6)), "the newest, and how many it skipped");
    house.publish("cam", &picture(7));
    wall.nothing_comes().await;
    wall.shown("cam", 6).await;
    assert_eq!(wall.frame().await.1, 7, "showing one shows those before it");
}

#[tokio::test]
async fn a_tile_is_as_large_as_wanted() {
    let house = house();
    house.publish("cam", &jpeg(64, 48));
    let mut wall = house.open("/api/wall").await;
    wall.watch(json!({"cam": {"width": 32}})).await;
    let (_, seq, _, small) = wall.frame().await;
    let small = media::jpeg::decode(&small, 10_000).unwrap();
    assert_eq!((seq, small.width, small.height), (1, 32, 24));
    wall.shown("cam", 1).await;
    // Another size of the same stream.
    wall.watch(json!({"cam": {"width": 16}})).await;
    let tiny = media::jpeg::decode(&wall.frame().await.3, 10_000).unwrap();
    assert_eq!((tiny.width, tiny.height), (16, 12));
}

#[tokio::test]
async fn where_no_more_renditions_are_made_a_tile_is_as_published() {
    let house = house();
    house.publish("cam", &jpeg(64, 48));
    // The two that this house makes.
    let _first = house.watch("/stream/cam?width=16").await;
    let _second = house.watch("/stream/cam?width=20").await;
    let mut wall = house.open("/api/wall").await;
    wall.watch(json!({"cam": {"width": 32}})).await;
    assert_eq!(wall.frame().await.3, jpeg(64, 48));
}

#[tokio::test]
async fn a_stream_may_come_later_end_and_come_again() {
    let house = house();
    let mut wall = house.open("/api/wall").await;
    wall.watch(json!({"late": {}})).await;
    wall.nothing_comes().await;
    house.publish("late", &picture(1));
    assert_eq!(wall.frame().await, ("late".into(), 1, 0, picture(1)));
    house.app.live().hub.remove(&"late".parse().unwrap());
    let gone = wall.said().await;
    assert_eq!((&gone["type"], &gone["stream"]), (&json!("gone"), &json!("late")));
    assert_eq!(gone["message"], "stream 'late' has ended: it was deleted");
    house.publish("late", &picture(2));
    assert_eq!(wall.frame().await.3, picture(2));
}

#[tokio::test]
async fn nonsense_is_answered_and_a_shutdown_closes_it() {
    let house = house();
    let mut wall = house.open("/api/wall").await;
    wall.say("hello").await;
    let error = wall.said().await;
    assert!(error["message"].as_str().unwrap().starts_with("not a message of the wall"), "{error}");
    house.app.live().hub.shut_down();
    loop {
        match wall.next().await {
            Message::Close(code, reason) => {
                assert_eq!((code, &*reason), (1001, "the hub is shutting down"));
                return;
            }
            Message::Text(_) => {}
            other @ Message::Binary(_) => panic!("{other:?}"),
        }
    }
}
