//! Publishing by request: each kind of body becomes a frame, or is refused with its code and leaves the last good one.

use std::{convert::Infallible, pin::Pin, sync::Arc, task, time::SystemTime};

use axum::body::Body;
use bytes::Bytes;
use http::{Method, StatusCode};
use http_body::Frame as BodyFrame;
use hub::{CaptureTime, Class, Rule, Start, Subscriber};
use media::Picture;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
    time::Instant,
};

use super::support::{Answer, House, house, settings};

const MAX_BYTES: usize = 1 << 20;
const JPEG: (&str, &str) = ("Content-Type", "image/jpeg");
const FORM: (&str, &str) = ("Content-Type", "multipart/form-data; boundary=b");
const ENDLESS: (&str, &str) = ("Content-Type", "multipart/x-mixed-replace; boundary=b");

pub(super) fn jpeg(grey: u8) -> Vec<u8> {
    media::jpeg::encode(&Picture::filled(16, 8, [grey; 3]), 90).unwrap()
}

fn png() -> Vec<u8> {
    media::png::encode(&Picture::filled(16, 8, [100; 3])).unwrap()
}

/// One part of a form, without the delimiter that ends it.
fn field(name: &str, headers: &str, data: &[u8]) -> Vec<u8> {
    let head = format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n{headers}\r\n");
    [head.as_bytes(), data, b"\r\n"].concat()
}

fn form(fields: &[Vec<u8>]) -> Vec<u8> {
    [&fields.concat()[..], b"--b--\r\n"].concat()
}

/// One part of an endless body.
fn part(data: &[u8]) -> Vec<u8> {
    let head = format!("--b\r\nContent-Type: image/jpeg\r\nContent-Length: {}\r\n\r\n", data.len());
    [head.as_bytes(), data, b"\r\n"].concat()
}

async fn post(house: &House, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
    house.send(Method::POST, "/publish/s", headers, body).await
}

fn subscribe(house: &House) -> Subscriber {
    let stream = house.app.live().hub.stream(&"s".parse().unwrap()).unwrap();
    stream.subscribe(Rule::InOrder, Class::Viewer, Start::Newest).unwrap()
}

/// A body that comes piece by piece, and never ends while its sender lives.
struct Pieces(mpsc::Receiver<Vec<u8>>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
    ) -> task::Poll<Option<Result<BodyFrame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|bytes| Ok(BodyFrame::data(bytes.into()))))
    }
}

fn pieces() -> (mpsc::Sender<Vec<u8>>, Body) {
    let (sender, receiver) = mpsc::channel(8);
    (sender, Body::new(Pieces(receiver)))
}

#[tokio::test]
async fn a_picture_as_the_body_becomes_a_frame_with_what_its_headers_say() {
    let house = house();
    let headers = [
        JPEG,
        ("X-Timestamp", "1700000000.25"),
        ("X-Frame-Seq", "41"),
        ("X-Frame-Metadata", "{\"robot\":{\"joint\":1.5}}"),
    ];
    let answer = post(&house, &headers, jpeg(1)).await;
    assert_eq!(answer.status, StatusCode::OK);
    let size = jpeg(1).len();
    assert_eq!(answer.json(), json!({ "status": "success", "stream": "s", "frame_size": size, "seq": 1 }));
    let frame = house.newest("s").unwrap();
    assert_eq!(frame.payload, jpeg(1));
    assert_eq!((frame.format.width, frame.format.height), (16, 8));
    assert_eq!(frame.captured, CaptureTime::from_unix_secs(1_700_000_000.25));
    assert_eq!(frame.source_seq, Some(41));
    assert_eq!(frame.metadata.as_deref(), Some("{\"robot\":{\"joint\":1.5}}"));
}

#[tokio::test]
async fn put_and_a_body_without_a_type_are_as_good() {
    let house = house();
    let put = house.send(Method::PUT, "/publish/s", &[JPEG], jpeg(1)).await;
    assert_eq!(put.json()["seq"], 1);
    let untyped = post(&house, &[("Content-Type", "application/octet-stream")], jpeg(2)).await;
    assert_eq!(untyped.json()["seq"], 2);
    let endless = [part(&jpeg(3)), part(&jpeg(4)), b"--b--".to_vec()].concat();
    let guessed = post(&house, &[], endless).await;
    assert_eq!((guessed.json()["seq"].as_u64(), guessed.json()["frames"].as_u64()), (Some(4), Some(2)));
    let other = post(&house, &[("Content-Type", "video/mp4")], b"\0\0\0\x18ftypmp42".to_vec()).await;
    assert_eq!(other.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(other.code(), "UNSUPPORTED_CONTENT_TYPE");
    assert_eq!(house.newest("s").unwrap().payload, jpeg(4));
    // What curl and Python's urllib call any body.
    let misnamed = post(&house, &[("Content-Type", "application/x-www-form-urlencoded")], jpeg(5)).await;
    assert_eq!(misnamed.json()["seq"], 5);
}

#[tokio::test]
async fn a_png_becomes_a_jpeg() {
    let house = house();
    let answer = post(&house, &[("Content-Type", "image/png")], png()).await;
    assert_eq!(answer.json()["frame_size"], png().len(), "as it was received");
    let picture = media::jpeg::decode(&house.newest("s").unwrap().payload, 1000).unwrap();
    assert_eq!((picture.width, picture.height), (16, 8));
    assert!(picture.rgb.iter().all(|value| value.abs_diff(100) < 3));
}

#[tokio::test]
async fn a_form_carries_the_picture_in_its_field_frame() {
    let house = house();
    let body = form(&[
        field("note", "", b"hello"),
        field("frame", "X-Frame-Seq: 7\r\nX-Timestamp: 1600000002.5\r\n", &jpeg(1)),
        field("after", "", b""),
    ]);
    let answer = post(&house, &[FORM], body).await;
    assert_eq!(answer.status, StatusCode::OK);
    let frame = house.newest("s").unwrap();
    assert_eq!((&frame.payload[..], frame.source_seq), (&jpeg(1)[..], Some(7)));
    assert_eq!(frame.captured, CaptureTime::from_unix_secs(1_600_000_002.5));
}

#[tokio::test]
async fn a_capture_time_that_cannot_be_true_is_left_out_and_counted() {
    let house = house();
    // Since a camera's start; milliseconds; before 1970; no time at all.
    for time in ["184659.604338", "1769000000250", "-5", "NaN", "inf", "4102444800"] {
        assert_eq!(
            post(&house, &[JPEG, ("X-Timestamp", time)], jpeg(1)).await.status,
            StatusCode::OK,
            "{time}"
        );
        assert_eq!(house.newest("s").unwrap().captured, None, "{time}");
    }
    let header = field("frame", "X-Timestamp: 184659.6\r\n", &jpeg(1));
    assert_eq!(post(&house, &[FORM], form(&[header])).await.status, StatusCode::OK);
    let metadata = ("X-Frame-Metadata", "{\"timestamp\":184659.6}");
    assert_eq!(post(&house, &[JPEG, metadata], jpeg(1)).await.status, StatusCode::OK);
    assert_eq!(house.newest("s").unwrap().captured, None);
    let told = house.get("/api/streams/s/stats").await.json();
    assert_eq!(told["capture_times_ignored"], 8);
    let snapshot = house.get("/stream/s/snapshot.jpg").await;
    let shown: f64 = snapshot.header("x-timestamp").parse().unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64();
    assert!((shown - now).abs() < 60.0, "viewers are told when it came");
}

#[tokio::test]
async fn a_form_that_is_wrong_says_what_is_missing() {
    let house = house();
    post(&house, &[JPEG], jpeg(1)).await;
    let missing = post(&house, &[FORM], form(&[field("image", "", &jpeg(2))])).await;
    assert_eq!((missing.status, missing.code()), (StatusCode::BAD_REQUEST, "MISSING_FRAME".into()));
    assert!(missing.json()["error"].as_str().unwrap().contains("only image"), "it names what came");
    let two = form(&[field("frame", "", &jpeg(2)), field("frame", "", &jpeg(3))]);
    assert_eq!(post(&house, &[FORM], two).await.code(), "MANY_FRAMES");
    let cut_off = post(&house, &[FORM], field("frame", "", &jpeg(2))).await;
    assert_eq!(cut_off.status, StatusCode::BAD_REQUEST, "the end of the form is missing");
    assert_eq!((house.rejected("s"), &house.newest("s").unwrap().payload[..]), (3, &jpeg(1)[..]));
}

/// What is wrong with a picture, whatever way it comes.
fn bad_pictures() -> Vec<(&'static str, Vec<u8>, StatusCode, &'static str)> {
    let claiming = |width: u16, height: u16| {
        let mut bytes = jpeg(2);
        let at = bytes.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap() + 5;
        bytes[at..at + 4].copy_from_slice(&[height.to_be_bytes(), width.to_be_bytes()].concat());
        bytes
    };
    let mut damaged = png();
    let middle = damaged.len() - 20;
    damaged[middle] ^= 0xFF;
    let oversized = [&jpeg(2)[..], &vec![0; MAX_BYTES], &[0xFF, 0xD9]].concat();
    vec![
        ("empty", Vec::new(), StatusCode::BAD_REQUEST, "EMPTY_FRAME"),
        ("text", b"no picture at all".to_vec(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "NOT_AN_IMAGE"),
        ("half a JPEG", jpeg(2)[..300].to_vec(), StatusCode::BAD_REQUEST, "TRUNCATED_JPEG"),
        ("zero width", claiming(0, 8), StatusCode::BAD_REQUEST, "BAD_JPEG"),
        ("a bomb", claiming(65_500, 65_500), StatusCode::PAYLOAD_TOO_LARGE, "PICTURE_TOO_LARGE"),
        ("a PNG without its end", png()[..png().len() - 12].to_vec(), StatusCode::BAD_REQUEST, "BAD_PNG"),
        ("a damaged PNG", damaged, StatusCode::BAD_REQUEST, "BAD_PNG"),
        ("oversized", oversized, StatusCode::PAYLOAD_TOO_LARGE, "FRAME_TOO_LARGE"),
    ]
}

#[tokio::test]
async fn a_bad_picture_is_refused_counted_and_leaves_the_last_good_one() {
    let house = house();
    for (_, data, ..) in bad_pictures() {
        post(&house, &[JPEG], data).await;
    }
    assert!(house.newest("s").is_none(), "a bad first frame makes no stream");
    post(&house, &[JPEG], jpeg(1)).await;
    let mut refused = 0;
    for (what, data, status, code) in bad_pictures() {
        for (header, body) in [(JPEG, data.clone()), (FORM, form(&[field("frame", "", &data)]))] {
            let answer = post(&house, &[header], body).await;
            assert_eq!((answer.status, answer.code()), (status, code.to_owned()), "{what} as {}", header.1);
            refused += 1;
            assert_eq!(house.rejected("s"), refused, "{what}");
        }
    }
    assert_eq!(house.newest("s").unwrap().payload, jpeg(1));
    assert_eq!(post(&house, &[JPEG], jpeg(2)).await.json()["seq"], 2, "no number was spent on them");
    let metrics = house.get("/metrics").await.body;
    let total = format!("framehub_frames_rejected_total {}\n", refused + bad_pictures().len() as u64);
    assert!(String::from_utf8_lossy(&metrics).contains(&total), "with those that had no stream");
}

#[tokio::test]
async fn metadata_that_is_none_is_refused() {
    let house = house();
    for (metadata, code) in [("no JSON", "BAD_METADATA"), ("[1]", "BAD_METADATA")] {
        let answer = post(&house, &[JPEG, ("X-Frame-Metadata", metadata)], jpeg(1)).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, code.to_owned()));
        assert!(answer.json()["error"].as_str().unwrap().contains("X-Frame-Metadata"), "it names the header");
    }
    assert!(house.newest("s").is_none());
}

#[tokio::test]
async fn what_a_form_request_says_holds_for_its_part() {
    let house = house();
    let said = [
        FORM,
        ("X-Timestamp", "1700000000.5"),
        ("X-Frame-Seq", "7"),
        ("X-Frame-Metadata", "{\"loss\": NaN}"),
    ];
    assert_eq!(post(&house, &said, form(&[field("frame", "", &jpeg(1))])).await.status, StatusCode::OK);
    let frame = house.newest("s").unwrap();
    assert_eq!((frame.timestamp_unix_secs(), frame.source_seq), (1_700_000_000.5, Some(7)));
    assert_eq!(frame.metadata.as_deref(), Some("{\"loss\":null}"));
    let odd = [
        JPEG,
        ("X-Timestamp", "noon"),
        ("X-Frame-Seq", "-1"),
        ("X-Frame-Metadata", "{\"timestamp\": 1700000012.5, \"seq\": 3}"),
    ];
    assert_eq!(post(&house, &odd, jpeg(2)).await.status, StatusCode::OK);
    let frame = house.newest("s").unwrap();
    assert_eq!((frame.captured.unwrap().unix_secs(), frame.source_seq), (1_700_000_012.5, Some(3)));
}

#[tokio::test(start_paused = true)]
async fn a_picture_that_does_not_come_in_time_is_given_up() {
    let house = house();
    post(&house, &[JPEG], jpeg(1)).await;
    for header in [JPEG, FORM] {
        let (sender, body) = pieces();
        sender.send(jpeg(2)[..100].to_vec()).await.unwrap();
        let answer = post(&house, &[header], body).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::REQUEST_TIMEOUT, "BODY_TIMEOUT".into()));
    }
    assert_eq!((house.rejected("s"), house.newest("s").unwrap().seq), (2, 1));
}

#[tokio::test]
async fn each_part_of_an_endless_body_is_a_frame_at_once() {
    let house = Arc::new(house());
    post(&house, &[JPEG], jpeg(1)).await;
    let mut viewer = subscribe(&house);
    viewer.recv().await.unwrap();
    let (sender, body) = pieces();
    let sending = tokio::spawn({
        let house = Arc::clone(&house);
        async move { post(&house, &[ENDLESS], body).await }
    });
    sender.send(part(&jpeg(2))).await.unwrap();
    assert_eq!(viewer.recv().await.unwrap().frame.payload, jpeg(2));
    // A torn frame in the middle, and a good one in two pieces.
    sender.send(part(&jpeg(3)[..200])).await.unwrap();
    let (first, second) = (part(&jpeg(4))[..150].to_vec(), part(&jpeg(4))[150..].to_vec());
    sender.send(first).await.unwrap();
    sender.send(second).await.unwrap();
    assert_eq!(viewer.recv().await.unwrap().frame.payload, jpeg(4));
    assert_eq!(house.rejected("s"), 1);
    sender.send(b"--b--\r\n".to_vec()).await.unwrap();
    drop(sender);
    let answer = sending.await.unwrap().json();
    let bytes = jpeg(2).len() + jpeg(4).len();
    assert_eq!(
        answer,
        json!({ "status": "success", "stream": "s", "frame_size": jpeg(4).len(), "seq": 3, "frames": 2, "rejected": 1,
            "bytes": bytes })
    );
}

#[tokio::test]
async fn jpegs_one_after_the_other_are_frames_while_the_body_lasts() {
    let house = Arc::new(house());
    post(&house, &[JPEG], jpeg(1)).await;
    for headers in [&[][..], &[JPEG]] {
        let mut viewer = subscribe(&house);
        viewer.recv().await.unwrap();
        let (sender, body) = pieces();
        let sending = tokio::spawn({
            let (house, headers) = (Arc::clone(&house), headers.to_vec());
            async move { house.send(Method::PUT, "/publish/s", &headers, body).await }
        });
        for number in 2..6 {
            sender.send(jpeg(number)).await.unwrap();
            assert_eq!(viewer.recv().await.unwrap().frame.payload, jpeg(number));
        }
        assert_eq!(post(&house, &[JPEG], jpeg(1)).await.code(), "STREAM_CLAIMED", "it is a connection");
        let torn = jpeg(6);
        sender.send([&torn[..torn.len() - 4], &jpeg(7)].concat()).await.unwrap();
        assert_eq!(viewer.recv().await.unwrap().frame.payload, jpeg(7));
        drop(sender);
        let answer = sending.await.unwrap().json();
        assert_eq!((&answer["frames"], &answer["rejected"]), (&json!(5), &json!(1)));
    }
}

#[tokio::test]
async fn what_was_mended_is_told_in_the_statistics() {
    let house = house();
    let stats = async || house.get("/api/streams/s/stats").await.json()["mended"].clone();
    post(&house, &[JPEG], jpeg(1)).await;
    assert_eq!(stats().await, json!([]));
    for _ in 0..2 {
        post(&house, &[JPEG], [&jpeg(2)[..], b"tail"].concat()).await;
    }
    assert_eq!(house.newest("s").unwrap().payload, jpeg(2), "the tail is not carried on");
    assert_eq!(stats().await, json!([wire::Mended::Tail.text()]));
    let odd =
        String::from_utf8_lossy(&part(b"")).replace("--b", "--own").replace("Length: 0", "Length: none");
    let body = [odd.trim_end().as_bytes(), b"\r\n\r\n", &jpeg(3), b"\r\n--own\r\n"].concat();
    let answer = post(&house, &[ENDLESS], body).await.json();
    assert_eq!((&answer["frames"], stats().await.as_array().unwrap().len()), (&json!(1), 3), "{answer}");
}

#[tokio::test]
async fn an_endless_body_holds_its_stream_until_it_is_taken_over() {
    let house = Arc::new(house());
    let (sender, body) = pieces();
    let first = tokio::spawn({
        let house = Arc::clone(&house);
        async move { post(&house, &[ENDLESS], body).await }
    });
    post(&house, &[JPEG], jpeg(1)).await;
    let mut viewer = subscribe(&house);
    viewer.recv().await.unwrap();
    sender.send(part(&jpeg(2))).await.unwrap();
    viewer.recv().await.unwrap();
    let whole = || [part(&jpeg(3)), b"--b--".to_vec()].concat();
    let refused = post(&house, &[ENDLESS], whole()).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "STREAM_CLAIMED".into()));
    assert_eq!(post(&house, &[JPEG], jpeg(3)).await.code(), "STREAM_CLAIMED");

    let taken = house.send(Method::POST, "/publish/s?takeover=1", &[ENDLESS], whole()).await;
    assert_eq!(taken.json()["seq"], 3);
    sender.send(part(&jpeg(4))).await.unwrap();
    let lost = first.await.unwrap();
    assert_eq!((lost.status, lost.code()), (StatusCode::CONFLICT, "TAKEN_OVER".into()));
    assert_eq!(house.newest("s").unwrap().payload, jpeg(3));
}

#[tokio::test(start_paused = true)]
async fn between_the_frames_of_an_endless_body_may_be_a_rest_but_not_within_one() {
    let house = Arc::new(house());
    let (sender, body) = pieces();
    let sending = tokio::spawn({
        let house = Arc::clone(&house);
        async move { post(&house, &[ENDLESS], body).await }
    });
    sender.send([part(&jpeg(1)), b"--b\r\n".to_vec()].concat()).await.unwrap();
    tokio::time::sleep(settings().connections.body_timeout * 3).await;
    assert!(!sending.is_finished(), "a rest between frames");
    let begun = Instant::now();
    sender.send(part(&jpeg(2))[5..100].to_vec()).await.unwrap();
    assert_eq!(sending.await.unwrap().code(), "BODY_TIMEOUT");
    assert!(begun.elapsed() < settings().connections.body_timeout * 2, "after {:?}", begun.elapsed());
    assert_eq!(house.newest("s").unwrap().payload, jpeg(1));
}

#[tokio::test]
async fn an_endless_body_without_a_frame_is_an_error() {
    let house = house();
    assert_eq!(post(&house, &[ENDLESS], "--b--\r\n").await.code(), "MISSING_FRAME");
    let torn = [part(b"no picture"), b"--b--".to_vec()].concat();
    assert_eq!(post(&house, &[ENDLESS], torn).await.code(), "NOT_AN_IMAGE");
    assert!(house.newest("s").is_none());
}

/// Sends `request` over a connection of its own, closes that side, and reads the answer.
async fn over_a_socket(port: u16, request: &[u8]) -> String {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    socket.write_all(request).await.unwrap();
    let mut answer = vec![0; 4096];
    let count = socket.read(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[..count]).into_owned()
}

#[tokio::test]
async fn a_length_beyond_the_limit_is_refused_before_the_bytes_come() {
    let house = house();
    let port = house.listen().await;
    for (name, value) in [JPEG, FORM] {
        let head = format!(
            "POST /publish/s HTTP/1.1\r\nHost: x\r\n{name}: {value}\r\nContent-Length: 99999999999\r\n\r\n"
        );
        let answer = over_a_socket(port, head.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("FRAME_TOO_LARGE"), "{answer}");
        assert!(answer.contains("server.max_frame_size_mb"), "it says what to raise");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_no_frame() {
    let house = house();
    let port = house.listen().await;
    post(&house, &[JPEG], jpeg(1)).await;
    let mut socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let head =
        "POST /publish/s HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: 9000\r\n\r\n";
    socket.write_all(&[head.as_bytes(), &jpeg(2)].concat()).await.unwrap();
    socket.shutdown().await.unwrap();
    // Answered or not: the connection ends, and the frame with it.
    let _answer = socket.read_to_end(&mut Vec::new()).await;
    assert_eq!((house.rejected("s"), house.newest("s").unwrap().seq), (1, 1));
}
