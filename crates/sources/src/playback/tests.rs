//! Tests of `playback`.
#![allow(clippy::unwrap_used)]
use hub::{Class, Limits, RingLimits, Rule, Start};
use tokio::time::Instant;

use super::*;

fn admission() -> Admission {
    Admission::new(wire::image::Limits { max_bytes: 1 << 20, setting: "" }, 80)
}

fn hub() -> Hub {
    let ring = RingLimits { frames: 2, history_bytes: 1 << 20, backlog_frames: 20, backlog_bytes: 1 << 20 };
    Hub::new(Limits { streams: 10, viewers_per_stream: 10, ring })
}

fn spec(path: &std::path::Path, fps: f64) -> Spec {
    let spec = Spec::of_argument("a".parse().unwrap(), path.to_str().unwrap());
    Spec { fps: Some(fps), kind: Kind::File { path: path.to_owned(), looping: false }, ..spec }
}

fn jpeg(grey: u8) -> Vec<u8> {
    media::jpeg::encode(&media::Picture::filled(8, 8, [grey; 3]), 90).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_file_plays_once_in_its_own_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mjpeg");
    std::fs::write(&path, (0..4).flat_map(jpeg).collect::<Vec<u8>>()).unwrap();
    let hub = hub();
    let playback = Playback::open(&hub, spec(&path, 10.0), &admission()).await.unwrap();
    assert_eq!(playback.length(), Some(Duration::from_millis(400)));
    let mut reader = playback.stream().subscribe(Rule::InOrder, Class::Service, Start::Oldest).unwrap();
    let start = Instant::now();
    playback.run().await.unwrap();
    assert_eq!(start.elapsed().as_millis(), 400, "the last picture has its time, too");
    for grey in 0..4 {
        assert_eq!(reader.recv().await.unwrap().frame.payload, jpeg(grey));
    }
    let report = playback.report();
    assert_eq!((report.captures, report.late, report.frame_errors), (4, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_played_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub();
    let missing = folder.path().join("nowhere.mjpeg");
    let error = Playback::open(&hub, spec(&missing, 10.0), &admission()).await.unwrap_err();
    assert!(error.to_string().contains("nowhere.mjpeg"), "{error}");
    assert!(hub.is_empty());
    std::fs::write(folder.path().join("a.jpg"), b"plain text").unwrap();
    let playback = Playback::open(&hub, spec(folder.path(), 10.0), &admission()).await.unwrap();
    let error = playback.run().await.unwrap_err();
    assert!(error.to_string().contains("a.jpg"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_loops_breaks_off_at_an_unusable_picture() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.jpg"), jpeg(1)).unwrap();
    std::fs::write(folder.path().join("b.jpg"), b"plain text").unwrap();
    let kind = Kind::File { path: folder.path().to_owned(), looping: true };
    let looping = Spec { kind, ..spec(folder.path(), 10.0) };
    let playback = Playback::open(&hub(), looping, &admission()).await.unwrap();
    let error = playback.run().await.unwrap_err();
    assert!(error.to_string().contains("b.jpg"), "{error}");
    assert_eq!(playback.report().captures, 1, "the good one was published");
}
