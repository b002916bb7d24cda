//! Tests of `metadata`.
#![allow(clippy::unwrap_used)]

use super::*;

const OF_THE_DOCUMENT: &str = r#"{
      "stream_name": "camera1",
      "start_time": "2026-01-21T10:30:00Z",
      "end_time": "2026-01-21T10:45:23Z",
      "duration_seconds": 923,
      "total_frames": 27690,
      "average_fps": 30.0,
      "target_fps": 30,
      "codec": "mp4v",
      "recording_path": "recordings/camera1/camera1_20260121_103000.mp4"
    }"#;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_file_of_the_stream_server_is_read() {
    let read = Metadata::from_json(OF_THE_DOCUMENT.as_bytes()).unwrap();
    assert_eq!(read.end_time, time("2026-01-21T10:45:23Z"));
    assert_eq!((read.total_frames, read.duration_seconds, read.target_fps), (27690, 923.0, 30.0));
    assert_eq!((read.status, read.kind, read.size_bytes), (Status::Finished, Kind::Segment, 0));
}

#[test]
fn the_stream_servers_fields_come_first_and_in_its_order() {
    let read = Metadata::from_json(OF_THE_DOCUMENT.as_bytes()).unwrap();
    let written = String::from_utf8(read.to_json().unwrap()).unwrap();
    let keys: Vec<&str> = written.lines().filter_map(|line| line.trim().split('"').nth(1)).collect();
    let theirs: Vec<&str> =
        OF_THE_DOCUMENT.lines().filter_map(|line| line.trim().split('"').nth(1)).collect();
    assert_eq!(keys.get(..9), theirs.get(..9));
    assert!(written.contains(r#""start_time": "2026-01-21T10:30:00.000Z""#), "{written}");
}

#[test]
fn what_is_written_is_read_back_to_the_millisecond() {
    let mut metadata = Metadata::from_json(OF_THE_DOCUMENT.as_bytes()).unwrap();
    metadata.start_time = time("2026-01-21T10:30:00.123Z");
    metadata.status = Status::Healed;
    metadata.kind = Kind::Clip;
    metadata.codec = Codec::H264;
    metadata.gaps = vec![Gap { at: time("2026-01-21T10:31:00.5Z"), seconds: 1.25, frames: 37 }];
    assert_eq!(Metadata::from_json(&metadata.to_json().unwrap()), Some(metadata));
}

#[test]
fn numbers_that_json_cannot_hold_are_read_as_zero() {
    let mut metadata = Metadata::from_json(OF_THE_DOCUMENT.as_bytes()).unwrap();
    metadata.average_fps = f64::INFINITY;
    assert_eq!(Metadata::from_json(&metadata.to_json().unwrap()).unwrap().average_fps, 0.0);
}

#[test]
fn times_without_an_offset_and_unknown_codecs_are_taken() {
    let text = OF_THE_DOCUMENT.replace("10:45:23Z", "10:45:23.5").replace("mp4v", "XVID");
    let read = Metadata::from_json(text.as_bytes()).unwrap();
    assert_eq!((read.end_time, read.codec), (time("2026-01-21T10:45:23.5Z"), Codec::Mp4v));
}

#[test]
fn junk_is_no_metadata() {
    for text in ["", "{}", "[]", "null", "{\"stream_name\":1}", "\0\0\0", &"[".repeat(10_000)] {
        assert_eq!(Metadata::from_json(text.as_bytes()), None, "{text:.40}");
    }
}
