//! Live analyses through the routes, with an analyser that finds a picture's length, at the pace that the test gives.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
    mpsc,
};

use derive::{Analyser, Reader};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    recorder::JPEG,
    support::{self, House},
};
use crate::view::as_published;

/// Looks once for each word that it is given, where it is to wait for words.
#[derive(Debug)]
pub(super) struct Double {
    ready: AtomicBool,
    go: Option<Mutex<mpsc::Receiver<()>>>,
}

impl Analyser for Double {
    fn name(&self) -> &'static str {
        "length"
    }

    fn ready(&self) -> Result<(), String> {
        if self.ready.load(Ordering::Relaxed) { Ok(()) } else { Err("set REFEREE_YOLO_MODEL".into()) }
    }

    fn analyse(&self, jpeg: &[u8]) -> Result<Value, String> {
        if let Some(go) = &self.go {
            go.lock().unwrap().recv().unwrap();
        }
        if jpeg.len() > JPEG.len() { Err("too long".into()) } else { Ok(json!({ "bytes": jpeg.len() })) }
    }
}

pub(super) fn house(max: usize, go: Option<mpsc::Receiver<()>>) -> (House, Arc<Double>) {
    let double = Arc::new(Double { ready: AtomicBool::new(true), go: go.map(Mutex::new) });
    (support::house_that_analyses(support::settings(), max, vec![double.clone()]), double)
}

async fn start(house: &House, stream: &str) -> (StatusCode, Value) {
    let answer = house.post(&format!("/api/streams/{stream}/analysis"), r#"{"pipeline":"length"}"#).await;
    (answer.status, answer.json())
}

fn results(house: &House, stream: &str) -> Reader {
    let stream = house.app.live().stream(&stream.parse().unwrap()).unwrap();
    let want = as_published().analysed_by(Arc::<str>::from("length"));
    house.app.live().derive.subscribe(&stream, &want).unwrap()
}

#[tokio::test]
async fn results_ride_with_exactly_their_own_frame() {
    let (house, _) = house(2, None);
    house.publish("cam", JPEG);
    let (status, state) = start(&house, "cam").await;
    assert_eq!(
        (status, &state["running"], &state["pipeline"]),
        (StatusCode::OK, &true.into(), &"length".into())
    );
    let mut results = results(&house, "cam");
    for seq in 1..=3 {
        let frame = results.recv().await.unwrap().frame;
        assert_eq!((frame.seq, &frame.payload[..]), (seq, JPEG));
        let metadata: Value = serde_json::from_str(frame.metadata.as_deref().unwrap()).unwrap();
        assert_eq!(metadata["length"]["bytes"], JPEG.len());
        house.publish("cam", JPEG);
    }
    let state = house.get("/api/streams/cam/analysis").await.json();
    assert!(state["frames_analyzed"].as_u64().unwrap() >= 3, "{state}");
    assert!(state["last_seq"].as_u64().unwrap() >= 3, "{state}");
}

#[tokio::test]
async fn the_newest_frame_wins() {
    let (give, go) = mpsc::channel();
    let (house, _) = house(1, Some(go));
    house.publish("cam", JPEG);
    start(&house, "cam").await;
    let mut results = results(&house, "cam");
    // The first is being looked at; of those that come meanwhile only the last is.
    while house.app.live().stream(&"cam".parse().unwrap()).unwrap().demand().services == 0 {
        tokio::task::yield_now().await;
    }
    give.send(()).unwrap();
    assert_eq!(results.recv().await.unwrap().frame.seq, 1);
    house.publish("cam", JPEG);
    tokio::task::yield_now().await;
    (0..5).for_each(|_| house.publish("cam", JPEG));
    (0..2).for_each(|_| give.send(()).unwrap());
    let mut last = 2;
    while last < 7 {
        last = results.recv().await.unwrap().frame.seq;
        assert!([2, 7].contains(&last), "frame {last} was too old to be looked at");
    }
    drop(give);
}

#[tokio::test]
async fn it_stops_by_request_and_with_its_stream() {
    let (house, _) = house(1, None);
    for name in ["a", "b"] {
        house.publish(name, JPEG);
    }
    start(&house, "a").await;
    let mut watching = results(&house, "a");
    let (status, state) = start(&house, "b").await;
    assert_eq!((status, &state["code"]), (StatusCode::SERVICE_UNAVAILABLE, &"ANALYSIS_LIMIT".into()));
    let stopped = house.post("/api/streams/a/analysis", r#"{"pipeline":null}"#).await;
    assert_eq!((stopped.status, &stopped.json()["running"]), (StatusCode::OK, &false.into()));
    while watching.recv().await.is_ok() {}
    assert_eq!(start(&house, "b").await.0, StatusCode::OK);
    house.app.live().hub.remove(&"b".parse().unwrap());
    // The place is free once the end has been noticed.
    while start(&house, "a").await.0 != StatusCode::OK {
        tokio::task::yield_now().await;
    }
    let deleted = house.send(Method::DELETE, "/api/streams/a/analysis", &[], "").await;
    assert_eq!((deleted.status, &deleted.json()["running"]), (StatusCode::OK, &false.into()));
}

#[tokio::test]
async fn what_cannot_be_done_is_said() {
    let (house, double) = house(1, None);
    house.publish("cam", JPEG);
    for (uri, body, status, code) in [
        ("/api/streams/cam/analysis", r#"{"pipeline":"dance"}"#, 400, "UNKNOWN_PIPELINE"),
        ("/api/streams/cam/analysis", "{}", 400, "BAD_BODY"),
        ("/api/streams/cam/analysis", r#"{"pipeline":7}"#, 400, "BAD_BODY"),
        ("/api/streams/gone/analysis", r#"{"pipeline":"length"}"#, 404, "STREAM_NOT_FOUND"),
    ] {
        let answer = house.post(uri, body).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{body}");
    }
    for (uri, status, code) in [
        ("/stream/cam?overlay=length", 409, "ANALYSIS_NOT_RUNNING"),
        ("/stream/cam?overlay=dance", 400, "UNKNOWN_PIPELINE"),
        ("/stream/cam?overlay=length&width=64", 400, "BAD_QUERY"),
        ("/stream/cam?overlay=length&t=-3s", 400, "BAD_QUERY"),
    ] {
        let answer = house.get(uri).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{uri}");
    }
    double.ready.store(false, Ordering::Relaxed);
    let (status, error) = start(&house, "cam").await;
    assert_eq!((status, &error["code"]), (StatusCode::SERVICE_UNAVAILABLE, &"MODEL_NOT_LOADED".into()));
    let state = house.get("/api/streams/cam/analysis").await.json();
    assert_eq!(state["pipelines"][0]["ready"], false);
    assert!(state["pipelines"][0]["reason"].as_str().unwrap().contains("REFEREE_YOLO_MODEL"));
}

#[tokio::test]
async fn a_frame_that_cannot_be_looked_at_is_counted_and_passed_over() {
    let (house, _) = house(1, None);
    let long = [JPEG, &[0]].concat();
    house.publish("cam", &long);
    start(&house, "cam").await;
    let mut results = results(&house, "cam");
    while house.get("/api/streams/cam/analysis").await.json()["frame_errors"] == 0 {
        tokio::task::yield_now().await;
    }
    house.publish("cam", JPEG);
    assert_eq!(results.recv().await.unwrap().frame.seq, 2);
    assert_eq!(house.get("/api/streams/cam/analysis").await.json()["last_error"], "too long");
}
