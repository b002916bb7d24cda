//! Pictures of all kinds go into a stream of a hub, and what viewers see is read from there.
#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use hub::{CaptureTime, Claim, Class, Hub, Limits, RingLimits, Rule, Start, StreamName};
use ingest::{Admission, Error, IncomingFrame, Ingest, now, to_jpeg};
use media::Picture;
use wire::image;

const LIMITS: image::Limits = image::Limits { max_bytes: 10_000, setting: "server.max_frame_size_mb" };

fn hub() -> Hub {
    let ring = RingLimits { frames: 30, history_bytes: 1 << 20, backlog_frames: 30, backlog_bytes: 1 << 20 };
    Hub::new(Limits { streams: 1, viewers_per_stream: 10, ring })
}

fn name(text: &str) -> StreamName {
    text.parse().unwrap()
}

fn ingest(hub: &Hub, stream: &str, claim: Claim) -> Ingest {
    Ingest::new(hub, name(stream), claim, Admission::new(LIMITS, 85))
}

fn grey(level: u8) -> Picture {
    Picture::filled(16, 8, [level; 3])
}

fn jpeg() -> Bytes {
    media::jpeg::encode(&grey(100), 90).unwrap().into()
}

fn png() -> Bytes {
    media::png::encode(&grey(100)).unwrap().into()
}

fn bytes(bytes: impl Into<Bytes>) -> IncomingFrame {
    IncomingFrame { bytes: bytes.into(), ..IncomingFrame::default() }
}

#[tokio::test]
async fn a_jpeg_is_published_byte_for_byte_with_all_that_its_sender_says() {
    let hub = hub();
    let mut ingest = ingest(&hub, "s", Claim::Exclusive);
    assert!(ingest.publisher().is_none(), "the first frame claims the stream");
    let frame = IncomingFrame {
        bytes: jpeg(),
        captured: CaptureTime::from_unix_secs(12.5),
        source_seq: Some(7),
        metadata: Some("{\"robot\":1}".into()),
    };
    let frame = ingest.frame(frame).await.unwrap();
    assert_eq!((frame.seq, &frame.payload), (1, &jpeg()));
    assert_eq!((frame.format.width, frame.format.height), (16, 8));
    assert_eq!(frame.captured, CaptureTime::from_unix_secs(12.5));
    assert_eq!((frame.source_seq, frame.metadata.as_deref()), (Some(7), Some("{\"robot\":1}")));
    assert!(ingest.publisher().is_some());
}

#[tokio::test]
async fn a_png_becomes_a_jpeg_of_its_size() {
    let hub = hub();
    let frame = ingest(&hub, "s", Claim::Shared).frame(bytes(png())).await.unwrap();
    let picture = media::jpeg::decode(&frame.payload, 1000).unwrap();
    assert_eq!((picture.width, picture.height), (16, 8));
    assert!(picture.rgb.iter().all(|value| value.abs_diff(100) < 3));
    assert_eq!(to_jpeg(png(), &LIMITS, 85).unwrap().payload, frame.payload, "the same on this thread");
}

#[tokio::test]
async fn refused_pictures_are_counted_and_leave_the_last_good_frame() {
    let hub = hub();
    let admission = Admission::new(LIMITS, 85);
    let mut ingest = Ingest::new(&hub, name("s"), Claim::Exclusive, admission.clone());
    let refused = ingest.frame(bytes("no picture")).await.unwrap_err();
    assert_eq!(refused.code(), "NOT_AN_IMAGE");
    assert!(hub.stream(&name("s")).is_none(), "a refused first frame makes no stream");

    ingest.frame(bytes(jpeg())).await.unwrap();
    let mut damaged = png().to_vec();
    let middle = damaged.len() - 20;
    damaged[middle] ^= 0xFF;
    let cases: [(Bytes, &str); 5] = [
        (Bytes::new(), "EMPTY_FRAME"),
        (jpeg().slice(..100), "TRUNCATED_JPEG"),
        (png().slice(..png().len() - 1), "BAD_PNG"),
        (damaged.into(), "BAD_PNG"),
        (vec![0; LIMITS.max_bytes + 1].into(), "FRAME_TOO_LARGE"),
    ];
    for (data, code) in cases {
        let refused = ingest.frame(bytes(data)).await.unwrap_err();
        assert_eq!(refused.code(), code);
        assert!(!refused.ends_stream(), "the next picture may be good");
    }
    let stream = hub.stream(&name("s")).unwrap();
    assert_eq!(stream.stats(now()).totals.rejected, 5);
    assert_eq!(admission.rejected(), 6, "with the one before there was a stream");
    let mut viewer = stream.subscribe(Rule::Latest, Class::Viewer, Start::Newest).unwrap();
    assert_eq!(viewer.recv().await.unwrap().frame.payload, jpeg());
}

#[tokio::test]
async fn a_stream_that_is_taken_over_refuses_the_next_frame_until_it_is_claimed_anew() {
    let hub = hub();
    let mut first = ingest(&hub, "s", Claim::Exclusive);
    first.frame(bytes(jpeg())).await.unwrap();
    let second = ingest(&hub, "s", Claim::Exclusive);
    assert_eq!(second.check_claim().unwrap_err().code(), "STREAM_CLAIMED");

    ingest(&hub, "s", Claim::TakeOver).frame(bytes(jpeg())).await.unwrap();
    let lost = first.frame(bytes(jpeg())).await.unwrap_err();
    assert!(lost.ends_stream());
    assert_eq!(lost.code(), "TAKEN_OVER");
    first.release();
    assert_eq!(first.frame(bytes(jpeg())).await.unwrap().seq, 3);
}

#[tokio::test]
async fn beyond_the_limit_of_streams_nothing_is_claimed() {
    let hub = hub();
    ingest(&hub, "a", Claim::Source).claim().unwrap();
    let mut other = ingest(&hub, "b", Claim::Shared);
    assert_eq!(other.check_claim().unwrap_err().code(), "STREAM_LIMIT");
    let error = other.frame(bytes(jpeg())).await.unwrap_err();
    assert!(matches!(error, Error::Claim(_)) && error.ends_stream());
}
