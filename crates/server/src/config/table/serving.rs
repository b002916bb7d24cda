//! The rows that this version runs on.

use std::path::PathBuf;

use super::super::key::{Key, Kind};
use super::super::profile::Profile;
use super::super::typed::{Level, LogFormat, Switch};
use super::{
    KB, MB, STREAM_NAME, bytes, is_path, is_stream_name, seconds, set_optional_path, set_parsed,
    set_stream_name,
};

/// What most rows share.
pub(super) const ROW: Key = Key {
    section: "",
    name: "",
    kind: Kind::Flag(|_, _| ()),
    default: "",
    unit: "",
    env: &[],
    secret: false,
    available: true,
    doc: "",
};

const SERVER: Key = Key { section: "server", ..ROW };
const STREAMS: Key = Key { section: "streams", ..ROW };
const VIEWERS: Key = Key { section: "viewers", ..ROW };
const DEMO: Key = Key { section: "demo", ..ROW };
const LOGGING: Key = Key { section: "logging", ..ROW };

pub(super) const KEYS: &[Key] = &[
    Key {
        name: "host",
        kind: Kind::Text {
            allowed: "an IP address: 127.0.0.1 (this machine only), 0.0.0.0 (every IPv4 address), :: \
                (every address) or one of this machine's own",
            set: |p, v| set_parsed(&mut p.server.host, v.trim().parse().ok()),
        },
        default: "127.0.0.1",
        env: &["REFEREE_HOST"],
        doc: "The address to listen on. Anything but this machine's own loopback lets others in: set \
            `auth.api_keys` first, or stay behind a proxy that asks for a password.",
        ..SERVER
    },
    Key {
        name: "port",
        kind: Kind::Int { least: 0, most: 65535, set: |p, v| p.server.port = v as u16 },
        default: "5000",
        env: &["SERVER_PORT", "VIDEO_PROXY_PORT", "REFEREE_PORT"],
        doc: "The TCP port to listen on. 0 lets the operating system choose a free one, which is \
            logged at start.",
        ..SERVER
    },
    Key {
        name: "tls_cert",
        kind: Kind::Text {
            allowed: "a path or nothing",
            set: |p, v| set_optional_path(&mut p.server.tls_cert, v),
        },
        doc: "A PEM file with the server's certificate, followed by those that lead to one that clients know \
            (certbot's `fullchain.pem`). With it and `server.tls_key` every connection is encrypted: https:// and \
            wss:// only. Both files are read again within seconds when they change, so that a renewal needs no \
            restart.",
        ..SERVER
    },
    Key {
        name: "tls_key",
        kind: Kind::Text {
            allowed: "a path or nothing",
            set: |p, v| set_optional_path(&mut p.server.tls_key, v),
        },
        doc: "A PEM file with the certificate's private key, not encrypted (certbot's `privkey.pem`). The hub's own \
            user must be able to read it, and nobody else should.",
        ..SERVER
    },
    Key {
        name: "base_path",
        kind: Kind::Text {
            allowed: "a path such as /cams, of letters, digits, '-', '.', '_' and '~', or nothing",
            set: |p, v| set_parsed(&mut p.server.base_path, v.trim().parse().ok()),
        },
        doc: "Puts everything below this path: the page, every route, every address in an answer. For a proxy that \
            passes on paths as they are; one that takes its prefix off needs nothing here.",
        ..SERVER
    },
    Key {
        name: "debug",
        kind: Kind::Flag(|p, v| p.server.debug = v),
        default: "false",
        env: &["SERVER_DEBUG"],
        doc: "Raises `logging.level` to DEBUG, whatever it says. Does nothing else.",
        ..SERVER
    },
    Key {
        name: "cors_enabled",
        kind: Kind::Flag(|p, v| p.server.cors_enabled = v),
        default: "true",
        doc: "Lets pages of other origins read the API and the streams. Turn it off when only the \
            hub's own pages are used.",
        ..SERVER
    },
    Key {
        name: "max_frame_size_mb",
        kind: Kind::Number { least: 0.001, most: 100.0, set: |p, v| p.server.max_frame_bytes = bytes(v, MB) },
        default: "10",
        doc: "The largest frame a publisher may send; a larger one is refused with 413 and the stream \
            keeps its last good frame. Raising it raises the memory that one stream and one connection \
            may hold.",
        ..SERVER
    },
    Key {
        name: "header_timeout_seconds",
        kind: Kind::Number { least: 0.1, most: 3600.0, set: |p, v| p.server.header_timeout = seconds(v) },
        default: "10",
        doc: "How long a client may take to send a request's header. Lower it to be rid of dribbling \
            clients sooner; too low cuts off slow mobile links.",
        ..SERVER
    },
    Key {
        name: "body_timeout_seconds",
        kind: Kind::Number { least: 0.1, most: 3600.0, set: |p, v| p.server.body_timeout = seconds(v) },
        default: "30",
        doc: "How long one frame's bytes may take to arrive. It counts a frame, not a connection: a \
            never-ending publish is fine as long as each frame gets through in time. Lower it to free \
            a stalled upload's memory sooner.",
        ..SERVER
    },
    Key {
        name: "idle_timeout_seconds",
        kind: Kind::Number { least: 0.1, most: 86400.0, set: |p, v| p.server.idle_timeout = seconds(v) },
        default: "60",
        doc: "How long a kept-alive connection may wait for its next request. Raising it saves \
            reconnects for clients that post rarely, and holds a place of `server.max_connections` \
            longer.",
        ..SERVER
    },
    Key {
        name: "max_connections",
        kind: Kind::Int { least: 1, most: 1_000_000, set: |p, v| p.server.max_connections = v as usize },
        default: "2048",
        doc: "Connections served at the same time, viewers and publishers together. Raising it raises \
            the memory bound and needs as many file descriptors (`ulimit -n`). At the limit the connection \
            that has rested longest between requests makes room; if none rests, a newcomer gets 503.",
        ..SERVER
    },
    Key {
        name: "threads",
        kind: Kind::Int { least: 1, most: 64, set: |p, v| p.server.threads = v as usize },
        default: "1",
        doc: "Threads that serve connections. One costs the least CPU a frame, and carried 1.2 GB/s to 400 \
            viewers with a fifth of a core (docs/benchmarks.md); two delivered the same frames a sixth \
            sooner, for a quarter more CPU. Decoding and encoding always run on threads of their own.",
        ..SERVER
    },
    Key {
        name: "shutdown_seconds",
        kind: Kind::Number { least: 0.0, most: 300.0, set: |p, v| p.server.shutdown = seconds(v) },
        default: "4",
        doc: "How long a stop waits for requests under way before it cuts them off. Endless streams \
            are ended at once.",
        ..SERVER
    },
    Key {
        name: "timeout_seconds",
        kind: Kind::Number { least: 0.1, most: 31_536_000.0, set: |p, v| p.streams.timeout = seconds(v) },
        default: "300",
        env: &["STREAM_TIMEOUT_SECONDS", "STREAM_TIMEOUT"],
        doc: "A stream without a frame for this long is removed and its viewers are let go. Raise it \
            for publishers that pause; lower it to free the place of `streams.max_concurrent` sooner.",
        ..STREAMS
    },
    Key {
        name: "max_concurrent",
        kind: Kind::Int { least: 1, most: 100_000, set: |p, v| p.streams.max_concurrent = v as usize },
        default: "50",
        env: &["MAX_CONCURRENT_STREAMS"],
        doc: "Streams that may be live at the same time; the first frame of one more is refused with \
            503. Raising it raises the memory bound by what one stream keeps.",
        ..STREAMS
    },
    Key {
        name: "max_buffer_frames",
        kind: Kind::Int { least: 1, most: 100_000, set: |p, v| p.streams.max_buffer_frames = v as usize },
        default: "30",
        unit: "frames",
        env: &["STREAM_BUFFER_SIZE"],
        doc: "Frames of history kept a stream, the newest included; `streams.max_buffer_mb` bounds the \
            same history in bytes, and the lower of the two counts. Viewers always get the newest \
            frame, so raising it adds no lag and lowering it takes none away.",
        ..STREAMS
    },
    Key {
        name: "max_buffer_mb",
        kind: Kind::Number {
            least: 0.0,
            most: 1024.0,
            set: |p, v| p.streams.max_buffer_bytes = bytes(v, MB),
        },
        default: "0.125",
        doc: "Bytes of history kept a stream beyond its newest frame, which is always kept. Raising it \
            costs that much memory a stream; 0 keeps the newest frame alone.",
        ..STREAMS
    },
    Key {
        name: "backlog_mb",
        kind: Kind::Number { least: 0.0, most: 1024.0, set: |p, v| p.streams.backlog_bytes = bytes(v, MB) },
        default: "8",
        doc: "Bytes kept a stream for readers that need every frame in order, such as a recorder, \
            while one of them is behind. Raise it when such a reader skips frames on a busy disk; \
            lower it to bound memory more tightly.",
        ..STREAMS
    },
    Key {
        name: "default",
        kind: Kind::Text {
            allowed: "a stream name (1 to 64 letters, digits, '_' or '-') or nothing",
            set: |p, v| set_stream_name(&mut p.streams.default, v.trim()),
        },
        doc: "The stream that `/`, `/stream` and `/stats` show. Empty: the oldest live one.",
        ..STREAMS
    },
    Key {
        name: "robot",
        kind: Kind::Text {
            allowed: "a stream name (1 to 64 letters, digits, '_' or '-') or nothing",
            set: |p, v| set_stream_name(&mut p.streams.robot, v.trim()),
        },
        doc: "The stream behind `/api/robot/stream`, which always asks for an API key. Empty: the camera's, if \
            `camera.index` opens one, else the default stream.",
        ..STREAMS
    },
    Key {
        name: "profile",
        kind: Kind::Choice(&[
            ("none", |p| p.viewers.profile = Profile::None),
            ("cloudflare", |p| p.viewers.profile = Profile::Cloudflare),
            ("lan", |p| p.viewers.profile = Profile::Lan),
            ("low_latency", |p| p.viewers.profile = Profile::LowLatency),
            ("mobile", |p| p.viewers.profile = Profile::Mobile),
        ]),
        default: "none",
        doc: "Sets the defaults of several keys at once for a kind of network (see 'Profiles' below). What is \
            written elsewhere wins.",
        ..VIEWERS
    },
    Key {
        name: "stream_fps",
        kind: Kind::Number {
            least: 0.0,
            most: 1000.0,
            set: |p, v| p.viewers.stream_fps = (v > 0.0).then_some(v),
        },
        default: "0",
        unit: "frames a second",
        env: &["STREAM_FPS"],
        doc: "The most frames a second that a viewer is sent unless it asks with `?fps=`. 0 sends them \
            as published; 10 to 20 saves bandwidth behind a proxy such as Cloudflare.",
        ..VIEWERS
    },
    Key {
        name: "heartbeat_interval",
        kind: Kind::Number {
            least: 0.1,
            most: 3600.0,
            set: |p, v| p.viewers.heartbeat_interval = seconds(v),
        },
        default: "5.0",
        unit: "seconds",
        env: &["HEARTBEAT_INTERVAL"],
        doc: "After this long without a frame a viewer is sent bytes that players ignore, so that \
            proxies keep the connection. Lower it (3) when a proxy still hangs up; raising it saves a \
            few bytes.",
        ..VIEWERS
    },
    Key {
        name: "send_buffer_kb",
        kind: Kind::Int { least: 4, most: 1024, set: |p, v| p.viewers.send_buffer_bytes = (v * KB) as u32 },
        default: "16",
        doc: "Unsent bytes that the kernel may hold for a viewer. Lower keeps a slow viewer's picture \
            fresher, for a little more work a frame; higher lets old frames pile up in front of it.",
        ..VIEWERS
    },
    Key {
        name: "max_per_stream",
        kind: Kind::Int { least: 1, most: 1_000_000, set: |p, v| p.viewers.max_per_stream = v as usize },
        default: "1000",
        doc: "Viewers that one stream may have; one more is refused with 503. Lower it so that one \
            popular stream cannot take every place of `server.max_connections`.",
        ..VIEWERS
    },
    Key {
        name: "max_renditions",
        kind: Kind::Int { least: 0, most: 1000, set: |p, v| p.viewers.max_renditions = v as usize },
        default: "8",
        doc: "Different sizes, qualities and rates (`?width=`, `?height=`, `?quality=`) that may be made at the same \
            time, over all streams; one more is refused with 503. Each costs a thread, and the time to decode and \
            encode each of its frames once, whatever the number of its viewers. 0 makes none.",
        ..VIEWERS
    },
    Key {
        name: "enabled",
        kind: Kind::Choice(&[
            ("auto", |p| p.demo.enabled = Switch::Auto),
            ("true", |p| p.demo.enabled = Switch::On),
            ("false", |p| p.demo.enabled = Switch::Off),
        ]),
        default: "auto",
        doc: "Whether a test picture is published. `auto`: only when there is no configuration file \
            and nothing outside `server`, `logging` and `demo` is set.",
        ..DEMO
    },
    Key {
        name: "stream",
        kind: Kind::Text {
            allowed: STREAM_NAME,
            set: |p, v| set_parsed(&mut p.demo.stream, is_stream_name(v.trim()).then(|| v.trim().to_owned())),
        },
        default: "demo",
        doc: "The test picture's stream.",
        ..DEMO
    },
    Key {
        name: "width",
        kind: Kind::Int { least: 16, most: 7680, set: |p, v| p.demo.width = v as u32 },
        default: "1280",
        unit: "pixels",
        doc: "The test picture's width. Drawing and encoding take time in proportion to width times \
            height.",
        ..DEMO
    },
    Key {
        name: "height",
        kind: Kind::Int { least: 16, most: 4320, set: |p, v| p.demo.height = v as u32 },
        default: "720",
        unit: "pixels",
        doc: "The test picture's height.",
        ..DEMO
    },
    Key {
        name: "fps",
        kind: Kind::Number { least: 0.1, most: 120.0, set: |p, v| p.demo.fps = v },
        default: "30",
        unit: "frames a second",
        doc: "The test picture's rate. Lower it on a small machine.",
        ..DEMO
    },
    Key {
        name: "quality",
        kind: Kind::Int { least: 1, most: 100, set: |p, v| p.demo.quality = v as u8 },
        default: "80",
        doc: "The test picture's JPEG quality. Higher is sharper and larger.",
        ..DEMO
    },
    Key {
        name: "level",
        kind: Kind::Choice(&[
            ("DEBUG", |p| p.logging.level = Level::Debug),
            ("INFO", |p| p.logging.level = Level::Info),
            ("WARNING", |p| p.logging.level = Level::Warn),
            ("WARN", |p| p.logging.level = Level::Warn),
            ("ERROR", |p| p.logging.level = Level::Error),
            ("TRACE", |p| p.logging.level = Level::Trace),
        ]),
        default: "INFO",
        env: &["LOG_LEVEL", "REFEREE_LOG_LEVEL"],
        doc: "The least important messages that are still logged. DEBUG adds a line for each \
            connection, TRACE far more: both fill `logging.file` faster.",
        ..LOGGING
    },
    Key {
        name: "file",
        kind: Kind::Text {
            allowed: "a path, or none",
            set: |p, v| {
                let none = v.trim().eq_ignore_ascii_case("none");
                if is_path(v) {
                    p.logging.file = (!none).then(|| PathBuf::from(v));
                }
                is_path(v)
            },
        },
        default: "logs/server.log",
        doc: "The log file, beside stderr; its folder is made. `none` turns it off. A file that cannot \
            be written is a warning, not an error.",
        ..LOGGING
    },
    Key {
        name: "format",
        kind: Kind::Choice(&[
            ("auto", |p| p.logging.format = LogFormat::Auto),
            ("text", |p| p.logging.format = LogFormat::Text),
            ("json", |p| p.logging.format = LogFormat::Json),
        ]),
        default: "auto",
        doc: "How lines look on stderr and in the file. `auto`: readable, with colours on a terminal. \
            `text`: readable, never coloured. `json`: one object a line, for machines.",
        ..LOGGING
    },
    Key {
        name: "max_mb",
        kind: Kind::Number { least: 0.01, most: 10240.0, set: |p, v| p.logging.max_bytes = bytes(v, MB) },
        default: "10",
        doc: "When the log file would grow past this, it becomes `server.log.1` and starts again. \
            Raising it keeps more in one file.",
        ..LOGGING
    },
    Key {
        name: "keep_files",
        kind: Kind::Int { least: 0, most: 1000, set: |p, v| p.logging.keep_files = v as usize },
        default: "5",
        unit: "files",
        doc: "Older log files that stay (`server.log.1` is the youngest). All logs together take at \
            most `logging.max_mb` times one more than this.",
        ..LOGGING
    },
    Key {
        section: "cleanup",
        name: "interval_seconds",
        kind: Kind::Number { least: 0.1, most: 86400.0, set: |p, v| p.cleanup.interval = seconds(v) },
        default: "60",
        doc: "How often idle streams are looked for. A stream ends at most this long after \
            `streams.timeout_seconds`; lowering it costs next to nothing.",
        ..ROW
    },
];
