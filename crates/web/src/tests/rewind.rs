//! `?t=`: a live stream as it was.

use std::time::{Duration, SystemTime};

use http::StatusCode;
use hub::{Claim, Moment};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::Instant,
};

use super::support::{House, house, picture};
use crate::clock::rfc3339;

/// To the millisecond, as a query can name it.
fn ago(secs: u64) -> SystemTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap() - Duration::from_secs(secs);
    SystemTime::UNIX_EPOCH + Duration::from_millis(since.as_millis() as u64)
}

fn moment(start: SystemTime, ms: u64) -> String {
    rfc3339(start + Duration::from_millis(ms))
}

/// A live stream that was recorded for a minute until now, a frame each half second; and since when.
fn recorded_live() -> (House, SystemTime) {
    let house = house();
    house.publish("cam", &picture(0));
    let seconds: Vec<[u64; 2]> = (0..60).map(|s| [s * 1000, s * 1000 + 500]).collect();
    let fragments: Vec<&[u64]> = seconds.iter().map(|times| &times[..]).collect();
    let start = ago(60);
    house.recorded("cam", start, &fragments);
    (house, start)
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_shown_as_it_was_and_played_on() {
    let (house, start) = recorded_live();
    let then = moment(start, 25_200);
    for path in ["/stream/cam", "/stream/cam/mjpeg", "/stream"] {
        let mut view = house.watch(&format!("{path}?t={then}")).await;
        let begun = Instant::now();
        let mut seen = Vec::new();
        for _ in 0..4 {
            seen.push((view.frame().await.unwrap(), begun.elapsed().as_millis()));
        }
        assert_eq!(seen, [(25_000, 0), (25_500, 300), (26_000, 800), (26_500, 1300)], "{path}");
    }
    let still = house.get(&format!("/stream/cam/snapshot.jpg?t={then}")).await;
    assert_eq!((still.status, &still.body[..]), (StatusCode::OK, &picture(25_000)[..]));
    assert_eq!(still.header("x-frame-seq"), "25000");
    assert_eq!(house.get("/stream/cam/snapshot.jpg").await.body, picture(0), "live as ever");
}

#[tokio::test(start_paused = true)]
async fn so_long_ago_is_so_long_ago() {
    let (house, _) = recorded_live();
    for t in ["-30s", "-30", "-0.5m"] {
        // The wall clock may have gone on by now, and does not go back.
        let first = house.watch(&format!("/stream/cam?t={t}")).await.frame().await.unwrap();
        assert!((30_000..60_000).contains(&first), "{t}: {first}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_not_recorded_is_not_there() {
    let (house, _) = recorded_live();
    let answer = house.get("/stream/cam?t=-1h").await;
    assert_eq!((answer.status, &*answer.code()), (StatusCode::NOT_FOUND, "NOT_RECORDED"));
    assert!(answer.json()["error"].as_str().unwrap().contains("is recorded from"), "{:?}", answer.body);
    house.publish("other", &picture(0));
    for path in ["/stream/other", "/stream/other/mjpeg", "/stream/other/snapshot.jpg"] {
        let answer = house.get(&format!("{path}?t=-5s")).await;
        assert_eq!((answer.status, &*answer.code()), (StatusCode::NOT_FOUND, "NOT_RECORDED"), "{path}");
        assert!(answer.json()["error"].as_str().unwrap().contains("\"start\""), "{:?}", answer.body);
    }
    let answer = house.get("/stream/nobody?t=-5s").await;
    assert_eq!((answer.status, &*answer.code()), (StatusCode::NOT_FOUND, "STREAM_NOT_FOUND"));
    for wrong in ["5s", "-", "soon", "2999-01-01T00:00:00Z"] {
        let answer = house.get(&format!("/stream/cam?t={wrong}")).await;
        assert_eq!((answer.status, &*answer.code()), (StatusCode::BAD_REQUEST, "BAD_QUERY"), "{wrong}");
    }
    let nothing = super::support::house().get("/stream?t=-5s").await;
    assert_eq!((nothing.status, &*nothing.code()), (StatusCode::NOT_FOUND, "STREAM_NOT_FOUND"));
}

#[tokio::test(start_paused = true)]
async fn the_past_goes_on_through_the_next_file() {
    let house = house();
    house.publish("cam", &picture(0));
    let start = ago(30);
    house.recorded("cam", start, &[&[0, 500], &[1000, 1500]]);
    house.recorded("cam", start + Duration::from_secs(2), &[&[0, 500]]);
    let mut view = house.watch(&format!("/stream/cam?t={}", moment(start, 600))).await;
    let begun = Instant::now();
    let mut seen = Vec::new();
    while let Some(seq) = view.frame().await {
        seen.push((seq, begun.elapsed().as_millis()));
    }
    assert_eq!(seen, [(500, 0), (1000, 400), (1500, 900), (0, 1400), (500, 1900)]);
}

#[tokio::test(start_paused = true)]
async fn while_a_stream_is_recorded_its_past_has_no_end() {
    let house = house();
    let stream = "cam".parse().unwrap();
    // Live, without a frame: its recorder waits.
    let _publisher = house.app.live().hub.publisher(&stream, Claim::Exclusive, Moment::now()).unwrap();
    assert_eq!(house.post("/api/streams/cam/recording?action=start", "").await.json()["state"], "waiting");
    let start = ago(30);
    house.recorded("cam", start, &[&[0, 500]]);
    let mut view = house.watch(&format!("/stream/cam?t={}", moment(start, 0))).await;
    assert_eq!((view.frame().await, view.frame().await), (Some(0), Some(500)));
    let next = tokio::spawn(async move { (view.frame().await, view) });
    tokio::time::sleep(Duration::from_secs(60)).await;
    house.recorded("cam", start + Duration::from_secs(2), &[&[1000, 1500]]);
    let (seq, mut view) = next.await.unwrap();
    assert_eq!((seq, view.frame().await), (Some(1000), Some(1500)));
    assert_eq!(house.post("/api/streams/cam/recording?action=stop", "").await.status, StatusCode::OK);
    assert_eq!(view.frame().await, None);
}

/// With the real recorder: its file is still growing.
#[tokio::test]
async fn the_running_recording_is_rewound() {
    let house = house();
    let now = Moment::now();
    let before = |ms: u64| Moment {
        mono: now.mono - Duration::from_millis(ms),
        wall: now.wall - Duration::from_millis(ms),
    };
    house.publish_at("cam", &picture(0), before(10_000));
    assert_eq!(house.post("/api/streams/cam/recording?action=start", "").await.status, StatusCode::OK);
    for i in 1..20 {
        house.publish_at("cam", &picture(i), before(10_000 - i * 500));
    }
    // A clip has everything written that was published.
    assert_eq!(house.post("/api/streams/cam/clip", "").await.status, StatusCode::CREATED);

    let then = rfc3339(before(4900).wall);
    let mut view = house.watch(&format!("/stream/cam?t={then}")).await;
    assert_eq!((view.frame().await, view.frame().await), (Some(11), Some(12)));
    let mut view = house.watch("/stream/cam?t=-0s").await;
    assert_eq!(view.frame().await, Some(20), "what is not written yet is the newest that is");
    let state = house.get("/api/streams/cam/recording").await.json();
    assert_eq!((&state["state"], &state["total_frames"]), (&"recording".into(), &20.into()));
}

/// The WebSocket view over a real socket.
#[tokio::test]
async fn the_websocket_view_shows_the_past_too() {
    let (house, start) = recorded_live();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(crate::serve(listener, house.app.clone()));
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /stream/cam?t={}&format=binary HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        moment(start, 5100)
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut received = Vec::new();
    while !String::from_utf8_lossy(&received).contains("<picture at 5500>") {
        let read = socket.read_buf(&mut received).await.unwrap();
        assert_ne!(read, 0, "{}", String::from_utf8_lossy(&received));
    }
    let text = String::from_utf8_lossy(&received);
    assert!(text.starts_with("HTTP/1.1 101") && text.contains("Connected to stream 'cam'"), "{text}");
    house.shutdown.cancel();
    serving.await.unwrap();
}
