//! Recording on request, clips, and what the statistics say of it.

use http::StatusCode;

use super::support::house;

pub(super) const JPEG: &[u8] = &[0xFF, 0xD8, 1, 2, 3, 0xFF, 0xD9];

#[tokio::test]
async fn a_stream_is_recorded_on_request_and_not_any_more() {
    let house = house();
    house.publish("cam", JPEG);
    let off = house.get("/api/streams/cam/recording").await.json();
    assert_eq!((&off["state"], &off["recording"]), (&"off".into(), &false.into()));

    let started = house.post("/api/streams/cam/recording", r#"{"action":"start"}"#).await;
    assert_eq!(started.status, StatusCode::OK);
    let started = started.json();
    assert_eq!((&started["status"], &started["stream"]), (&"success".into(), &"cam".into()));
    assert_ne!(started["state"], "off");
    assert!(started["message"].is_string() && started["started_at"].is_string());
    for field in ["error", "file", "duration_seconds", "total_frames", "size_bytes", "frames_lost"] {
        assert!(started.get(field).is_some(), "{field}");
    }
    let state = house.get("/api/streams/cam/recording").await.json();
    assert_ne!(state["state"], "off");

    house.publish("cam", JPEG);
    let stopped = house.post("/api/streams/cam/recording?action=stop", "").await;
    assert_eq!(stopped.status, StatusCode::OK);
    assert_eq!(stopped.json()["state"], "off");
    assert_eq!(house.get("/api/streams/cam/recording").await.json()["state"], "off");
    let again = house.post("/api/streams/cam/recording?action=stop", "").await;
    assert_eq!((again.status, &*again.code()), (StatusCode::CONFLICT, "NOT_RECORDING"));
    let list = house.get("/api/recordings?stream=cam").await.json();
    assert_eq!(list["count"], 1);
}

#[tokio::test]
async fn what_cannot_be_done_is_said() {
    let house = house();
    for (path, body) in
        [("recording", r#"{"action":"start"}"#), ("recording", r#"{"action":"stop"}"#), ("clip", "")]
    {
        let answer = house.post(&format!("/api/streams/nobody/{path}"), body).await;
        assert_eq!((answer.status, &*answer.code()), (StatusCode::NOT_FOUND, "STREAM_NOT_FOUND"), "{path}");
    }
    let answer = house.get("/api/streams/nobody/recording").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    house.publish("cam", JPEG);
    for body in ["", "{}", r#"{"action":"pause"}"#, "nonsense", "[]"] {
        let answer = house.post("/api/streams/cam/recording", body).await;
        assert_eq!((answer.status, &*answer.code()), (StatusCode::BAD_REQUEST, "BAD_BODY"), "{body}");
    }
    for seconds in ["0", "0.5", "3601", "-1", "1e99"] {
        let answer = house.post("/api/streams/cam/clip", &format!("{{\"seconds\":{seconds}}}")).await;
        assert_eq!((answer.status, &*answer.code()), (StatusCode::BAD_REQUEST, "BAD_QUERY"), "{seconds}");
    }
}

#[tokio::test]
async fn a_clip_is_saved_of_what_there_is() {
    let house = house();
    house.publish("cam", JPEG);
    house.publish("cam", JPEG);
    let clip = house.post("/api/streams/cam/clip", r#"{"seconds":60}"#).await;
    assert_eq!(clip.status, StatusCode::CREATED);
    let clip = clip.json();
    assert_eq!(clip["recording"]["kind"], "clip");
    assert!(clip["seconds"].as_f64().unwrap() < 60.0);
    let fetched = house.get(clip["recording"]["url"].as_str().unwrap()).await;
    assert_eq!(fetched.status, StatusCode::OK);
}

#[tokio::test]
async fn the_statistics_say_which_streams_are_recorded() {
    let house = house();
    house.publish("cam", JPEG);
    let list = house.get("/api/streams").await.json();
    assert_eq!(list["streams"][0]["recording"], false);
    let detail = house.get("/api/streams/cam/stats").await.json();
    assert_eq!((&detail["recording"], &detail["recorder"]["state"]), (&false.into(), &"off".into()));
    assert_eq!(house.get("/health").await.json()["recording_enabled"], false);
    assert_eq!(house.get("/health").await.json()["config"]["retention_days"], 36_500);
    let metrics = String::from_utf8(house.get("/metrics").await.body.to_vec()).unwrap();
    for name in [
        "framehub_recordings_active 0",
        "framehub_recorded_frames_total 0",
        "framehub_recorded_bytes_total 0",
        "framehub_recorded_lost_total 0",
    ] {
        assert!(metrics.contains(name), "{name}\n{metrics}");
    }
}
