//! The sections `recording` and `cleanup` of the configuration, as far as they are the recorder's.

use std::path::PathBuf;
use std::time::Duration;

use settings::{Table, is_path, store};

use crate::config::{Codec, Config, TimeOfDay};

type Row = settings::Row<Config>;

const DAY: Duration = Duration::from_secs(86_400);

pub static RECORDING: Table<Config> = Table {
    section: "recording",
    doc: "Streams on disk.",
    rows: &[
        Row::flag("enabled", |s, v| s.automatic = v).default("true").doc(
            "Whether every published stream is recorded automatically. Without it a stream is recorded \
                 on request. The demo and other sources that rest without viewers are always recorded \
                 only on request.",
        ),
        Row::choice(
            "codec",
            &[
                ("mp4v", |s| s.codec = Codec::Mp4v),
                ("mjpeg", |s| s.codec = Codec::Mjpeg),
                ("h264", |s| s.codec = Codec::H264),
                // OpenCV's names of the same.
                ("avc1", |s| s.codec = Codec::H264),
                ("x264", |s| s.codec = Codec::H264),
                ("mjpg", |s| s.codec = Codec::Mjpeg),
            ],
        )
        .default("mp4v")
        .doc(
            "How pictures are stored. `mp4v` and `mjpeg` keep the published JPEGs, which costs no \
                 encoding; `h264` is many times smaller and plays in browsers, at the price of encoding \
                 each frame.",
        ),
        Row::number("fps", 0.1, 240.0, |s, v| s.target_fps = v).default("30").unit("frames a second").doc(
            "The highest rate that is recorded; a slower stream keeps its own. Higher takes more \
                 disk.",
        ),
        Row::int("retention_days", 1, 36_500, |s, v| s.retention.max_age = DAY * v as u32)
            .default("7")
            .env(&["RECORDING_RETENTION_DAYS"])
            .doc("How long recordings stay. Raising it takes more disk."),
        Row::seconds("segment_seconds", 10.0, 86400.0, |s, v| s.segment = v).default("3600").doc(
            "A recording is continued in a new file after this long. Shorter files lose less to a \
                 crash and are deleted more finely.",
        ),
        Row::bytes("max_total_gb", 0.0, 1_000_000.0, |s, v| {
            s.retention.max_total_bytes = (v > 0).then_some(v)
        })
        .default("0")
        .doc("All recordings together; past it the oldest are deleted first. 0 sets no limit."),
        Row::bytes("min_free_gb", 0.0, 1_000_000.0, |s, v| s.retention.min_free_bytes = v).default("1").doc(
            "This much of the disk stays free: the oldest recordings are deleted first, and if that \
                 is not enough recording pauses until there is room.",
        ),
        Row::seconds("sync_seconds", 0.1, 3600.0, |s, v| s.sync = v).default("1").doc(
            "How long what was recorded may take to be safe from a power cut. Higher spares a slow \
                 disk. A crash of the program loses none of it, whatever this is.",
        ),
        Row::text("directory", "a path", |s, v| {
            store(&mut s.directory, is_path(v).then(|| PathBuf::from(v)))
        })
        .default("recordings")
        .doc("Where recordings are kept, a folder for each stream."),
    ],
};

/// When old recordings go.
pub static CLEANUP: Table<Config> = Table {
    section: "cleanup",
    doc: "When idle streams and old recordings are removed.",
    rows: &[Row::text("schedule_time", "a time of the day from 00:00 to 23:59", |s, v| {
        store(&mut s.schedule, time_of_day(v.trim()))
    })
    .default("03:00")
    .doc("When old recordings are deleted, once a day, in the machine's local time.")],
};

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
