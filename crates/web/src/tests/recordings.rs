//! Listing and deleting.

use http::{Method, StatusCode};
use serde_json::json;

use super::support::{house, morning, url};

#[tokio::test]
async fn the_list_says_all_that_is_known() {
    let house = house();
    let id = house.recorded("cam", morning(0), &[&[0, 40], &[80]]);
    let list = house.get("/api/recordings").await.json();
    let size = house.store().get(&id).unwrap().size_bytes;
    let recording = &list["recordings"][0];
    // The fields that the stream server's clients read.
    assert_eq!(recording["stream_name"], "cam");
    assert_eq!(recording["start_time"], "2026-01-21T10:30:00.000Z");
    assert_eq!(recording["end_time"], "2026-01-21T10:30:00.120Z");
    assert_eq!(recording["duration_seconds"], 0.12);
    assert_eq!(recording["total_frames"], 3);
    assert_eq!(recording["target_fps"], 30.0);
    assert_eq!(recording["codec"], "mp4v");
    assert!(recording["average_fps"].is_f64());
    assert!(
        recording["recording_path"].as_str().unwrap().ends_with("recordings/cam/cam_20260121_103000.mp4")
    );
    // And ours.
    assert_eq!(recording["file"], "cam_20260121_103000.mp4");
    assert_eq!((&recording["status"], &recording["kind"]), (&json!("finished"), &json!("segment")));
    assert_eq!((&recording["width"], &recording["height"]), (&json!(64), &json!(48)));
    assert_eq!(recording["size_bytes"], size);
    assert_eq!((&recording["frames_lost"], &recording["gaps"]), (&json!(0), &json!([])));
    assert_eq!(recording["url"], url(&id));
    assert_eq!(recording["mjpeg_url"], format!("{}/mjpeg", url(&id)));
    assert_eq!(recording["snapshot_url"], format!("{}/snapshot.jpg", url(&id)));
    assert_eq!(recording["plays_in_browser"], false);
    assert_eq!((&list["count"], &list["total"], &list["next"]), (&json!(1), &json!(1), &json!(null)));
    assert_eq!(list["total_bytes"], size);
    assert_eq!(list["streams"][0]["name"], "cam");
    assert_eq!(list["streams"][0]["first_time"], "2026-01-21T10:30:00.000Z");
    assert!(list["disk"]["free_bytes"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn an_empty_shelf_is_an_empty_list() {
    let list = house().get("/api/recordings").await.json();
    assert_eq!((&list["count"], &list["recordings"], &list["streams"]), (&json!(0), &json!([]), &json!([])));
}

#[tokio::test]
async fn pages_follow_one_another() {
    let house = house();
    for second in 0..5 {
        house.recorded("cam", morning(second * 1000), &[&[0]]);
    }
    house.recorded("other", morning(0), &[&[0]]);
    let mut seen = Vec::new();
    let mut uri = "/api/recordings?stream=cam&limit=2&order=oldest".to_owned();
    loop {
        let page = house.get(&uri).await.json();
        assert_eq!(page["total"], 5);
        assert_eq!(page.get("streams").is_some(), seen.is_empty(), "on the first page only");
        let files = page["recordings"].as_array().unwrap().iter();
        seen.extend(files.map(|recording| recording["file"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        uri = format!("/api/recordings?stream=cam&limit=2&order=oldest&cursor={next}");
    }
    let expected: Vec<String> = (0..5).map(|s| format!("cam_20260121_10300{s}.mp4")).collect();
    assert_eq!(seen, expected);
    let newest = house.get("/api/recordings?stream=cam&limit=1").await.json();
    assert_eq!(newest["recordings"][0]["file"], "cam_20260121_103004.mp4");
}

#[tokio::test]
async fn a_span_of_time_selects_what_overlaps_it() {
    let house = house();
    for second in 0..5 {
        house.recorded("cam", morning(second * 1000), &[&[0, 400]]);
    }
    for (query, count) in [
        ("from=2026-01-21T10:30:02Z", 3),
        ("to=2026-01-21T10:30:02Z", 2),
        ("from=2026-01-21T10:30:01.2Z&to=2026-01-21T10:30:03.1Z", 3),
        ("from=2026-01-21T11:30:02+01:00", 3),
        ("from=&to=&stream=&cursor=", 5),
    ] {
        let list = house.get(&format!("/api/recordings?{query}")).await.json();
        assert_eq!(list["count"], count, "{query}");
    }
}

#[tokio::test]
async fn a_query_that_makes_no_sense_is_refused() {
    let house = house();
    house.recorded("cam", morning(0), &[&[0]]);
    for query in
        ["limit=0", "limit=1001", "limit=x", "order=up", "from=yesterday", "to=12", "cursor=nonsense"]
    {
        let answer = house.get(&format!("/api/recordings?{query}")).await;
        assert_eq!((answer.status, &*answer.code()), (StatusCode::BAD_REQUEST, "BAD_QUERY"), "{query}");
    }
    let answer = house.get("/api/recordings?stream=a/b").await;
    assert_eq!((answer.status, &*answer.code()), (StatusCode::BAD_REQUEST, "INVALID_STREAM_NAME"));
}

#[tokio::test]
async fn a_recording_is_deleted_but_not_while_it_is_written() {
    let house = house();
    let id = house.recorded("cam", morning(0), &[&[0, 40]]);
    let size = house.store().get(&id).unwrap().size_bytes;
    let mut film = house.film("cam", morning(5000));
    film.append(&[0]);
    let refused = house.send(Method::DELETE, &url(film.id()), &[], "").await;
    assert_eq!((refused.status, &*refused.code()), (StatusCode::CONFLICT, "RECORDING_ACTIVE"));
    let deleted = house.send(Method::DELETE, &url(&id), &[], "").await;
    assert_eq!((deleted.status, &deleted.json()["freed_bytes"]), (StatusCode::OK, &json!(size)));
    assert_eq!(deleted.json()["status"], "success");
    for view in ["", "/mjpeg", "/snapshot.jpg"] {
        let gone = house.get(&format!("{}{view}", url(&id))).await;
        assert_eq!((gone.status, &*gone.code()), (StatusCode::NOT_FOUND, "RECORDING_NOT_FOUND"), "{view}");
    }
}

#[tokio::test]
async fn every_route_is_described() {
    let description = house().get("/openapi.json").await.json();
    for (path, methods) in [
        ("/api/recordings", &["get"][..]),
        ("/api/recordings/{stream}/{file}", &["get", "delete"]),
        ("/api/recordings/{stream}/{file}/mjpeg", &["get"]),
        ("/api/recordings/{stream}/{file}/snapshot.jpg", &["get"]),
        ("/api/streams/{name}/recording", &["get", "post"]),
        ("/api/streams/{name}/clip", &["post"]),
    ] {
        for method in methods {
            assert!(description["paths"][path][method].is_object(), "{method} {path}");
        }
    }
}
