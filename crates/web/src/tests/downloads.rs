//! Recordings fetched whole, in part, and while they grow.

use axum::{body::Body, extract::Request};
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::support::{house, morning, url};

const FRAGMENTS: [&[u64]; 2] = [&[0, 40, 80], &[120, 160]];

#[tokio::test]
async fn a_recording_is_served_as_it_lies_on_the_disk() {
    let house = house();
    let id = house.recorded("cam", morning(0), &FRAGMENTS);
    let bytes = std::fs::read(house.store().open(&id).unwrap().path).unwrap();
    let whole = house.get(&url(&id)).await;
    assert_eq!((whole.status, &whole.body[..]), (StatusCode::OK, &bytes[..]));
    assert_eq!(whole.header("content-type"), "video/mp4");
    assert_eq!(whole.header("accept-ranges"), "bytes");
    assert_eq!(whole.header("content-length"), bytes.len().to_string());
    assert_eq!(whole.header("content-disposition"), "");

    let head = house.send(Method::HEAD, &url(&id), &[("range", "bytes=0-1")], "").await;
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0), "a range has a meaning for GET only");
    for name in ["content-length", "etag", "last-modified", "content-type", "accept-ranges"] {
        assert_eq!(head.header(name), whole.header(name), "{name}");
    }
    let saved = house.get(&format!("{}?download=1", url(&id))).await;
    assert_eq!(saved.header("content-disposition"), "attachment; filename=\"cam_20260121_103000.mp4\"");
}

#[tokio::test]
async fn a_part_is_served_and_can_be_resumed() {
    let house = house();
    let id = house.recorded("cam", morning(0), &FRAGMENTS);
    let whole = house.get(&url(&id)).await;
    let (len, etag, date) = (whole.body.len(), whole.header("etag"), whole.header("last-modified"));
    let ask = async |range: &str, condition: &str| {
        let headers = [("range", range), ("if-range", condition)];
        let headers = if condition.is_empty() { &headers[..1] } else { &headers };
        house.send(Method::GET, &url(&id), headers, "").await
    };
    for (range, part) in [("bytes=0-99", 0..100), ("bytes=100-", 100..len), ("bytes=-7", len - 7..len)] {
        for condition in ["", etag, date] {
            let answer = ask(range, condition).await;
            assert_eq!(answer.status, StatusCode::PARTIAL_CONTENT, "{range} {condition}");
            assert_eq!(answer.body, whole.body.slice(part.clone()));
            let expected = format!("bytes {}-{}/{len}", part.start, part.end - 1);
            assert_eq!(answer.header("content-range"), expected);
            assert_eq!(answer.header("etag"), etag);
        }
        assert_eq!(ask(range, "\"another\"").await.body, whole.body);
    }
    assert_eq!(ask("bytes=0-1,5-6", "").await.status, StatusCode::OK);
    let beyond = ask(&format!("bytes={len}-"), "").await;
    assert_eq!(
        (beyond.status, beyond.code()),
        (StatusCode::RANGE_NOT_SATISFIABLE, "RANGE_NOT_SATISFIABLE".into())
    );
    assert_eq!(beyond.header("content-range"), format!("bytes */{len}"));
}

#[tokio::test]
async fn who_has_it_is_told_so() {
    let house = house();
    let id = house.recorded("cam", morning(0), &FRAGMENTS);
    let whole = house.get(&url(&id)).await;
    let known = [("if-none-match", whole.header("etag"))];
    let answer = house.send(Method::GET, &url(&id), &known, "").await;
    assert_eq!((answer.status, answer.body.len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(answer.header("etag"), whole.header("etag"));
    let changed = [("if-match", "\"another\"")];
    let answer = house.send(Method::GET, &url(&id), &changed, "").await;
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::PRECONDITION_FAILED, "PRECONDITION_FAILED".into())
    );
}

#[tokio::test]
async fn a_growing_file_gives_its_whole_fragments_and_can_be_resumed() {
    let house = house();
    let mut film = house.film("cam", morning(0));
    film.append(&[0, 40]);
    film.tear();
    let first = house.get(&url(film.id())).await;
    let etag = first.header("etag").to_owned();
    assert!(first.body.ends_with(b"<picture at 40>\xFF\xD9"));
    assert_eq!(first.header("cache-control"), "no-store");
    let again = house.send(Method::GET, &url(film.id()), &[("if-none-match", &etag)], "").await;
    assert_eq!(again.status, StatusCode::OK, "nobody has all of it");

    let mut film = house.film("cam", morning(10_000));
    film.append(&[0, 40]);
    let first = house.get(&url(film.id())).await;
    let etag = first.header("etag").to_owned();
    film.append(&[80, 120]);
    let rest = [("range", &*format!("bytes={}-", first.body.len())), ("if-range", &etag)];
    let rest = house.send(Method::GET, &url(film.id()), &rest, "").await;
    assert_eq!(rest.status, StatusCode::PARTIAL_CONTENT);
    let whole = house.get(&url(film.id())).await;
    assert_eq!([first.body, rest.body].concat(), whole.body);
    assert_eq!(whole.header("etag"), etag);

    let id = film.finish();
    let finished = house.get(&url(&id)).await;
    assert_ne!(finished.header("etag"), etag, "its duration was written into its head");
    assert!(finished.body.len() > whole.body.len());
}

#[tokio::test]
async fn a_file_that_becomes_shorter_ends_the_connection() {
    let house = house();
    let mut film = house.film("cam", morning(0));
    film.append_large(&[0, 40], 400_000);
    let id = film.finish();
    let path = house.store().open(&id).unwrap().path;
    let response = house.call(Request::get(url(&id)).body(Body::empty()).unwrap()).await;
    let mut body = response.into_body();
    assert!(body.frame().await.unwrap().is_ok());
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(100).unwrap();
    let mut ended = false;
    while let Some(frame) = body.frame().await {
        if frame.is_err() {
            ended = true;
            break;
        }
    }
    assert!(ended, "the promised length cannot be kept");
}

#[tokio::test]
async fn the_metadata_is_served_beside_it() {
    let house = house();
    let id = house.recorded("cam", morning(0), &FRAGMENTS);
    let answer = house.get(&url(&id).replace(".mp4", ".json")).await;
    assert_eq!(answer.status, StatusCode::OK);
    let metadata = answer.json();
    assert_eq!(metadata["stream_name"], "cam");
    assert_eq!(metadata["total_frames"], 5);
    assert_eq!(metadata["start_time"], "2026-01-21T10:30:00.000Z");
}

#[tokio::test]
async fn no_path_leads_out_of_the_folder() {
    let house = house();
    house.recorded("cam", morning(0), &FRAGMENTS);
    let outside = house.folder().join("secret_20260121_103000.mp4");
    std::fs::write(&outside, b"secret").unwrap();
    let cam = house.folder().join("recordings/cam");
    std::os::unix::fs::symlink(&outside, cam.join("cam_20260121_103001.mp4")).unwrap();
    std::os::unix::fs::symlink(house.folder(), house.folder().join("recordings/out")).unwrap();
    let spellings = [
        "cam/..%2f..%2fsecret_20260121_103000.mp4",
        "cam/%2e%2e%2fsecret_20260121_103000.mp4",
        "..%2f/secret_20260121_103000.mp4",
        "../secret_20260121_103000.mp4",
        "%2e%2e/secret_20260121_103000.mp4",
        "cam/../secret_20260121_103000.mp4",
        "cam/..%5csecret_20260121_103000.mp4",
        "cam/%2fetc%2fpasswd",
        "cam/cam_20260121_103000.mp4%00.mp4",
        "cam/cam_20260121_103000.mp4%2f",
        "cam/.",
        "cam/..",
        "cam/%2e%2e",
        "cam/index.sqlite",
        "cam/cam_20260121_103001.mp4",
        "cam/%ff%fe.mp4",
        "%ff/cam_20260121_103000.mp4",
        "out/secret_20260121_103000.mp4",
        "other/cam_20260121_103000.mp4",
        "cam/CAM_20260121_103000.mp4",
        "cam/cam_20260121_103000.MP4",
        "cam/..%252fsecret_20260121_103000.mp4",
        "cam/cam_20260121_103000.json.json",
        "cam/.json",
    ];
    for spelling in spellings {
        for (method, view) in
            [(Method::GET, ""), (Method::GET, "/mjpeg"), (Method::GET, "/snapshot.jpg"), (Method::DELETE, "")]
        {
            let uri = format!("/api/recordings/{spelling}{view}");
            let answer = house.send(method.clone(), &uri, &[], "").await;
            let refused = [StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND];
            assert!(refused.contains(&answer.status), "{method} {uri}: {}", answer.status);
            assert!(!answer.code().is_empty(), "{method} {uri}");
        }
    }
    assert_eq!(std::fs::read(&outside).unwrap(), b"secret");
}

/// Lengths are right on the wire: one connection carries answers with and without a body, one after the other.
#[tokio::test]
async fn answers_follow_one_another_on_a_connection() {
    let house = house();
    let id = house.recorded("cam", morning(0), &FRAGMENTS);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(crate::serve(listener, house.app.clone()));
    let mut socket = TcpStream::connect(address).await.unwrap();
    let url = url(&id);
    let requests = [
        format!("HEAD {url} HTTP/1.1\r\nHost: hub\r\n\r\n"),
        format!("GET {url} HTTP/1.1\r\nHost: hub\r\nRange: bytes=4-7\r\n\r\n"),
        format!("GET {url} HTTP/1.1\r\nHost: hub\r\nRange: bytes=99999999-\r\n\r\n"),
        format!("HEAD {url}/mjpeg HTTP/1.1\r\nHost: hub\r\n\r\n"),
        format!("GET {url} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\nRange: bytes=-3\r\n\r\n"),
    ];
    socket.write_all(requests.concat().as_bytes()).await.unwrap();
    let mut received = Vec::new();
    socket.read_to_end(&mut received).await.unwrap();
    let text = String::from_utf8_lossy(&received);
    let status = |answer: &str| answer.split(' ').nth(1).unwrap().to_owned();
    let statuses: Vec<String> =
        text.split("HTTP/1.1").skip(1).map(|rest| status(&format!("_{rest}"))).collect();
    assert_eq!(statuses, ["200", "206", "416", "200", "206"], "{text}");
    assert!(text.contains("\r\n\r\nftypHTTP/1.1 416"), "{text}");
    house.shutdown.cancel();
    serving.await.unwrap();
}
