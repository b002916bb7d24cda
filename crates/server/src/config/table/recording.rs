//! The rows of streams on disk.

use std::path::PathBuf;
use std::time::Duration;

use record::{Codec, TimeOfDay};

use super::super::key::{Key, Kind};
use super::{GB, bytes, is_path, seconds, serving::ROW, set_parsed};

const RECORDING: Key = Key { section: "recording", ..ROW };

const DAY: Duration = Duration::from_secs(86_400);

pub(super) const KEYS: &[Key] = &[
    Key {
        section: "cleanup",
        name: "schedule_time",
        kind: Kind::Text {
            allowed: "a time of the day from 00:00 to 23:59",
            set: |p, v| set_parsed(&mut p.cleanup.schedule_time, time_of_day(v.trim())),
        },
        default: "03:00",
        doc: "When old recordings are deleted, once a day, in the machine's local time.",
        ..ROW
    },
    Key {
        name: "enabled",
        kind: Kind::Flag(|p, v| p.recording.enabled = v),
        default: "true",
        doc: "Whether every published stream is recorded by itself. Without it a stream is recorded when \
            somebody asks. The demo and other sources that rest while nobody watches are always only \
            recorded on request.",
        ..RECORDING
    },
    Key {
        name: "codec",
        kind: Kind::Choice(&[
            ("mp4v", |p| p.recording.codec = Codec::Mp4v),
            ("mjpeg", |p| p.recording.codec = Codec::Mjpeg),
            ("h264", |p| p.recording.codec = Codec::H264),
        ]),
        default: "mp4v",
        doc: "How pictures are stored. `mp4v` and `mjpeg` keep the published JPEGs, which costs no \
            encoding; `h264` is many times smaller and plays in browsers, at the price of encoding \
            each frame.",
        ..RECORDING
    },
    Key {
        name: "fps",
        kind: Kind::Number { least: 0.1, most: 240.0, set: |p, v| p.recording.fps = v },
        default: "30",
        unit: "frames a second",
        doc: "The highest rate that is recorded; a slower stream keeps its own. Higher takes more disk.",
        ..RECORDING
    },
    Key {
        name: "retention_days",
        kind: Kind::Int { least: 1, most: 36_500, set: |p, v| p.recording.retention = DAY * v as u32 },
        default: "7",
        env: &["RECORDING_RETENTION_DAYS"],
        doc: "How long recordings stay. Raising it takes more disk.",
        ..RECORDING
    },
    Key {
        name: "segment_seconds",
        kind: Kind::Number { least: 10.0, most: 86400.0, set: |p, v| p.recording.segment = seconds(v) },
        default: "3600",
        doc: "A recording is continued in a new file after this long. Shorter files lose less to a \
            crash and are deleted more finely.",
        ..RECORDING
    },
    Key {
        name: "max_total_gb",
        kind: Kind::Number {
            least: 0.0,
            most: 1_000_000.0,
            set: |p, v| p.recording.max_total_bytes = (v > 0.0).then(|| bytes(v, GB)),
        },
        default: "0",
        doc: "All recordings together; past it the oldest are deleted first. 0 sets no limit.",
        ..RECORDING
    },
    Key {
        name: "min_free_gb",
        kind: Kind::Number {
            least: 0.0,
            most: 1_000_000.0,
            set: |p, v| p.recording.min_free_bytes = bytes(v, GB),
        },
        default: "1",
        doc: "So much of the disk stays free: the oldest recordings are deleted first, and where that \
            is not enough recording pauses until there is room.",
        ..RECORDING
    },
    Key {
        name: "sync_seconds",
        kind: Kind::Number { least: 0.1, most: 3600.0, set: |p, v| p.recording.sync = seconds(v) },
        default: "1",
        doc: "How long what was recorded may take to be safe from a power cut. Higher spares a slow \
            disk. A crash of the program loses none of it, whatever this is.",
        ..RECORDING
    },
    Key {
        name: "directory",
        kind: Kind::Text {
            allowed: "a path",
            set: |p, v| set_parsed(&mut p.recording.directory, is_path(v).then(|| PathBuf::from(v))),
        },
        default: "recordings",
        doc: "Where recordings are kept, a folder for each stream.",
        ..RECORDING
    },
];

/// `HH:MM`, and `H:MM` as people write it.
fn time_of_day(text: &str) -> Option<TimeOfDay> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if !digits(hour) || !digits(minute) || minute.len() != 2 || hour.len() > 2 {
        return None;
    }
    let time = TimeOfDay { hour: hour.parse().ok()?, minute: minute.parse().ok()? };
    (time.hour < 24 && time.minute < 60).then_some(time)
}
