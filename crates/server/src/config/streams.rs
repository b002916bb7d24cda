//! The sections `streams`, `viewers` and `cleanup`: what the hub keeps, and for whom.

use std::time::Duration;

use hub::StreamName;
use settings::{Row, Table, store};

use crate::config::profile::Profile;

/// kB are powers of two, like all sizes here.
const KB: u64 = 1024;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Streams {
    pub timeout: Duration,
    pub max_concurrent: usize,
    pub max_buffer_frames: usize,
    /// History kept for each stream, beyond its newest frame.
    pub max_buffer_bytes: u64,
    /// Kept a stream for in-order readers that are behind.
    pub backlog_bytes: u64,
    /// The stream that `/stream` and `/stats` show. None: the oldest live one.
    pub default: Option<StreamName>,
    /// The stream behind `/api/robot/stream`.
    pub robot: Option<StreamName>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Viewers {
    /// Already laid under what was written.
    pub profile: Profile,
    /// Default cap on a viewer's frames a second. None: as published.
    pub stream_fps: Option<f64>,
    /// Whether that cap is anybody's choice.
    pub is_rate_written: bool,
    pub heartbeat_interval: Duration,
    /// Unsent bytes that the kernel may hold a viewer (`TCP_NOTSENT_LOWAT`).
    pub send_buffer_bytes: u32,
    pub max_per_stream: usize,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cleanup {
    pub interval: Duration,
}

/// What the robot stream has always sent, and its clients expect.
const ROBOT_FPS: f64 = 15.0;

impl Viewers {
    /// The cap for the robot stream's viewers.
    pub fn robot_fps(&self) -> Option<f64> {
        if self.is_rate_written { self.stream_fps } else { Some(ROBOT_FPS) }
    }
}

pub(super) static STREAMS: Table<Streams> = Table {
    section: "streams",
    doc: "Named live streams and what is kept of each.",
    rows: &[
        Row::<Streams>::seconds("timeout_seconds", 0.1, 31_536_000.0, |s, v| s.timeout = v)
            .default("300")
            .env(&["STREAM_TIMEOUT_SECONDS", "STREAM_TIMEOUT"])
            .doc(
                "A stream without a frame for this long is removed and its viewers are let go. Raise it \
                 for publishers that pause; lower it to free the place of `streams.max_concurrent` \
                 sooner.",
            ),
        Row::<Streams>::int("max_concurrent", 1, 100_000, |s, v| s.max_concurrent = v as usize)
            .default("50")
            .env(&["MAX_CONCURRENT_STREAMS"])
            .doc(
                "Streams that may be live at the same time; the first frame of one more is refused with \
                 503. Raising it raises the memory bound by what one stream keeps.",
            ),
        Row::<Streams>::int("max_buffer_frames", 1, 100_000, |s, v| s.max_buffer_frames = v as usize)
            .default("30")
            .unit("frames")
            .env(&["STREAM_BUFFER_SIZE"])
            .doc(
                "Frames of history kept for each stream, including the newest; `streams.max_buffer_mb` bounds the \
                 same history in bytes, and the lower of the two counts. Viewers always get the newest \
                 frame, so raising it adds no lag and lowering it takes none away.",
            ),
        Row::<Streams>::bytes("max_buffer_mb", 0.0, 1024.0, |s, v| s.max_buffer_bytes = v)
            .default("0.125")
            .doc(
                "Bytes of history kept for each stream beyond its newest frame, which is always kept. Raising it \
                 costs that much memory a stream; 0 keeps the newest frame alone.",
            ),
        Row::<Streams>::bytes("backlog_mb", 0.0, 1024.0, |s, v| s.backlog_bytes = v).default("8").doc(
            "Bytes kept for each stream for readers that need every frame in order, such as a recorder, \
                 while one of them is behind. Raise it when such a reader skips frames on a busy disk; \
                 lower it to bound memory more tightly.",
        ),
        Row::<Streams>::text(
            "default",
            "a stream name (1 to 64 letters, digits, '_' or '-') or nothing",
            |s, v| store(&mut s.default, stream_name(v)),
        )
        .doc(
            "The stream that `/`, `/stream` and `/stats` show. Empty: the oldest live one, the demo \
                 last.",
        ),
        Row::<Streams>::text(
            "robot",
            "a stream name (1 to 64 letters, digits, '_' or '-') or nothing",
            |s, v| store(&mut s.robot, stream_name(v)),
        )
        .doc(
            "The stream behind `/api/robot/stream`, which always asks for an API key. Empty: the \
                 camera's, if `camera.index` opens one, else the default stream.",
        ),
    ],
};

pub(super) static VIEWERS: Table<Viewers> = Table {
    section: "viewers",
    doc: "Settings for viewers.",
    rows: &[
        Row::<Viewers>::choice(
            "profile",
            &[
                ("none", |s| s.profile = Profile::None),
                ("cloudflare", |s| s.profile = Profile::Cloudflare),
                ("lan", |s| s.profile = Profile::Lan),
                ("low_latency", |s| s.profile = Profile::LowLatency),
                ("mobile", |s| s.profile = Profile::Mobile),
            ],
        )
        .default("none")
        .doc(
            "Sets the defaults of several keys at once for a kind of network (see 'Profiles' below). \
                 What is written elsewhere wins.",
        ),
        Row::<Viewers>::number("stream_fps", 0.0, 1000.0, |s, v| s.stream_fps = (v > 0.0).then_some(v))
            .default("0")
            .unit("frames a second")
            .env(&["STREAM_FPS"])
            .doc(
                "The most frames a second that a viewer is sent unless it asks with `?fps=`. 0 sends them \
                 as published; 10 to 20 saves bandwidth behind a proxy such as Cloudflare. As long as it is \
                 not set, `/api/robot/stream` sends 15.",
            ),
        Row::<Viewers>::seconds("heartbeat_interval", 0.1, 3600.0, |s, v| s.heartbeat_interval = v)
            .default("5.0")
            .unit("seconds")
            .env(&["HEARTBEAT_INTERVAL"])
            .doc(
                "After this long without a frame a viewer is sent bytes that players ignore, so that \
                 proxies keep the connection. Lower it (3) when a proxy still hangs up; raising it saves \
                 a few bytes.",
            ),
        Row::<Viewers>::int("send_buffer_kb", 4, 1024, |s, v| s.send_buffer_bytes = (v * KB) as u32)
            .default("16")
            .doc(
                "Unsent bytes that the kernel may hold for a viewer. Lower keeps a slow viewer's picture \
                 fresher, for a little more work a frame; higher lets old frames pile up in front of it.",
            ),
        Row::<Viewers>::int("max_per_stream", 1, 1_000_000, |s, v| s.max_per_stream = v as usize)
            .default("1000")
            .doc(
                "Viewers that one stream may have; one more is refused with 503. Lower it so that one \
                 popular stream cannot take every place of `server.max_connections`.",
            ),
    ],
};

pub(super) static CLEANUP: Table<Cleanup> = Table {
    section: "cleanup",
    doc: "When idle streams and old recordings are removed.",
    rows: &[Row::<Cleanup>::seconds("interval_seconds", 0.1, 86400.0, |s, v| s.interval = v)
        .default("60")
        .doc(
            "How often idle streams are looked for. A stream ends at most this long after \
                 `streams.timeout_seconds`; lowering it costs next to nothing.",
        )],
};

/// `Some(None)` is no stream.
fn stream_name(text: &str) -> Option<Option<StreamName>> {
    let text = text.trim();
    if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) }
}
