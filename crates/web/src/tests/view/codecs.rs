//! A view gets frames that it can show, or a refusal: never another codec's bytes as a JPEG.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::json;

use super::super::{
    socket::{Message, Socket},
    support::{House, eventually, house, house_with, picture, settings},
};

const H264: &[u8] = b"\0\0\0\x01 an access unit";

/// A stream whose newest frame is H.264.
fn filmed() -> House {
    let house = house();
    house.publish_h264("cam", H264);
    house
}

#[tokio::test(start_paused = true)]
async fn every_view_of_another_codec_is_refused() {
    let house = filmed();
    for uri in [
        "/stream/cam",
        "/stream/cam?fps=5",
        "/stream/cam?width=32",
        "/stream/cam/mjpeg",
        "/stream/cam/mjpeg?advance_headers=1",
        "/stream/cam/snapshot.jpg",
        "/stream/cam/snapshot.jpg?after=0",
        "/stream/cam/snapshot.jpg?quality=50",
        "/stream",
        "/stream?width=32",
    ] {
        let answer = house.get(uri).await;
        assert_eq!((answer.status.as_u16(), &*answer.code()), (406, "CODEC_UNAVAILABLE"), "{uri}");
        let error = answer.json()["error"].to_string();
        assert!(error.contains("'cam' is H.264") && error.contains("publish it as JPEG"), "{error}");
    }
    let stats = house.get("/api/streams/cam/stats").await.json();
    assert_eq!((&stats["viewer_count"], &stats["frames_served"]), (&json!(0), &json!(0)));
    assert_eq!(stats["renditions"], json!([]));
}

#[tokio::test]
async fn the_robots_stream_is_refused_too() {
    let mut settings = settings();
    settings.robot.stream = Some("cam".parse().unwrap());
    settings.auth.keys.push(access::Key {
        name: "robot".into(),
        digest: access::Key::digest_of("robot"),
        scopes: [access::Scope::View].into_iter().collect(),
        streams: vec!["*".parse().unwrap()],
        expires: None,
    });
    let house = house_with(settings);
    house.publish_h264("cam", H264);
    let answer = house.send(Method::GET, "/api/robot/stream", &[("x-api-key", "robot")], "").await;
    assert_eq!((answer.status.as_u16(), &*answer.code()), (406, "CODEC_UNAVAILABLE"));
}

#[tokio::test]
async fn a_websocket_is_refused_before_it_opens() {
    let house = filmed();
    for uri in ["/stream/cam", "/stream/cam?format=binary"] {
        assert_eq!(house.handshake(uri).await.unwrap_err(), StatusCode::NOT_ACCEPTABLE, "{uri}");
    }
}

#[tokio::test]
async fn the_wall_says_which_stream_it_cannot_show() {
    let house = filmed();
    house.publish("other", &picture(1));
    let mut wall = house.open("/api/wall").await;
    wall.say(r#"{"type":"watch","streams":{"cam":{},"other":{}}}"#).await;
    let (mut refusal, mut shown) = (None, None);
    // Within so many messages: the list of streams keeps coming, so that a missing refusal must not wait for ever.
    for _ in 0..100 {
        if refusal.is_some() && shown.is_some() {
            break;
        }
        match wall.next().await {
            Message::Text(text) if text.contains(r#""type":"error""#) => refusal = Some(text),
            Message::Text(_) => {}
            Message::Binary(bytes) => shown = Some(bytes),
            other @ Message::Close(..) => panic!("{other:?}"),
        }
    }
    assert!(refusal.expect("a refusal").contains("stream 'cam' is H.264"));
    assert!(shown.expect("the other stream").ends_with(&picture(1)), "the other stream's");
}

#[tokio::test(start_paused = true)]
async fn frames_of_another_codec_are_left_out_of_a_stream() {
    for uri in ["/stream/cam", "/stream", "/stream/cam?fps=1000"] {
        let house = house();
        house.publish("cam", &picture(1));
        let mut view = house.watch(uri).await;
        assert_eq!(view.frame().await, Some(1));
        let next = tokio::spawn(async move { view.frame().await });
        house.publish_h264("cam", H264);
        // Returns once everyone waits: the view, for another frame.
        tokio::time::sleep(Duration::from_millis(100)).await;
        house.publish("cam", &picture(3));
        assert_eq!(next.await.unwrap(), Some(3), "{uri}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_does_not_repeat_another_codec() {
    for uri in ["/stream/cam?advance_headers=1", "/stream?advance_headers=1"] {
        let house = house();
        house.publish("cam", &picture(1));
        let mut view = house.watch(uri).await;
        while !view.part().await.unwrap().contains("<picture at 1>") {}
        house.publish_h264("cam", H264);
        for _ in 0..2 {
            let part = view.part().await.unwrap();
            assert!(!part.contains("access unit") && part.len() > 1000, "the waiting picture: {part:.40}");
        }
    }
}

#[tokio::test]
async fn sockets_leave_frames_of_another_codec_out() {
    let house = house();
    house.publish("cam", &picture(1));
    let mut viewer = house.open("/stream/cam?format=binary").await;
    let mut wall = house.open("/api/wall").await;
    assert_eq!(viewer.text().await["type"], "status");
    assert_eq!(viewer.binary().await, picture(1));
    wall.say(r#"{"type":"watch","streams":{"cam":{}}}"#).await;
    let seen = async |wall: &mut Socket| loop {
        if let Message::Binary(bytes) = wall.next().await {
            return bytes;
        }
    };
    assert!(seen(&mut wall).await.ends_with(&picture(1)));
    house.publish_h264("cam", H264);
    eventually("both have passed it over", || {
        let stats = house.app.live().stream(&"cam".parse().unwrap()).unwrap().stats(crate::clock::now());
        stats.totals.served + stats.totals.skipped >= 4
    })
    .await;
    house.publish("cam", &picture(3));
    assert_eq!(viewer.binary().await, picture(3));
    let tile = seen(&mut wall).await;
    let (header, jpeg) = wire::wall::FrameHeader::decode(&tile).unwrap();
    assert_eq!((header.seq, header.skipped, jpeg), (3, 1, &picture(3)[..]));
}

#[tokio::test]
async fn what_cannot_be_decoded_is_not_analysed() {
    let (house, _) = super::super::analysis::house(1, None);
    house.publish_h264("cam", H264);
    let answer = house.post("/api/streams/cam/analysis", r#"{"pipeline":"length"}"#).await;
    assert_eq!((answer.status, &*answer.code()), (StatusCode::NOT_ACCEPTABLE, "CODEC_UNAVAILABLE"));
}
