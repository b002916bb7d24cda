//! The rows of uploads and their analysis (document 003).

use std::path::PathBuf;

use referee::pose::Source;

use super::super::key::{Key, Kind};
use super::{MB, bytes, is_path, seconds, serving::ROW, set_parsed};

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
        name: "live_analyses",
        kind: Kind::Int { least: 0, most: 64, set: |p, v| p.referee.live_analyses = v as usize },
        default: "2",
        doc: "Live streams that are analysed at once (`POST /api/streams/NAME/analysis`). Each takes a processor.",
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
            allowed: "builtin, none, or a path",
            set: |p, v| set_parsed(&mut p.referee.yolo_model, pose_model(v)),
        },
        default: "builtin",
        env: &["REFEREE_YOLO_MODEL"],
        doc: "The pose model: `builtin`, a small one in the program itself that was trained on drawn fencers seen from \
            the side (models/README.md), loaded when it is first needed; or the path of what Ultralytics exports of \
            a `-pose` model with `format=onnx`, say `yolov8m-pose.onnx`, loaded and tried at the start: where that \
            fails, the log says why and `/health` that none is loaded. With `none`, only phrases with a single light \
            are judged.",
        ..REFEREE
    },
    Key {
        name: "input_size",
        kind: Kind::Text {
            allowed: "auto, or a whole number of pixels from 32 to 4096",
            set: |p, v| set_parsed(&mut p.referee.input_size, input_size(v.trim())),
        },
        default: "auto",
        doc: "The longer side of what a model with free sides (`dynamic=True`) is given, such as the built-in one; \
            other models know their own. `auto` is 576 for the built-in one, 640 for others. Lowering it is faster \
            and misses people far away.",
        ..REFEREE
    },
    Key {
        name: "threads",
        kind: Kind::Int { least: 0, most: 256, set: |p, v| p.referee.threads = v as usize },
        default: "0",
        doc: "Threads that run the pose model, for all analyses together; 0 for one a core. They give way to \
            those that serve viewers.",
        ..REFEREE
    },
    Key {
        name: "fisheye",
        kind: Kind::Flag(|p, v| p.referee.fisheye = v),
        default: "true",
        env: &["REFEREE_FISHEYE"],
        doc: "Whether pictures are straightened before they are looked at. Turn it off for lenses that do not \
            bend.",
        ..REFEREE
    },
    Key {
        name: "fisheye_strength",
        kind: Kind::Number { least: -0.4, most: 1.0, set: |p, v| p.referee.fisheye_bend[0] = v },
        default: "-0.18",
        env: &["REFEREE_FISHEYE_STRENGTH"],
        doc: "How much the lens bends: k1 of OpenCV's fisheye model, for a camera that looks through the middle \
            of the picture and whose focal length is the picture's longer side.",
        ..REFEREE
    },
    Key {
        name: "fisheye_k2",
        kind: Kind::Number { least: -1.0, most: 1.0, set: |p, v| p.referee.fisheye_bend[1] = v },
        default: "0",
        env: &["REFEREE_FISHEYE_K2"],
        doc: "OpenCV's k2.",
        ..REFEREE
    },
    Key {
        name: "fisheye_k3",
        kind: Kind::Number { least: -1.0, most: 1.0, set: |p, v| p.referee.fisheye_bend[2] = v },
        default: "0",
        env: &["REFEREE_FISHEYE_K3"],
        doc: "OpenCV's k3.",
        ..REFEREE
    },
    Key {
        name: "fisheye_k4",
        kind: Kind::Number { least: -1.0, most: 1.0, set: |p, v| p.referee.fisheye_bend[3] = v },
        default: "0",
        env: &["REFEREE_FISHEYE_K4"],
        doc: "OpenCV's k4.",
        ..REFEREE
    },
    Key {
        name: "fisheye_balance",
        kind: Kind::Number { least: 0.0, most: 1.0, set: |p, v| p.referee.fisheye_balance = v },
        default: "0",
        env: &["REFEREE_FISHEYE_BALANCE"],
        doc: "How much is kept of what the lens saw, as OpenCV's `balance`: 0 zooms in, 1 out. What nothing was \
            seen of is cut off.",
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

/// `Some(None)` is no model.
fn pose_model(text: &str) -> Option<Option<Source>> {
    if text.trim().eq_ignore_ascii_case("none") {
        return Some(None);
    }
    (!text.contains('\0')).then(|| Some(Source::named(text)))
}

/// `Some(None)` is the model's own.
fn input_size(text: &str) -> Option<Option<u32>> {
    if text.eq_ignore_ascii_case("auto") {
        return Some(None);
    }
    let size: u32 = text.parse().ok()?;
    (32..=4096).contains(&size).then_some(Some(size))
}
