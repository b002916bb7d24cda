//! The rows that this version accepts and checks, but does not act on yet, so that the five
//! documents' own files and environments start unchanged.

use std::path::PathBuf;

use super::super::key::{Key, Kind};
use super::{MB, bytes, is_path, seconds, set_optional_path, set_parsed};

/// What all these rows share.
const ROW: Key = Key {
    section: "",
    name: "",
    kind: Kind::Flag(|_, _| ()),
    default: "",
    unit: "",
    env: &[],
    secret: false,
    available: false,
    doc: "",
};

const REFEREE: Key = Key { section: "referee", ..ROW };

pub(super) const KEYS: &[Key] = &[
    Key {
        name: "max_streaming_sessions",
        kind: Kind::Int { least: 1, most: 10_000, set: |p, v| p.referee.max_streaming_sessions = v as usize },
        default: "10",
        env: &["REFEREE_MAX_STREAMING_SESSIONS"],
        doc: "Upload sessions at the same time. Raising it shares `referee.max_streaming_memory_mb` \
            among more.",
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
        doc: "Frames that all upload sessions together may buffer. Raise it for long phrases in PNG or \
            raw.",
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
