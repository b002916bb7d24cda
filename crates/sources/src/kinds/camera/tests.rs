//! Cameras without a camera: formats as drivers list them, and buffers as they fill them.

#![allow(clippy::unwrap_used)]

use hub::{Claim, Hub, Limits, RingLimits};

use media::raw::Layout;

use super::{
    capture::Mode,
    choose::{Offer, choose},
    *,
};
use ingest::{
    Admission, now,
    pull::{Report, Status},
};
use wire::image::Limits as PictureLimits;

const YUYV: Pixels = Pixels::Raw(Layout::Yuyv);
const NV12: Pixels = Pixels::Raw(Layout::Nv12);

fn offer(pixels: Pixels, width: u32, height: u32, fps: f64) -> Offer {
    Offer { pixels, width, height, fps: Some(fps) }
}

fn preferred(width: u32, height: u32, fps: f64) -> Preference {
    Preference { width: Some(width), height: Some(height), fps: Some(fps) }
}

/// What most webcams list.
fn webcam() -> Vec<Offer> {
    vec![
        offer(YUYV, 640, 480, 30.0),
        offer(YUYV, 1280, 720, 10.0),
        offer(YUYV, 1920, 1080, 5.0),
        offer(Pixels::Jpeg, 640, 480, 30.0),
        offer(Pixels::Jpeg, 1280, 720, 30.0),
        offer(Pixels::Jpeg, 1920, 1080, 30.0),
    ]
}

#[test]
fn jpeg_is_taken_where_it_is_as_good() {
    for size in [(640, 480), (1280, 720), (1920, 1080)] {
        let chosen = choose(&webcam(), &preferred(size.0, size.1, 30.0)).unwrap();
        assert_eq!(chosen, offer(Pixels::Jpeg, size.0, size.1, 30.0));
    }
}

#[test]
fn the_size_comes_first_then_the_rate_then_the_cost() {
    let raw = [offer(YUYV, 640, 480, 30.0), offer(NV12, 640, 480, 30.0), offer(NV12, 1280, 720, 30.0)];
    assert_eq!(choose(&raw, &preferred(640, 480, 30.0)).unwrap().pixels, NV12);
    let slow_jpeg = [offer(Pixels::Jpeg, 640, 480, 15.0), offer(YUYV, 640, 480, 30.0)];
    assert_eq!(choose(&slow_jpeg, &preferred(640, 480, 30.0)).unwrap().pixels, YUYV);
    assert_eq!(choose(&slow_jpeg, &preferred(640, 480, 15.0)).unwrap().pixels, Pixels::Jpeg);
    let nearest = choose(&webcam(), &preferred(1200, 700, 30.0)).unwrap();
    assert_eq!((nearest.width, nearest.height), (1280, 720));
    assert_eq!(choose(&[], &preferred(640, 480, 30.0)), None);
}

#[test]
fn the_default_is_vga() {
    let none = Preference { width: None, height: None, fps: None };
    let chosen = choose(&webcam(), &none).unwrap();
    assert_eq!((chosen.width, chosen.height), (640, 480));
    assert_eq!(Preference { width: Some(1280), ..none }.size(), (1280, 960));
    assert_eq!(Preference { height: Some(480), ..none }.size(), (640, 480));
}

/// Publishes these buffers; gives the newest frame and the counters.
async fn shown(captures: Vec<Capture>) -> (Option<(Vec<u8>, hub::Format)>, Report) {
    let ring = RingLimits { frames: 2, history_bytes: 1 << 20, backlog_frames: 2, backlog_bytes: 1 << 20 };
    let hub = Hub::new(Limits { streams: 1, viewers_per_stream: 1, ring });
    let publisher = hub.publisher(&"cam".parse().unwrap(), Claim::SteadySource, now()).unwrap();
    let status = Status::new("v4l2");
    let admission = Admission::new(PictureLimits { max_bytes: 1 << 20, setting: "" }, 90);
    let mut intake = Intake::new(&publisher, &status, admission);
    let (give, mut take) = mpsc::channel(captures.len().max(1));
    for capture in captures {
        give.send(capture).await.unwrap();
    }
    drop(give);
    show(&mut take, &mut intake).await.unwrap();
    let newest = publisher.stream().newest().map(|frame| (frame.payload.to_vec(), frame.format));
    (newest, status.report())
}

fn capture(pixels: Pixels, width: u32, height: u32, bytes: Vec<u8>) -> Capture {
    let mode = Mode { pixels, width, height, stride: width * 2 };
    Capture { mode, bytes, captured: None, damaged: false }
}

#[tokio::test]
async fn raw_pixels_are_encoded_once_a_picture() {
    let grey: Vec<u8> = [126, 128].repeat(32 * 16);
    let (newest, report) = shown((0..3).map(|_| capture(YUYV, 32, 16, grey.clone())).collect()).await;
    let (jpeg, format) = newest.unwrap();
    assert_eq!((format.width, format.height), (32, 16));
    assert_eq!((report.captures, report.encodes, report.frame_errors), (3, 3, 0));
    let pixel = media::jpeg::decode(&jpeg, 1 << 20).unwrap().pixel(5, 5).unwrap();
    assert!(pixel.iter().all(|value| value.abs_diff(128) <= 2), "{pixel:?}");
}

#[tokio::test]
async fn a_cameras_jpeg_passes_and_gets_the_tables_it_left_out() {
    let whole = media::jpeg::encode(&media::Picture::filled(32, 16, [9, 99, 199]), 90).unwrap();
    let (newest, report) = shown(vec![capture(Pixels::Jpeg, 32, 16, whole.clone())]).await;
    assert_eq!(newest.unwrap().0, whole, "byte for byte");
    assert_eq!((report.captures, report.encodes), (1, 0));

    let bare = without_tables(&whole);
    assert!(!wire::jpeg::probe(&bare).unwrap().has_huffman_tables);
    // Buffers are longer than what is in them, and some drivers say the whole length.
    let padded = [bare, vec![0; 500]].concat();
    let (newest, _) = shown(vec![capture(Pixels::Jpeg, 32, 16, padded)]).await;
    let jpeg = newest.unwrap().0;
    assert!(wire::jpeg::probe(&jpeg).unwrap().has_huffman_tables);
    assert_eq!(media::jpeg::decode(&jpeg, 1 << 20).unwrap(), media::jpeg::decode(&whole, 1 << 20).unwrap());
}

#[tokio::test]
async fn damaged_and_short_buffers_are_counted_and_skipped() {
    let torn = Capture { damaged: true, ..capture(YUYV, 32, 16, vec![0; 32 * 16 * 2]) };
    let captures = vec![
        torn,
        capture(YUYV, 32, 16, vec![0; 100]),
        capture(Pixels::Jpeg, 32, 16, vec![]),
        capture(Pixels::Jpeg, 32, 16, vec![0xFF, 0xD8, 0, 0]),
    ];
    let (newest, report) = shown(captures).await;
    assert_eq!(newest, None);
    assert_eq!((report.frame_errors, report.encodes), (4, 0));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_camera_that_is_not_there_is_named() {
    let preferred = Preference { width: None, height: None, fps: None };
    let mut camera = device::Camera::start(Path::new("/dev/video-not-there"), preferred).unwrap();
    assert!(camera.captures.recv().await.is_none());
    let error = camera.end().await.to_string();
    assert!(error.contains("/dev/video-not-there"), "{error}");
    let mut camera = device::Camera::start(Path::new("/dev/null"), preferred).unwrap();
    assert!(camera.captures.recv().await.is_none(), "no camera");
}

/// The segments before the scan, but for DHT.
fn without_tables(jpeg: &[u8]) -> Vec<u8> {
    let mut bare = jpeg[..2].to_vec();
    let mut at = 2;
    while jpeg[at + 1] != 0xDA {
        let next = at + 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
        if jpeg[at + 1] != 0xC4 {
            bare.extend(&jpeg[at..next]);
        }
        at = next;
    }
    bare.extend(&jpeg[at..]);
    bare
}
