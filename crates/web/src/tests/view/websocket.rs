//! The WebSocket view, over a real socket.

use base64::Engine;
use http::StatusCode;
use serde_json::json;

use super::super::{
    socket::Message,
    support::{House, eventually, house, picture},
};

fn viewers(house: &House) -> usize {
    house.app.live().stream(&"cam".parse().unwrap()).unwrap().demand().viewers
}

#[tokio::test]
async fn frames_come_as_json() {
    let house = house();
    house.publish("cam", &picture(1));
    let mut socket = house.open("/stream/cam").await;
    let hello = socket.text().await;
    assert_eq!(hello, json!({"type": "status", "message": "Connected to stream 'cam'"}));
    let base64 = |number| base64::engine::general_purpose::STANDARD.encode(picture(number));
    for number in 1..=2 {
        assert_eq!(socket.text().await, json!({"type": "frame", "data": base64(number)}));
        house.publish("cam", &picture(number + 1));
    }
}

#[tokio::test]
async fn frames_come_as_binary_with_their_metadata_before_them() {
    let house = house();
    house.publish("cam", &picture(1));
    let mut socket = house.open("/stream/cam?format=binary&metadata=1").await;
    assert_eq!(socket.text().await["type"], "status");
    let metadata = socket.text().await;
    assert_eq!((&metadata["type"], &metadata["seq"]), (&json!("metadata"), &json!(1)));
    assert_eq!(socket.binary().await, picture(1));
}

#[tokio::test]
async fn the_end_of_the_stream_is_said() {
    let house = house();
    house.publish("cam", &picture(1));
    let mut socket = house.open("/stream/cam?format=binary").await;
    socket.text().await;
    socket.binary().await;
    house.app.live().hub.remove(&"cam".parse().unwrap());
    assert_eq!(socket.text().await, json!({"type": "status", "message": "Stream 'cam' has ended"}));
    assert_eq!(socket.next().await, Message::Close(1000, "the stream has ended".into()));
}

#[tokio::test]
async fn what_is_not_there_is_said_before_the_close() {
    let house = house();
    for (name, words) in
        [("stream_1_gone", "Session not found"), ("robot_7_1", "Session not found"), ("cam", "cam")]
    {
        let mut socket = house.open(&format!("/stream/{name}")).await;
        let said = socket.text().await;
        assert_eq!(said["type"], "error");
        assert!(said["message"].as_str().unwrap().contains(words), "{said}");
        assert!(matches!(socket.next().await, Message::Close(1008, _)));
        let page = house.get(&format!("/stream/{name}/embed")).await;
        assert_eq!(
            (page.status, page.header("content-type")),
            (StatusCode::NOT_FOUND, "text/html; charset=utf-8")
        );
    }
    house.publish("cam", &picture(1));
    assert_eq!(house.get("/stream/cam/embed").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_shutdown_is_said_as_going_away() {
    let house = house();
    house.publish("cam", &picture(1));
    let mut socket = house.open("/stream/cam?format=binary").await;
    socket.text().await;
    socket.binary().await;
    house.shutdown.cancel();
    house.app.live().hub.shut_down();
    assert_eq!(socket.text().await["message"], "Stream 'cam' has ended");
    assert!(matches!(socket.next().await, Message::Close(1001, _)));
}

#[tokio::test]
async fn a_viewer_who_closes_is_answered_and_forgotten() {
    let house = house();
    house.publish("cam", &picture(1));
    let mut socket = house.open("/stream/cam?format=binary").await;
    socket.text().await;
    socket.binary().await;
    assert_eq!(viewers(&house), 1);
    socket.close(1000, "enough").await;
    assert!(matches!(socket.next().await, Message::Close(1000, _)));
    eventually("the viewer is gone", || viewers(&house) == 0).await;
}

/// Larger than all buffers between the two.
fn large(number: u64) -> Vec<u8> {
    [picture(number), vec![0; 8 << 20]].concat()
}

#[tokio::test]
async fn a_slow_reader_skips_to_the_newest_frame() {
    let house = house();
    house.publish("cam", &large(1));
    let mut socket = house.open("/stream/cam?format=binary").await;
    socket.text().await;
    let served =
        || house.app.live().stream(&"cam".parse().unwrap()).unwrap().stats(crate::clock::now()).totals.served;
    eventually("the first is on its way", || served() == 1).await;
    for number in 2..=9 {
        house.publish("cam", &large(number));
    }
    assert!(socket.binary().await == large(1));
    assert!(socket.binary().await == large(9), "those between are old by now");
}
