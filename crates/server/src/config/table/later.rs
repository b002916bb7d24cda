//! The rows that this version accepts and checks, but does not act on yet, so that the five
//! documents' own files and environments start unchanged.

use std::path::PathBuf;
use std::time::Duration;

use super::super::key::{Key, Kind};
use super::super::plan::{RecordingCodec, TimeOfDay};
use super::{GB, MB, bytes, is_path, seconds, set_parsed};

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

const RECORDING: Key = Key { section: "recording", ..ROW };
const CAMERA: Key = Key { section: "camera", ..ROW };
const SIMULATOR: Key = Key { section: "simulator", ..ROW };
const REFEREE: Key = Key { section: "referee", ..ROW };

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
        doc: "Whether streams are recorded.",
        ..RECORDING
    },
    Key {
        name: "codec",
        kind: Kind::Choice(&[
            ("mp4v", |p| p.recording.codec = RecordingCodec::Mp4v),
            ("mjpeg", |p| p.recording.codec = RecordingCodec::Mjpeg),
            ("h264", |p| p.recording.codec = RecordingCodec::H264),
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
        doc: "The rate that a recording aims at. Higher takes more disk.",
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
        name: "directory",
        kind: Kind::Text {
            allowed: "a path",
            set: |p, v| set_parsed(&mut p.recording.directory, is_path(v).then(|| PathBuf::from(v))),
        },
        default: "recordings",
        doc: "Where recordings are kept, a folder for each stream.",
        ..RECORDING
    },
    Key {
        name: "index",
        kind: Kind::Text {
            allowed: "none, or a device number from 0 to 255",
            set: |p, v| set_parsed(&mut p.camera.index, camera_index(v.trim())),
        },
        default: "none",
        env: &["CAMERA_INDEX"],
        doc: "The camera to open: 0 is the first. `none` opens none.",
        ..CAMERA
    },
    Key {
        name: "width",
        kind: Kind::Int { least: 16, most: 15_360, set: |p, v| p.camera.width = v as u32 },
        default: "640",
        unit: "pixels",
        env: &["CAMERA_WIDTH"],
        doc: "The picture width to ask the camera for. Lower needs less bandwidth.",
        ..CAMERA
    },
    Key {
        name: "height",
        kind: Kind::Int { least: 16, most: 8640, set: |p, v| p.camera.height = v as u32 },
        default: "480",
        unit: "pixels",
        env: &["CAMERA_HEIGHT"],
        doc: "The picture height to ask the camera for.",
        ..CAMERA
    },
    Key {
        name: "fps",
        kind: Kind::Number { least: 0.1, most: 1000.0, set: |p, v| p.camera.fps = v },
        default: "30",
        unit: "frames a second",
        env: &["CAMERA_FPS"],
        doc: "The rate to ask the camera for; `viewers.stream_fps` caps what viewers get of it.",
        ..CAMERA
    },
    Key {
        name: "jpeg_quality",
        kind: Kind::Int { least: 1, most: 100, set: |p, v| p.camera.jpeg_quality = v as u8 },
        default: "85",
        env: &["JPEG_QUALITY"],
        doc: "JPEG quality of pictures that the hub itself encodes. 60 to 80 saves bandwidth, above 90 \
            files grow quickly.",
        ..CAMERA
    },
    Key {
        name: "frame_cache",
        kind: Kind::Flag(|p, v| p.camera.frame_cache = v),
        default: "true",
        env: &["ENABLE_FRAME_CACHE"],
        doc: "Whether all viewers share one capture. The hub always does; false is accepted and \
            changes nothing but the statistics.",
        ..CAMERA
    },
    Key {
        name: "ip",
        kind: Kind::Text {
            allowed: "an IP address or a host name",
            set: |p, v| set_parsed(&mut p.simulator.ip, is_host(v.trim()).then(|| v.trim().to_owned())),
        },
        default: "127.0.0.1",
        env: &["ISAAC_SIM_IP"],
        doc: "Where the simulator runs.",
        ..SIMULATOR
    },
    Key {
        name: "port",
        kind: Kind::Int { least: 1, most: 65535, set: |p, v| p.simulator.port = v as u16 },
        default: "8211",
        env: &["ISAAC_SIM_PORT"],
        doc: "The simulator's HTTP port, asked whether it is alive when a session is made.",
        ..SIMULATOR
    },
    Key {
        name: "ws_port",
        kind: Kind::Int { least: 1, most: 65535, set: |p, v| p.simulator.ws_port = v as u16 },
        default: "8211",
        env: &["ISAAC_SIM_WS_PORT"],
        doc: "The simulator's WebSocket port.",
        ..SIMULATOR
    },
    Key {
        name: "stream_port",
        kind: Kind::Int { least: 1, most: 65535, set: |p, v| p.simulator.stream_port = v as u16 },
        default: "8765",
        env: &["ISAAC_STREAM_PORT"],
        doc: "The port of the simulator's own MJPEG stream, used when its WebSocket carries no frames.",
        ..SIMULATOR
    },
    Key {
        name: "ws_path",
        kind: Kind::Text {
            allowed: "a path that begins with /",
            set: |p, v| {
                let path = v.trim();
                let good = path.starts_with('/') && path.bytes().all(|b| b.is_ascii_graphic());
                set_parsed(&mut p.simulator.ws_path, good.then(|| path.to_owned()))
            },
        },
        default: "/streaming/webrtc",
        doc: "The path of the simulator's WebSocket.",
        ..SIMULATOR
    },
    Key {
        section: "sessions",
        name: "timeout_seconds",
        kind: Kind::Number { least: 1.0, most: 31_536_000.0, set: |p, v| p.sessions.timeout = seconds(v) },
        default: "3600",
        doc: "A session without activity for this long is closed. Lower it to free the simulator \
            sooner.",
        ..ROW
    },
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
            set: |p, v| {
                let path = (!v.is_empty()).then(|| PathBuf::from(v));
                set_parsed(&mut p.referee.yolo_model, (!v.contains('\0')).then_some(path))
            },
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

fn camera_index(text: &str) -> Option<Option<u32>> {
    if text.eq_ignore_ascii_case("none") {
        return Some(None);
    }
    let index: u8 = text.parse().ok()?;
    Some(Some(u32::from(index)))
}

fn is_host(text: &str) -> bool {
    let good = |b: u8| b.is_ascii_alphanumeric() || b".-_:".contains(&b);
    (1..=253).contains(&text.len()) && text.bytes().all(good)
}
