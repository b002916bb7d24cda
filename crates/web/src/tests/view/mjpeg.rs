//! MJPEG over HTTP, part by part.

use std::time::Duration;

use http::{Method, StatusCode};
use tokio::time::Instant;

use super::super::support::{house, house_with, picture, settings};
use crate::Settings;

fn text(number: u64) -> String {
    String::from_utf8_lossy(&picture(number)).into_owned()
}

#[tokio::test]
async fn parts_have_their_length_for_every_reader_but_browsers() {
    let house = house();
    house.publish("cam", &picture(1));
    for uri in ["/stream/cam", "/stream/cam/mjpeg", "/stream", "/stream/cam?advance_headers=0"] {
        let mut view = house.watch(uri).await;
        assert_eq!(view.part().await.unwrap(), "--frame\r\n", "{uri}");
        let part = view.part().await.unwrap();
        let (head, body) = part.split_once("\r\n\r\n").unwrap();
        let lines: Vec<&str> = head.split("\r\n").collect();
        let length = format!("Content-Length: {}", picture(1).len());
        assert_eq!((lines[0], lines[1], lines[3]), ("Content-Type: image/jpeg", &*length, "X-Frame-Seq: 1"));
        assert!(lines[2].starts_with("X-Timestamp: ") && lines.len() == 4, "{head}");
        assert_eq!(body, format!("{}\r\n--frame\r\n", text(1)));
    }
}

#[tokio::test]
async fn browsers_get_the_next_parts_headers_ahead() {
    let house = house();
    house.publish("cam", &picture(1));
    let ahead = "--frame\r\nContent-Type: image/jpeg\r\n\r\n";
    let mut view = house.watch("/stream/cam?advance_headers=1").await;
    assert_eq!(view.part().await.unwrap(), ahead);
    assert_eq!(view.part().await.unwrap(), format!("{}\r\n{ahead}", text(1)));
}

#[tokio::test]
async fn the_newest_frame_is_next_and_the_end_is_the_streams() {
    let house = house();
    house.publish("cam", &picture(1));
    let mut view = house.watch("/stream/cam").await;
    assert_eq!(view.frame().await, Some(1));
    for number in 2..=9 {
        house.publish("cam", &picture(number));
    }
    assert_eq!(view.frame().await, Some(9), "what is old by now is skipped");
    house.app.live().hub.remove(&"cam".parse().unwrap());
    assert_eq!(view.part().await.as_deref(), Some("--frame--\r\n"));
    assert_eq!(view.part().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_rate_is_kept_to() {
    let house = house();
    house.publish("cam", &picture(1));
    let mut view = house.watch("/stream/cam?fps=2").await;
    let begun = Instant::now();
    for number in 2..=4 {
        view.frame().await.unwrap();
        house.publish("cam", &picture(number));
    }
    assert_eq!((view.frame().await, begun.elapsed()), (Some(4), Duration::from_millis(1500)));
}

#[tokio::test(start_paused = true)]
async fn an_idle_stream_sends_heartbeats() {
    let house = house();
    house.publish("cam", &picture(1));
    let mut plain = house.watch("/stream/cam").await;
    let mut browsers = house.watch("/stream/cam?advance_headers=1").await;
    assert_eq!(plain.frame().await, Some(1));
    while !browsers.part().await.unwrap().contains(&text(1)) {}
    let begun = Instant::now();
    assert_eq!(plain.part().await.unwrap(), "X-Heartbeat: 1\r\n");
    assert!(browsers.part().await.unwrap().starts_with(&text(1)), "the newest frame once more");
    assert_eq!(begun.elapsed(), Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn the_default_stream_waits_with_a_picture_and_follows() {
    let house = house();
    let mut view = house.watch("/stream").await;
    assert_eq!(view.frame().await, Some(0), "the waiting picture");
    house.publish("first", &picture(1));
    assert_eq!(view.frame().await, Some(1));
    house.app.live().hub.remove(&"first".parse().unwrap());
    house.publish("second", &picture(2));
    house.publish("second", &picture(3));
    assert_eq!(view.frame().await, Some(2), "its second frame");
    house.app.live().hub.shut_down();
    assert_eq!(view.frame().await, None);
}

#[tokio::test(start_paused = true)]
async fn the_demo_gives_way_to_the_first_that_is_published() {
    let demo = Some("demo".parse().unwrap());
    let house = house_with(Settings { demo_stream: demo, ..settings() });
    house.publish("demo", &picture(1));
    let mut view = house.watch("/stream").await;
    assert_eq!(view.frame().await, Some(1));
    house.publish("cam", &picture(1));
    house.publish("cam", &picture(2));
    assert_eq!(view.frame().await, Some(2), "of the new stream");
    house.publish("demo", &picture(1));
    assert_eq!(house.get("/stats").await.json()["stream"], "cam");
    assert_eq!(house.get("/api/streams").await.json()["default"], "cam");
    house.app.live().hub.remove(&"cam".parse().unwrap());
    assert_eq!(house.get("/stats").await.json()["stream"], "demo");
}

#[tokio::test]
async fn a_view_says_what_it_is() {
    let house = house();
    house.publish("cam", &picture(1));
    let answer = house.send(Method::HEAD, "/stream/cam", &[], "").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "multipart/x-mixed-replace; boundary=frame");
    assert_eq!(answer.header("cache-control"), "no-cache, no-store, must-revalidate");
    assert_eq!((answer.header("pragma"), answer.header("x-accel-buffering")), ("no-cache", "no"));
    let missing = house.get("/stream/other").await;
    assert_eq!((missing.status, &*missing.code()), (StatusCode::NOT_FOUND, "STREAM_NOT_FOUND"));
}
