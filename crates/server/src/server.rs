//! From a config to a running server, and to its end.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use hub::{Hub, Limits, RingLimits};
use ingest::Admission;
use record::Recordings;
use sessions::Sessions;
use sources::Sources;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;
use uploads::Uploads;
use web::{App, ConnectionLimits, HealthInfo, RobotInfo, Rooms, Settings, Tls, TlsFiles};
use wire::image;

use crate::{
    analysis::Analyses,
    config::{CAMERA_STREAM, Config},
    idle_streams, open_files,
};

/// A viewer that has taken nothing for so long, or has vanished, is closed.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);
/// For pictures that are transcoded at ingest.
const TRANSCODE_QUALITY: u8 = 90;
/// Frames kept for a recorder that is behind, however small they are: half a minute at 30 a second.
const BACKLOG_FRAMES: usize = 1024;
/// How many connections may wait to be accepted while the loop is busy.
const BACKLOG: u32 = 1024;

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("port {port} on {host} is in use: stop the program that has it, or choose another with server.port={}", next(*port))]
    PortInUse { host: IpAddr, port: u16 },
    #[error("cannot listen on {address}, where server.host={host} and server.port={port} say", host = address.ip(), port = address.port())]
    Listen { address: SocketAddr, source: io::Error },
    #[error(
        "recording.directory={path} is a file, not a folder: move it away, or name another place",
        path = path.display()
    )]
    NoFolder { path: PathBuf },
    #[error("{key} is not a stream name: {source}")]
    StreamName { key: &'static str, source: hub::InvalidName },
    #[error(
        "{given} is set, but not {missing}: TLS needs a certificate and its key; set both, or neither for plain HTTP"
    )]
    HalfTls { given: &'static str, missing: &'static str },
    #[error("simulator.ip: {0}")]
    Simulator(#[from] sessions::InvalidSimulator),
    #[error(transparent)]
    Tls(#[from] web::TlsError),
}

/// What a hub runs on. On one thread no task is ever handed to another thread, which is what makes it cheap.
pub fn runtime(threads: usize) -> io::Result<Runtime> {
    let mut builder = if threads > 1 { Builder::new_multi_thread() } else { Builder::new_current_thread() };
    builder.worker_threads(threads).enable_all().build()
}

fn next(port: u16) -> u16 {
    port.checked_add(1).unwrap_or(5000)
}

/// What the default settings, which suit a first look, mean for people who also browse on this machine.
const OPEN_TO_PAGES: &str = "no key is set and server.cors_enabled is on: any web page that a browser opens which \
    reaches this hub can watch, publish, record and delete. If only the hub's own pages are used, set \
    server.cors_enabled=false; else name the others in server.allowed_origins, or set a key (API_KEYS)";

/// A server that listens, and does nothing yet.
#[derive(Debug)]
pub struct Server {
    config: Config,
    /// To be said once there is a log.
    warning: Option<String>,
    listener: TcpListener,
    tls: Option<Tls>,
    address: SocketAddr,
    hub: Hub,
}

impl Server {
    /// Raises the limit of open files, reads the certificate if there is to be one, and binds the address. Must be called within a tokio runtime.
    pub fn bind(mut config: Config) -> Result<Self, Error> {
        let warning = open_files::fit(&mut config);
        let tls = tls_files(&config)?.map(Tls::load).transpose()?;
        let recordings = &config.recording.directory;
        if recordings.exists() && !recordings.is_dir() {
            return Err(Error::NoFolder { path: recordings.clone() });
        }
        let wanted = config.server.address();
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => Error::PortInUse { host: wanted.ip(), port: wanted.port() },
            _ => Error::Listen { address: wanted, source },
        };
        let listener = listen(wanted).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let hub = Hub::new(limits(&config));
        Ok(Self { config, warning, listener, tls, address, hub })
    }

    /// The address in use; its port is known even if the config left it to the operating system.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where a browser finds it, such as `http://127.0.0.1:5000`; without a slash at the end.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}{}", self.address, self.config.server.base_path)
    }

    /// As it runs: with as many connections as there can be.
    pub fn config(&self) -> &Config {
        &self.config
    }

    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// What a picture must be that this process itself puts into the hub.
    pub fn admission(&self) -> Admission {
        admission(&self.config)
    }

    /// Serves until `shutdown`, then ends the streams, and lets connections end for `server.shutdown_seconds`.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), Error> {
        let Self { config, warning, listener, tls, address, hub } = self;
        if let Some(warning) = warning {
            tracing::warn!("{warning}");
        }
        if config.auth.is_open() && config.server.cors_enabled && config.server.allowed_origins.is_empty() {
            tracing::info!("{OPEN_TO_PAGES}");
        }
        let analyses = Analyses::load(&config);
        let settings = settings(&config, address, tls, analyses.has_model())?;
        let recordings = Recordings::start(hub.clone(), config.recording.clone());
        let sources = config.sources().map_err(camera_name)?;
        let sources = Sources::start(&hub, sources, &admission(&config), &shutdown);
        let uploads = Uploads::new(hub.clone(), config.uploads.clone(), analyses.pipelines());
        tokio::spawn(uploads.clone().keep(shutdown.clone()));
        let simulators = Sessions::new(
            hub.clone(),
            config.sessions.clone(),
            &config.simulators,
            admission(&config),
            shutdown.clone(),
        )?;
        tokio::spawn(simulators.clone().sweep());
        let derive = derive::Registry::new(hub.clone(), config.derive, analyses.live());
        let rooms =
            Rooms { hub: hub.clone(), recordings: recordings.clone(), sources, uploads, simulators, derive };
        let app = App::new(rooms, settings, shutdown.clone());
        tokio::spawn(idle_streams::run(
            hub.clone(),
            config.streams.timeout,
            config.cleanup.interval,
            shutdown.clone(),
        ));
        let serving = tokio::spawn(web::serve(listener, app));
        shutdown.cancelled().await;
        recordings.catch_up();
        // The end of a stream ends its readers' connections.
        hub.shut_down();
        let patience = config.server.shutdown;
        let finishing = tokio::task::spawn_blocking(move || recordings.shut_down(patience));
        if let Err(error) = serving.await {
            tracing::error!(%error, "the accept loop failed");
        }
        if let Err(error) = finishing.await {
            tracing::error!(%error, "the recordings could not be finished; the next start recovers them");
        }
        Ok(())
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket =
        if address.is_ipv4() { tokio::net::TcpSocket::new_v4() } else { tokio::net::TcpSocket::new_v6() }?;
    // A restarted hub must not wait for the connections of the one before to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn tls_files(config: &Config) -> Result<Option<TlsFiles>, Error> {
    let half = |given, missing| Err(Error::HalfTls { given, missing });
    match (config.server.tls_cert.clone(), config.server.tls_key.clone()) {
        (Some(certificate), Some(key)) => Ok(Some(TlsFiles { certificate, key })),
        (None, None) => Ok(None),
        (Some(_), None) => half("server.tls_cert", "server.tls_key"),
        (None, Some(_)) => half("server.tls_key", "server.tls_cert"),
    }
}

fn limits(config: &Config) -> Limits {
    let bytes = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    Limits {
        streams: config.streams.max_concurrent,
        viewers_per_stream: config.viewers.max_per_stream,
        ring: RingLimits {
            frames: config.streams.max_buffer_frames,
            history_bytes: bytes(config.streams.max_buffer_bytes),
            backlog_frames: BACKLOG_FRAMES,
            backlog_bytes: bytes(config.streams.backlog_bytes),
        },
    }
}

fn settings(
    config: &Config,
    address: SocketAddr,
    tls: Option<Tls>,
    has_model: bool,
) -> Result<Settings, Error> {
    Ok(Settings {
        address,
        tls,
        base_path: config.server.base_path.clone(),
        max_frame_bytes: usize::try_from(config.server.max_frame_bytes).unwrap_or(usize::MAX),
        publisher_idle: config.streams.timeout,
        stream_fps: config.viewers.stream_fps,
        heartbeat: config.viewers.heartbeat_interval,
        default_stream: config.streams.default.clone(),
        demo_stream: config.demo.stream.clone().filter(|_| config.demo_runs()),
        robot: robot(config)?,
        cors: config.server.cors_enabled,
        jpeg_quality: TRANSCODE_QUALITY,
        auth: config.auth.guard(&config.recording.directory, config.limits.failed_keys_per_minute),
        allowed_origins: config.server.allowed_origins.clone(),
        allowed_hosts: config.server.allowed_hosts.clone(),
        request_rate: config
            .limits
            .requests_per_second
            .map(|per_second| web::RequestRate { per_second, burst: config.limits.burst }),
        trusted_proxies: config.server.trusted_proxies.clone(),
        connections: ConnectionLimits {
            max: config.server.max_connections,
            max_per_address: config.limits.connections,
            header_timeout: config.server.header_timeout,
            body_timeout: config.server.body_timeout,
            receive_bytes: usize::try_from(config.server.receive_bytes).unwrap_or(usize::MAX),
            send_bytes: usize::try_from(config.server.send_bytes).unwrap_or(usize::MAX),
            max_body: max_body(config),
            idle_timeout: config.server.idle_timeout,
            stall_timeout: STALL_TIMEOUT,
            send_buffer: usize::try_from(config.viewers.send_buffer_bytes).unwrap_or(usize::MAX),
            shutdown: config.server.shutdown,
        },
        health: HealthInfo {
            stream_timeout: config.streams.timeout,
            simulator_ip: config.sessions.default.host.clone(),
            simulator_port: config.sessions.default.port,
            model_path: config.referee.model.as_ref().map(ToString::to_string),
            model_loaded: has_model,
        },
    })
}

/// A frame, and the head of the part that it comes in.
fn max_body(config: &Config) -> usize {
    const PART_HEAD: usize = 64 * 1024;
    usize::try_from(config.server.max_frame_bytes).unwrap_or(usize::MAX).saturating_add(PART_HEAD)
}

fn robot(config: &Config) -> Result<RobotInfo, Error> {
    let camera = &config.camera;
    let stream = match (&config.streams.robot, camera.index) {
        (Some(stream), _) => Some(stream.clone()),
        (None, Some(_)) => Some(CAMERA_STREAM.parse().map_err(camera_name)?),
        (None, None) => None,
    };
    Ok(RobotInfo {
        stream,
        fps: config.viewers.robot_fps(),
        frame_cache: camera.frame_cache,
        camera_size: (camera.width, camera.height),
        jpeg_quality: camera.jpeg_quality,
    })
}

/// Of pictures that the hub fetches by itself.
fn admission(config: &Config) -> Admission {
    let max_bytes = usize::try_from(config.server.max_frame_bytes).unwrap_or(usize::MAX);
    Admission::new(
        image::Limits { max_bytes, setting: "server.max_frame_size_mb" },
        config.camera.jpeg_quality,
    )
}

fn camera_name(source: hub::InvalidName) -> Error {
    Error::StreamName { key: "camera", source }
}
