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
        captured: CaptureTime::from_unix_secs(1.6e9),
        source_seq: Some(7),
        metadata: Some("{\"robot\":1}".into()),
    };
    let frame = ingest.frame(frame).await.unwrap();
    assert_eq!((frame.seq, &frame.payload), (1, &jpeg()));
    assert_eq!((frame.format.width, frame.format.height), (16, 8));
    assert_eq!(frame.captured, CaptureTime::from_unix_secs(1.6e9));
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

/// A picture whose left half is dark and whose right half is light.
fn halves() -> Picture {
    let mut picture = Picture::filled(32, 16, [20; 3]);
    for row in picture.rgb.chunks_exact_mut(32 * 3) {
        row[16 * 3..].fill(220);
    }
    picture
}

/// The picture as a camera sends it that was held so.
fn held(orientation: u8) -> Vec<u8> {
    let jpeg = media::jpeg::encode(&halves(), 95).unwrap();
    let exif = b"\xFF\xE1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0";
    [&jpeg[..2], exif, &[orientation, 0, 0, 0, 0, 0, 0], &jpeg[2..]].concat()
}

#[tokio::test]
async fn a_picture_that_lies_on_its_side_is_turned_for_everyone() {
    let hub = hub();
    let mut ingest = ingest(&hub, "s", Claim::Shared);
    let frame = ingest.frame(bytes(held(6))).await.unwrap();
    assert_eq!((frame.format.width, frame.format.height), (16, 32));
    let picture = media::jpeg::decode(&frame.payload, 1000).unwrap();
    let (top, bottom) = (picture.pixel(8, 4).unwrap()[0], picture.pixel(8, 28).unwrap()[0]);
    assert!(top < 60 && bottom > 180, "the left side is up: {top} {bottom}");
    assert!(!frame.payload.windows(4).any(|bytes| bytes == b"Exif"), "nobody turns it again");
    ingest.frame(bytes(held(3))).await.unwrap();
    let mended = ingest.publisher().unwrap().stream().stats(now()).remarks;
    assert_eq!(mended, [wire::Mended::Turned.text()], "said once");
}

#[tokio::test]
async fn a_picture_that_lacks_its_end_marker_alone_is_whole() {
    let hub = hub();
    let mut ingest = ingest(&hub, "s", Claim::Shared);
    let whole = media::jpeg::encode(&halves(), 95).unwrap();
    let frame = ingest.frame(bytes(whole[..whole.len() - 2].to_vec())).await.unwrap();
    assert_eq!(&frame.payload[..], whole);
    for missing in [12, whole.len() / 4] {
        let torn = ingest.frame(bytes(whole[..whole.len() - missing].to_vec())).await.unwrap_err();
        assert_eq!(torn.code(), "TRUNCATED_JPEG", "{missing} bytes are missing");
    }
    assert_eq!(ingest.publisher().unwrap().stream().stats(now()).remarks, [wire::Mended::End.text()]);
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
