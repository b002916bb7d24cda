//! The config: every setting as the type its user wants, ready to run from.
//!
//! Layers say what somebody wrote; they are folded once into this (`super::fold`), and nothing
//! after that looks at text again. A field carries its key's name without the unit: durations are
//! `Duration`, sizes are bytes and end in `_bytes`. What a key means stands in `super::table`.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use sessions::Place;
use sources::Spec;

use super::profile::Profile;

/// The stream of the camera that `camera.index` names.
pub const CAMERA_STREAM: &str = "camera";

/// Everything the server needs to know before it starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub server: Server,
    pub streams: Streams,
    pub viewers: Viewers,
    pub demo: Demo,
    pub auth: Auth,
    pub limits: AddressLimits,
    pub logging: Logging,
    pub cleanup: Cleanup,
    pub recording: Recording,
    pub camera: Camera,
    /// The sources that are listed; [`Config::sources`] has the camera and the demo, too.
    pub sources: Vec<Spec>,
    pub simulator: Simulator,
    /// Further ones by their names.
    pub simulators: BTreeMap<String, Place>,
    pub sessions: Sessions,
    pub referee: Referee,
    /// What somebody set although this version does nothing with it yet, one entry a section.
    /// Each one's `Display` is a line to log at start.
    pub not_yet: Vec<NotYet>,
    /// Whether nothing but `server`, `logging` and `demo` is configured and there is no
    /// configuration file: what `demo.enabled: auto` looks at.
    pub bare: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    pub host: IpAddr,
    /// 0 lets the operating system choose.
    pub port: u16,
    /// PEM files; with both, connections are encrypted.
    pub tls_cert: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    pub base_path: web::BasePath,
    pub debug: bool,
    pub cors_enabled: bool,
    pub max_frame_bytes: u64,
    pub header_timeout: Duration,
    pub body_timeout: Duration,
    pub idle_timeout: Duration,
    pub max_connections: usize,
    /// Threads that serve connections, at least 1.
    pub threads: usize,
    pub shutdown: Duration,
    /// Whose `X-Forwarded-*` count.
    pub trusted_proxies: Vec<access::Cidr>,
    /// Origins such as `https://app.example`, or `*`.
    pub allowed_origins: Vec<String>,
}

/// What one address may do. None: as much as it likes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddressLimits {
    pub requests_per_second: Option<f64>,
    pub burst: u32,
    pub connections: Option<usize>,
    pub failed_keys_per_minute: Option<u32>,
}

impl Server {
    /// The address to listen on.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Streams {
    pub timeout: Duration,
    pub max_concurrent: usize,
    pub max_buffer_frames: usize,
    /// History kept a stream, beyond its newest frame.
    pub max_buffer_bytes: u64,
    /// Kept a stream for in-order readers that are behind.
    pub backlog_bytes: u64,
    /// The stream that `/stream` and `/stats` show: a valid stream name. None: the oldest live one.
    pub default: Option<String>,
    /// The stream behind `/api/robot/stream`: a valid stream name.
    pub robot: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Viewers {
    /// Already laid under what was written.
    pub profile: Profile,
    /// Default cap on a viewer's frames a second. None: as published.
    pub stream_fps: Option<f64>,
    pub heartbeat_interval: Duration,
    /// Unsent bytes that the kernel may hold a viewer (`TCP_NOTSENT_LOWAT`).
    pub send_buffer_bytes: u32,
    pub max_per_stream: usize,
    pub max_renditions: usize,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Demo {
    pub enabled: Switch,
    /// A valid stream name.
    pub stream: String,
    pub width: u32,
    pub height: u32,
    pub fps: f64,
    /// JPEG quality, 1 to 100.
    pub quality: u8,
}

/// A switch that may also decide for itself.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Switch {
    #[default]
    Auto,
    On,
    Off,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Auth {
    /// Keys that have every right. With none, and no `keys` either, all is open.
    pub api_keys: Vec<Secret>,
    /// Keys with rights of their own.
    pub keys: Vec<access::Key>,
    /// What nobody needs a key for, once there are keys.
    pub public: access::Scopes,
    /// What links and logins are signed with. None: a generated one.
    pub secret: Option<Secret>,
}

impl Auth {
    /// Whether no key is set at all.
    pub fn is_open(&self) -> bool {
        self.api_keys.is_empty() && self.keys.is_empty()
    }
}

/// Text that must never be printed: its `Debug` shows none of it.
#[derive(Clone, Eq, PartialEq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The text itself, for comparing (in constant time) and for nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Logging {
    /// Already raised to `Debug` where `server.debug` asks for it.
    pub level: Level,
    /// None: no file.
    pub file: Option<PathBuf>,
    pub format: LogFormat,
    /// The file is rotated when it would pass this.
    pub max_bytes: u64,
    /// How many rotated files stay beside the current one.
    pub keep_files: usize,
}

impl Logging {
    /// For commands that keep no log file.
    pub fn to_stderr(level: Level) -> Logging {
        Logging { level, ..Logging::default() }
    }
}

/// How much is logged. Later levels include the earlier ones.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Level {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum LogFormat {
    /// Readable; with colours when stderr is a terminal.
    #[default]
    Auto,
    /// Readable, never coloured.
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cleanup {
    pub interval: Duration,
    pub schedule_time: record::TimeOfDay,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording {
    pub enabled: bool,
    pub codec: record::Codec,
    pub fps: f64,
    pub retention: Duration,
    pub segment: Duration,
    /// None: no limit.
    pub max_total_bytes: Option<u64>,
    pub min_free_bytes: u64,
    pub sync: Duration,
    pub directory: PathBuf,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Camera {
    /// None: no camera.
    pub index: Option<u32>,
    pub width: u32,
    pub height: u32,
    pub fps: f64,
    /// JPEG quality, 1 to 100.
    pub jpeg_quality: u8,
    pub frame_cache: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Simulator {
    /// An IP address or a host name.
    pub ip: String,
    pub port: u16,
    pub ws_port: u16,
    pub stream_port: u16,
    /// Begins with a slash.
    pub ws_path: String,
    pub timeout: Duration,
}

impl Simulator {
    /// Where it is.
    pub fn place(&self) -> Place {
        let Self { ip, port, ws_port, stream_port, ws_path, .. } = self.clone();
        Place { host: ip, port, ws_port, stream_port, ws_path }
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sessions {
    pub timeout: Duration,
    pub max_concurrent: usize,
    /// How often idle sessions are looked for.
    pub check: Duration,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Referee {
    pub max_streaming_sessions: usize,
    pub max_streaming_memory_bytes: u64,
    pub streaming_session_timeout: Duration,
    /// In memory, of one session.
    pub spool_memory_bytes: u64,
    pub max_frame_bytes: u64,
    pub max_video_bytes: u64,
    /// At once.
    pub analyses: usize,
    pub live_analyses: usize,
    /// None: no model is loaded.
    pub yolo_model: Option<referee::pose::Source>,
    /// Pixels; of models with free sides. None: the model's own default.
    pub input_size: Option<u32>,
    /// For the model; 0: one a core.
    pub threads: usize,
    pub fisheye: bool,
    /// k1 to k4.
    pub fisheye_bend: [f64; 4],
    pub fisheye_balance: f64,
    pub output_dir: PathBuf,
}

/// A section that somebody configured and that this version does not act on yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NotYet {
    pub section: &'static str,
    /// The keys that were set, without their section.
    pub keys: Vec<&'static str>,
    /// What this version does not do.
    pub why: &'static str,
}

impl fmt::Display for NotYet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is configured ({}), but {}", self.section, self.keys.join(", "), self.why)
    }
}

impl Config {
    /// What the recorder has to know.
    pub fn recorder(&self) -> record::Config {
        let Recording { retention, max_total_bytes, min_free_bytes, .. } = self.recording;
        record::Config {
            directory: self.recording.directory.clone(),
            automatic: self.recording.enabled,
            codec: self.recording.codec,
            target_fps: self.recording.fps,
            segment: self.recording.segment,
            sync: self.recording.sync,
            retention: record::Retention { max_age: retention, max_total_bytes, min_free_bytes },
            schedule: self.cleanup.schedule_time,
        }
    }

    /// What upload sessions have to know.
    pub fn uploads(&self) -> uploads::Settings {
        let referee = &self.referee;
        uploads::Settings {
            max_sessions: referee.max_streaming_sessions,
            max_memory_bytes: referee.max_streaming_memory_bytes,
            spool_memory_bytes: referee.spool_memory_bytes,
            session_timeout: referee.streaming_session_timeout,
            max_frame_bytes: usize::try_from(referee.max_frame_bytes).unwrap_or(usize::MAX),
            max_video_bytes: referee.max_video_bytes,
            analyses: referee.analyses,
            folder: referee.output_dir.clone(),
            min_free_bytes: self.recording.min_free_bytes,
            jpeg_quality: self.camera.jpeg_quality,
        }
    }

    /// Everything that the hub itself makes pictures from.
    pub fn sources(&self) -> Result<Vec<Spec>, hub::InvalidName> {
        let mut sources = self.sources.clone();
        let Camera { index, width, height, fps, .. } = self.camera;
        if let Some(index) = index {
            sources.push(Spec::camera(CAMERA_STREAM.parse()?, index, width, height, fps));
        }
        if self.demo_runs() {
            let Demo { stream, width, height, fps, quality, .. } = &self.demo;
            sources.push(Spec::test(stream.parse()?, *width, *height, *fps, *quality));
        }
        Ok(sources)
    }

    /// The streams that no listed source may fill, and what fills them.
    pub(super) fn streams_of_its_own(&self) -> Vec<(&str, &str)> {
        let camera = self.camera.index.map(|_| (CAMERA_STREAM, "camera.index"));
        // On `auto` a listed source keeps the demo away.
        let demo = (self.demo.enabled == Switch::On).then_some((self.demo.stream.as_str(), "demo.stream"));
        camera.into_iter().chain(demo).collect()
    }

    /// Whether the demo stream runs: as told, or on `auto` only when nothing else is configured.
    pub fn demo_runs(&self) -> bool {
        match self.demo.enabled {
            Switch::On => true,
            Switch::Off => false,
            Switch::Auto => self.bare,
        }
    }

    /// Whether others than this machine's own users get in without a key. `warnings` says so too.
    pub fn open_to_strangers(&self) -> bool {
        self.auth.is_open() && !self.server.host.to_canonical().is_loopback()
    }

    /// A config of zeroes, to fold values into. Only the fold sees it: each key has a default.
    pub(super) fn blank() -> Config {
        Config {
            server: Server {
                host: IpAddr::V4(Ipv4Addr::LOCALHOST),
                port: 0,
                tls_cert: None,
                tls_key: None,
                base_path: web::BasePath::default(),
                debug: false,
                cors_enabled: false,
                max_frame_bytes: 0,
                header_timeout: Duration::ZERO,
                body_timeout: Duration::ZERO,
                idle_timeout: Duration::ZERO,
                max_connections: 0,
                threads: 0,
                shutdown: Duration::ZERO,
                trusted_proxies: Vec::new(),
                allowed_origins: Vec::new(),
            },
            streams: Streams::default(),
            viewers: Viewers::default(),
            demo: Demo::default(),
            auth: Auth::default(),
            limits: AddressLimits::default(),
            logging: Logging::default(),
            cleanup: Cleanup::default(),
            recording: Recording::default(),
            camera: Camera::default(),
            sources: Vec::new(),
            simulator: Simulator::default(),
            simulators: BTreeMap::new(),
            sessions: Sessions::default(),
            referee: Referee::default(),
            not_yet: Vec::new(),
            bare: true,
        }
    }

    /// What follows from several values together, once all are in.
    pub(super) fn settle(&mut self) {
        if self.server.debug {
            self.logging.level = self.logging.level.max(Level::Debug);
        }
    }
}
