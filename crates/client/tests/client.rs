//! The client against a hub of its own kind, over real sockets on ports of the system's choice.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod fake_hub;

use bytes::Bytes;
use client::post::{Poster, Wrap};
use client::publish::{Metadata, Options, Publisher, Reply};
use client::reconnect::{Reconnecting, Sent};
use client::watch::{self, Watcher};
use client::{Endpoint, Error, Target, http};
use fake_hub::{FakeHub, Seen};
use std::sync::atomic::Ordering;
use tokio::net::TcpSocket;
use wire::mjpeg::Framing;

const JPEG: &[u8] = b"\xFF\xD8 pretends to be a picture \xFF\xD9";

fn jpeg() -> Bytes {
    Bytes::from_static(JPEG)
}

/// An endpoint without a listener: its port is bound, so that no other program gets it while the socket is kept.
fn unused() -> (Endpoint, TcpSocket) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    (Endpoint::parse(&format!("http://{}", socket.local_addr().unwrap())).unwrap(), socket)
}

#[tokio::test]
async fn json_routes_answer_or_say_why_not() {
    let mut hub = FakeHub::start().await;
    let endpoint = hub.endpoint.clone().with_api_key(Some("k1")).unwrap();
    let streams = http::get_json(&endpoint, "/api/streams").await.unwrap();
    assert_eq!(streams["count"], 0);
    assert_eq!(hub.saw().await, Seen::Request("/api/streams".into(), Some("k1".into())));

    let gone = http::delete(&endpoint, "/api/streams/gone").await.unwrap_err();
    assert_eq!(gone.code(), "STREAM_NOT_FOUND");
    assert_eq!(
        gone.to_string(),
        format!("{} answered 404: no stream 'gone'", endpoint.url("/api/streams/gone"))
    );
    assert!(!gone.is_transient());

    let bare = http::get_json(&endpoint, "/bare").await.unwrap_err();
    assert!(bare.to_string().ends_with("503: service unavailable"), "{bare}");
    assert!(bare.is_transient());
    assert_eq!(http::get_json(&endpoint, "/plain").await.unwrap_err().code(), "BAD_REPLY");
    assert_eq!(http::get_text(&endpoint, "/plain").await.unwrap(), "not json");
    let posted = http::post_json(&endpoint, "/session", &serde_json::json!({"a": 1})).await.unwrap();
    assert_eq!(posted["status"], "success");

    let (unused, _socket) = unused();
    let error = http::get_json(&unused, "/health").await.unwrap_err();
    assert_eq!(error.code(), "CONNECT_FAILED");
    assert!(error.to_string().contains(&unused.url("")), "{error}");
}

#[tokio::test]
async fn a_frame_follows_its_metadata_and_a_bare_frame_comes_alone() {
    let mut hub = FakeHub::start().await;
    let options = Options { acks: true, query: Some("x=1".into()), ..Options::default() };
    let mut publisher = Publisher::connect(&hub.endpoint, "cam", &options).await.unwrap();
    assert_eq!(hub.saw().await, Seen::Request("/publish/cam?x=1&ack=1".into(), None));

    let rest = Some(r#"{"robot":"r2"}"#.into());
    let meta = Metadata { captured: Some(1.5), seq: Some(3), rest };
    publisher.send(jpeg(), &meta).await.unwrap();
    assert_eq!(hub.saw().await, Seen::Text(r#"{"timestamp":1.5,"seq":3,"robot":"r2"}"#.into()));
    assert_eq!(hub.saw().await, Seen::Frame(jpeg()));
    let ack = Reply::Ack { stream: "cam".into(), seq: 7, frame_size: JPEG.len() };
    assert_eq!(publisher.reply().await, Some(ack));

    // A buffer of its own is masked in place: what arrives is the same.
    publisher.send(Bytes::from(JPEG.to_vec()), &Metadata::default()).await.unwrap();
    assert_eq!(hub.saw().await, Seen::Frame(jpeg()));

    publisher.close().await;
    assert_eq!(hub.saw().await, Seen::Closed(Some(1000)));
}

#[tokio::test]
async fn a_large_frame_arrives_whole() {
    let mut hub = FakeHub::start().await;
    let mut publisher = Publisher::connect(&hub.endpoint, "cam", &Options::default()).await.unwrap();
    hub.saw().await;
    let large: Bytes = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect::<Vec<u8>>().into();
    publisher.send(large.clone(), &Metadata::default()).await.unwrap();
    assert_eq!(hub.saw().await, Seen::Frame(large));
}

#[tokio::test]
async fn a_refusal_carries_the_hubs_words() {
    let hub = FakeHub::start().await;
    let error = Publisher::connect(&hub.endpoint, "taken", &Options::default()).await.unwrap_err();
    let Error::Refused { status: 409, hub_code, message, .. } = &error else { panic!("{error:?}") };
    assert_eq!(hub_code.as_deref(), Some("STREAM_TAKEN"));
    assert_eq!(message, "'taken' has a publisher; send ?takeover=1");
}

#[tokio::test]
async fn the_hubs_farewell_is_the_reason_of_the_next_send() {
    let hub = FakeHub::start().await;
    let mut publisher = Publisher::connect(&hub.endpoint, "strict", &Options::default()).await.unwrap();
    publisher.send(jpeg(), &Metadata::default()).await.unwrap();
    assert_eq!(publisher.reply().await, None, "the hub ends the connection");
    let error = publisher.send(jpeg(), &Metadata::default()).await.unwrap_err();
    let Error::Closed { close_code: Some(1009), reason, .. } = &error else { panic!("{error:?}") };
    assert!(reason.contains("frame over 1 MB"), "{reason}");
}

#[tokio::test]
async fn posting_keeps_the_connection_and_joins_pieces() {
    let mut hub = FakeHub::start().await;
    let pieces = [jpeg().slice(..5), jpeg().slice(5..)];
    let mut raw = Poster::new(&hub.endpoint, "cam", Wrap::Raw);
    for _ in 0..3 {
        raw.post(&pieces).await.unwrap();
        assert!(matches!(hub.saw().await, Seen::Request(path, _) if path == "/publish/cam"));
        assert_eq!(hub.saw().await, Seen::Post("image/jpeg".into(), jpeg()));
    }
    assert_eq!(hub.connections.load(Ordering::SeqCst), 1);

    Poster::new(&hub.endpoint, "cam", Wrap::Form).post(&[jpeg()]).await.unwrap();
    hub.saw().await;
    let Seen::Post(content_type, body) = hub.saw().await else { panic!("no POST") };
    let boundary = wire::multipart::boundary(&content_type).unwrap();
    let mut parser = wire::multipart::Parser::new(boundary, Default::default()).close_required();
    let mut rest = &body[..];
    let Some(wire::multipart::Event::Part(part)) = parser.feed(&mut rest).unwrap() else { panic!("no part") };
    assert_eq!((part.headers.name(), part.body), (Some("frame"), jpeg()));
    parser.feed(&mut rest).unwrap();
    parser.finish().unwrap();
}

#[tokio::test]
async fn a_refused_post_leaves_the_connection_usable() {
    let hub = FakeHub::start().await;
    let mut poster = Poster::new(&hub.endpoint, "picky", Wrap::Form);
    for _ in 0..2 {
        assert_eq!(poster.post(&[jpeg()]).await.unwrap_err().code(), "NOT_AN_IMAGE");
    }
    assert_eq!(hub.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_watcher_yields_each_frame_as_soon_as_it_is_whole() {
    let mut hub = FakeHub::start().await;
    let target = Target::stream(&hub.endpoint, "cam");
    let mut watcher = Watcher::connect(&target, &watch::Options::default()).await.unwrap();
    hub.saw().await;
    let framing = Framing::Length;
    let send = |bytes: &[u8]| hub.mjpeg.try_send(Bytes::copy_from_slice(bytes)).unwrap();
    send(framing.opening());
    for seq in [4_u64, 6] {
        let picture = [JPEG, &[seq as u8]].concat();
        send(&framing.head(picture.len(), 1_700_000_000.25, seq));
        send(&picture[..9]);
        send(&picture[9..]);
        // The delimiter has not been sent: the length alone says that the frame is whole.
        let frame = watcher.next().await.unwrap().unwrap();
        assert_eq!(frame.payload, picture);
        assert_eq!((frame.seq, frame.timestamp), (Some(seq), Some(1_700_000_000.25)));
        send(framing.trailer());
    }
    send(framing.closing());
    assert!(watcher.next().await.unwrap().is_none());
    assert!(watcher.next().await.unwrap().is_none());
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_an_error() {
    let mut hub = FakeHub::start().await;
    let target = Target::stream(&hub.endpoint, "cam");
    let mut watcher = Watcher::connect(&target, &watch::Options::default()).await.unwrap();
    hub.saw().await;
    hub.mjpeg.try_send(Bytes::from_static(Framing::Length.opening())).unwrap();
    hub.mjpeg.try_send(Framing::Length.head(100, 1.0, 1)).unwrap();
    hub.mjpeg.try_send(jpeg()).unwrap();
    hub.mjpeg = tokio::sync::mpsc::channel(1).0;
    assert_eq!(watcher.next().await.unwrap_err().code(), "CLOSED");
}

#[tokio::test]
async fn what_is_no_stream_is_refused() {
    let hub = FakeHub::start().await;
    for (path, code) in [("/plain", "BAD_REPLY"), ("/api/streams/gone", "STREAM_NOT_FOUND")] {
        let target = Target::watch(&hub.endpoint.url(path), None).unwrap();
        let error = Watcher::connect(&target, &watch::Options::default()).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
}

/// Reads through a thousand frames at 100 kB/s in simulated time: the clock, not the loop, is the limit.
#[tokio::test]
async fn a_slow_reader_keeps_its_rate() {
    let hub = FakeHub::start().await;
    let target = Target::stream(&hub.endpoint, "cam");
    let options = watch::Options { bytes_per_sec: Some(100_000) };
    let mut watcher = Watcher::connect(&target, &options).await.unwrap();
    hub.mjpeg.send(Bytes::from_static(Framing::Length.opening())).await.unwrap();
    let picture = Bytes::from(vec![7_u8; 50_000]);
    tokio::time::pause();
    let started = tokio::time::Instant::now();
    for seq in 1..=5 {
        hub.mjpeg.try_send(Framing::Length.head(picture.len(), 0.0, seq)).unwrap();
        hub.mjpeg.try_send(picture.clone()).unwrap();
        hub.mjpeg.try_send(Bytes::from_static(Framing::Length.trailer())).unwrap();
        watcher.next().await.unwrap().unwrap();
    }
    // 250 kB at 100 kB/s, less the last chunk, which is waited for only by the frame after it.
    assert!(started.elapsed().as_secs_f64() > 2.2, "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_lost_connection_comes_back_with_a_later_frame() {
    let mut hub = FakeHub::start().await;
    let mut publisher = Reconnecting::connect(&hub.endpoint, "fragile", Options::default()).await.unwrap();
    hub.saw().await;
    let meta = Metadata::default();
    assert!(matches!(publisher.send(jpeg(), &meta).await.unwrap(), Sent::Yes));
    assert_eq!(hub.saw().await, Seen::Frame(jpeg()));
    // The hub drops the connection after each frame. How many writes it takes to notice is the kernel's
    // affair; that the connection comes back is ours.
    let mut lost = 0;
    while publisher.reconnects() == 0 {
        match publisher.send(jpeg(), &meta).await.unwrap() {
            Sent::Lost { error, retry_in } => {
                assert!(error.is_transient());
                assert!(publisher.away_for().is_some());
                lost += 1;
                tokio::time::sleep(retry_in).await;
            }
            Sent::Away | Sent::Yes => tokio::task::yield_now().await,
        }
    }
    assert!(lost >= 1);
    assert!(publisher.away_for().is_none());
}

#[tokio::test]
async fn retrying_waits_out_what_is_transient_and_reports_what_is_not() {
    let hub = FakeHub::start().await;
    let taken = Reconnecting::connect(&hub.endpoint, "taken", Options::default()).await.unwrap_err();
    assert!(taken.is_transient());

    let mut later = Reconnecting::later(&hub.endpoint, "taken", Options::default());
    assert!(matches!(later.send(jpeg(), &Metadata::default()).await.unwrap(), Sent::Lost { .. }));
    assert!(matches!(later.send(jpeg(), &Metadata::default()).await.unwrap(), Sent::Away));

    let mut never = Reconnecting::later(&hub.endpoint, "forbidden", Options::default());
    let error = never.send(jpeg(), &Metadata::default()).await.unwrap_err();
    assert_eq!((error.code(), error.is_transient()), ("FORBIDDEN", false));
    let (unused, _socket) = unused();
    let mut nowhere = Reconnecting::later(&unused, "x", Options::default());
    assert!(matches!(nowhere.send(jpeg(), &Metadata::default()).await.unwrap(), Sent::Lost { .. }));
}

#[tokio::test]
async fn who_was_replaced_does_not_fight_back() {
    let mut hub = FakeHub::start().await;
    let options = Options { takeover: true, ..Options::default() };
    let mut publisher = Reconnecting::connect(&hub.endpoint, "contested", options).await.unwrap();
    assert_eq!(hub.saw().await, Seen::Request("/publish/contested?takeover=1".into(), None));
    loop {
        match publisher.send(jpeg(), &Metadata::default()).await.unwrap() {
            Sent::Lost { retry_in, .. } => {
                tokio::time::sleep(retry_in).await;
                break;
            }
            _ => tokio::task::yield_now().await,
        }
    }
    while publisher.reconnects() == 0 {
        publisher.send(jpeg(), &Metadata::default()).await.unwrap();
    }
    let again = loop {
        if let Seen::Request(path, _) = hub.saw().await {
            break path;
        }
    };
    assert_eq!(again, "/publish/contested");
}
