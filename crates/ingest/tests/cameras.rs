//! Cameras on loopback that answer as cameras do: every one of them is seen, and what was mended is told.
#![allow(clippy::unwrap_used)]

use std::{sync::Arc, time::Duration};

use hub::{Claim, Class, Hub, Limits, Moment, RingLimits, Rule, Start};
use ingest::{
    Admission, now,
    pull::{Intake, Status, http},
};
use media::Picture;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::timeout,
};
use wire::{Mended, image};

const LIMITS: image::Limits = image::Limits { max_bytes: 100_000, setting: "server.max_frame_size_mb" };
const MIXED: &str = "Content-Type: multipart/x-mixed-replace; boundary=frame";

fn jpeg(grey: u8) -> Vec<u8> {
    media::jpeg::encode(&Picture::filled(16, 8, [grey; 3]), 90).unwrap()
}

/// What a camera does with a connection: it sends this, and hangs up or not.
#[derive(Clone)]
struct Answer {
    bytes: Vec<u8>,
    hangs_up: bool,
}

fn answer(head: &str, body: &[u8]) -> Answer {
    Answer { bytes: [head.replace('\n', "\r\n").as_bytes(), b"\r\n\r\n", body].concat(), hangs_up: true }
}

/// The first pictures that come from a camera which gives this answer to every request, and what was mended.
async fn seen(answer: Answer, count: usize) -> (Vec<Vec<u8>>, Vec<&'static str>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/snap", listener.local_addr().unwrap()).parse().unwrap();
    let camera = tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let read = socket.read(&mut [0; 2048]).await.unwrap();
            assert!(read > 0);
            socket.write_all(&answer.bytes).await.unwrap();
            if !answer.hangs_up {
                open.push(socket);
            }
        }
    });
    let ring = RingLimits { frames: 30, history_bytes: 1 << 20, backlog_frames: 30, backlog_bytes: 1 << 20 };
    let hub = Hub::new(Limits { streams: 1, viewers_per_stream: 10, ring });
    let moment: Moment = now();
    let publisher = hub.publisher(&"s".parse().unwrap(), Claim::Source, moment).unwrap();
    let mut viewer = publisher.stream().subscribe(Rule::InOrder, Class::Viewer, Start::Newest).unwrap();
    let status = Arc::new(Status::new("http"));
    let mut intake = Intake::new(&publisher, &status, Admission::new(LIMITS, 85));
    let mut pictures = Vec::new();
    let watching = async {
        while pictures.len() < count {
            pictures.push(viewer.recv().await.unwrap().frame.payload.to_vec());
        }
    };
    tokio::select! {
        ended = http::run(&url, Duration::from_millis(5), &mut intake) => panic!("{ended:?}"),
        came = timeout(Duration::from_secs(20), watching) => came.unwrap(),
    }
    camera.abort();
    (pictures, publisher.stream().stats(now()).remarks)
}

#[tokio::test]
async fn a_snapshot_with_an_odd_head_is_seen_again_and_again() {
    let length = format!("Content-Length: {}", jpeg(1).len());
    let ok = "HTTP/1.1 200 OK\nContent-Type: image/jpeg";
    let cases = [
        ("clean", format!("{ok}\n{length}"), false),
        (
            "status line twice",
            format!("HTTP/1.0 200 OK\nHTTP/1.0 200 OK\nServer: MJPG-Streamer/0.2\n{length}"),
            true,
        ),
        ("a date without a name", format!("{ok}\nTue, 12 Jun 2012 01:56:34 GMT\n{length}"), true),
        ("a semicolon in a name", format!("{ok}\nAccess-Control-Allow-Origin; x: *\n{length}"), true),
        ("a blank before the colon", format!("{ok}\nServer : cam\n{length}"), true),
        ("folded", format!("{ok}\nServer: cam\n and more\n{length}"), true),
        ("ICY", format!("ICY 200 OK\nContent-Type: image/jpeg\n{length}"), true),
        ("no reason", format!("HTTP/1.0 200\ncontent-type: IMAGE/JPG\n{length}"), false),
        ("no type, no length", "HTTP/1.1 200 OK\nConnection: close".to_owned(), false),
        ("the length twice", format!("{ok}\n{length}\n{length}"), true),
        ("two lengths", format!("{ok}\n{length}\nContent-Length: 7"), true),
        ("a length of -1", format!("{ok}\nContent-Length: -1"), true),
        ("an interim answer", format!("HTTP/1.1 100 Continue\n\n{ok}\n{length}"), false),
        ("too long a length", format!("{ok}\nContent-Length: 5000"), false),
        ("called a page", "HTTP/1.1 200 OK\nContent-Type: text/html".to_owned(), false),
        ("chunked and a length", format!("{ok}\n{length}\nTransfer-Encoding: chunked"), true),
    ];
    for (what, head, is_odd) in cases {
        let picture = jpeg(1);
        let chunked = [format!("{:x}\r\n", picture.len()).as_bytes(), &picture, b"\r\n0\r\n\r\n"].concat();
        let body = if what.starts_with("chunked") { chunked } else { picture };
        let (pictures, mended) = seen(answer(&head, &body), 3).await;
        assert_eq!(pictures, vec![jpeg(1); 3], "{what}");
        assert_eq!(mended.contains(&Mended::Head.text()), is_odd, "{what}: {mended:?}");
    }
}

#[tokio::test]
async fn a_body_without_a_head_is_seen() {
    let (pictures, mended) = seen(Answer { bytes: jpeg(1), hangs_up: true }, 2).await;
    assert_eq!((pictures, mended), (vec![jpeg(1); 2], vec![Mended::Head.text()]));
}

#[tokio::test]
async fn an_endless_stream_is_seen_while_it_lasts_whatever_it_is_called() {
    let parts: Vec<u8> = (1..5)
        .flat_map(|grey| [b"--frame\r\nContent-type: image/jpeg\r\n\r\n", &jpeg(grey)[..], b"\r\n"].concat())
        .collect();
    let bare: Vec<u8> = (1..5).flat_map(jpeg).collect();
    for kind in [
        "",
        "\nContent-Type: image/jpeg",
        "\nContent-Type: application/octet-stream",
        &format!("\n{MIXED}"),
        "\nContent-Type: multipart/x-mixed-replace",
        "\nContent-Type: text/plain",
    ] {
        for body in [&parts, &bare] {
            let stream = Answer { hangs_up: false, ..answer(&format!("HTTP/1.1 200 OK{kind}"), body) };
            let (pictures, _) = seen(stream, 3).await;
            assert_eq!(pictures, [jpeg(1), jpeg(2), jpeg(3)], "{kind}");
        }
    }
}

#[tokio::test]
async fn the_head_of_the_first_part_in_that_of_the_answer_is_no_hindrance() {
    let first = jpeg(1);
    let head = format!("HTTP/1.1 200 OK\n{MIXED}\nContent-Type: image/jpeg\nContent-Length: {}", first.len());
    let next =
        [b"\r\n--frame\r\nContent-Type: image/jpeg\r\n\r\n", &jpeg(2)[..], b"\r\n--frame\r\n"].concat();
    let stream = Answer { hangs_up: false, ..answer(&head, &[first, next].concat()) };
    assert_eq!(seen(stream, 2).await.0, [jpeg(1), jpeg(2)]);
}
