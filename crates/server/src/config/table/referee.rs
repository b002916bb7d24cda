//! The rows of uploads and their analysis (document 003).

use std::path::PathBuf;

use super::super::key::{Key, Kind};
use super::{MB, bytes, is_path, seconds, serving::ROW, set_optional_path, set_parsed};

const REFEREE: Key = Key { section: "referee", ..ROW };

pub(super) const KEYS: &[Key] = &[
    Key {
        name: "max_streaming_sessions",
        kind: Kind::Int { least: 0, most: 10_000, set: |p, v| p.referee.max_streaming_sessions = v as usize },
        default: "10",
        env: &["REFEREE_MAX_STREAMING_SESSIONS"],
        doc: "Upload sessions at the same time. Raising it shares `referee.max_streaming_memory_mb` \
            among more. 0 turns uploads off.",
        ..REFEREE
    },
    Key {
        name: "max_streaming_memory_mb",
        kind: Kind::Number {
            least: 1.0,
            most: 1_048_576.0,
            set: |p, v| p.referee.max_streaming_memory_bytes = bytes(v, MB),
        },
        default: "2048",
        env: &["REFEREE_MAX_STREAMING_MEMORY_MB"],
        doc: "Frames of all upload sessions together that may be in memory; each session has an equal \
            part of it at most. Raise it for large frames in PNG or raw.",
        ..REFEREE
    },
    Key {
        name: "spool_memory_mb",
        kind: Kind::Number {
            least: 0.1,
            most: 1_048_576.0,
            set: |p, v| p.referee.spool_memory_bytes = bytes(v, MB),
        },
        default: "64",
        doc: "Frames of one upload session that may be in memory; what is beyond lies in a file in \
            `referee.output_dir` until the session ends. Raising it spares a slow disk.",
        ..REFEREE
    },
    Key {
        name: "max_frame_mb",
        kind: Kind::Number { least: 0.1, most: 512.0, set: |p, v| p.referee.max_frame_bytes = bytes(v, MB) },
        default: "32",
        doc: "The largest frame that an upload session may send. A raw frame of 3840 × 2160 pixels has \
            24 MB.",
        ..REFEREE
    },
    Key {
        name: "max_video_mb",
        kind: Kind::Number {
            least: 0.1,
            most: 1_048_576.0,
            set: |p, v| p.referee.max_video_bytes = bytes(v, MB),
        },
        default: "1024",
        doc: "The largest video that `POST /analyze` takes. While it is analysed it lies in \
            `referee.output_dir`.",
        ..REFEREE
    },
    Key {
        name: "analyses",
        kind: Kind::Int { least: 1, most: 64, set: |p, v| p.referee.analyses = v as usize },
        default: "2",
        doc: "Analyses that run at once; the others wait in order while their frames come in. Each takes a \
            processor.",
        ..REFEREE
    },
    Key {
        name: "streaming_session_timeout",
        kind: Kind::Number {
            least: 1.0,
            most: 86400.0,
            set: |p, v| p.referee.streaming_session_timeout = seconds(v),
        },
        default: "300",
        unit: "seconds",
        env: &["REFEREE_STREAMING_SESSION_TIMEOUT"],
        doc: "An upload session without a message for this long is dropped with its frames; within it \
            a lost connection may resume.",
        ..REFEREE
    },
    Key {
        name: "yolo_model",
        kind: Kind::Text {
            allowed: "a path or nothing",
            set: |p, v| set_optional_path(&mut p.referee.yolo_model, v),
        },
        env: &["REFEREE_YOLO_MODEL"],
        available: false,
        doc: "The pose model (ONNX). Without one, only phrases with a single light are judged.",
        ..REFEREE
    },
    Key {
        name: "output_dir",
        kind: Kind::Text {
            allowed: "a path",
            set: |p, v| set_parsed(&mut p.referee.output_dir, is_path(v).then(|| PathBuf::from(v))),
        },
        default: "artifacts",
        env: &["REFEREE_OUTPUT_DIR"],
        doc: "Where the files of each analysis are kept, a folder for each session.",
        ..REFEREE
    },
];
