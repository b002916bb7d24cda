//! `_native.Server`: a hub in this process, on a thread of its own.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use hub::{Claim, Hub, StreamName};
use ingest::{Admission, Ingest};
use net::{Lock, Thread};
use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use server::config::{self, Config, Override};
use server::logging;
use server::{Error, Server as Hosted};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::frame::Frame;
use crate::local::LocalStream;
use crate::log::{Level, log};
use crate::process::OfProcess;
use crate::publisher::read_metadata;

/// A busy port and the nine behind it.
const PORTS_TRIED: u16 = 10;

/// Beyond `server.shutdown_seconds`, for what comes after the connections.
const GRACE: Duration = Duration::from_secs(2);

/// This process feeds its streams whether or not they are watched: they are recorded as any publisher's, and never idle.
const CLAIM: Claim = Claim::SteadySource;

/// A hub that listens.
#[pyclass(frozen, module = "framehub._native")]
#[derive(Debug)]
pub(crate) struct Server {
    running: OfProcess<Running>,
    #[pyo3(get)]
    host: String,
    #[pyo3(get)]
    port: u16,
    #[pyo3(get)]
    url: String,
    started: Instant,
}

#[derive(Debug)]
struct Running {
    hub: Hub,
    shutdown: CancellationToken,
    /// How long `server.shutdown_seconds` lets connections end.
    patience: Duration,
    thread: Thread,
    admission: Admission,
    encoding: Encoding,
    /// By name. Taken for look-ups by callers alone.
    streams: Lock<BTreeMap<StreamName, Arc<LocalStream>>>,
}

#[derive(Clone, Copy, Debug)]
struct Encoding {
    quality: u8,
    max_fps: Option<f64>,
}

#[pymethods]
impl Server {
    /// Binds the address and serves. `settings` are keys of the configuration, such as `server.port`, and their values.
    #[new]
    #[pyo3(signature = (settings, quality, max_fps))]
    fn new(
        py: Python<'_>,
        settings: Vec<(String, String)>,
        quality: u8,
        max_fps: Option<f64>,
    ) -> PyResult<Self> {
        let settings = settings.into_iter().map(|(key, value)| Override { key, value }).collect::<Vec<_>>();
        let loaded =
            config::of_arguments(&settings).map_err(|error| PyValueError::new_err(error.to_string()))?;
        for warning in &loaded.warnings {
            log(py, Level::Warning, &warning.to_string());
        }
        let config = loaded.config;
        start_logging(&config);
        let runtime = server::runtime(config.server.threads)
            .map_err(|error| PyOSError::new_err(format!("no runtime for the hub: {error}")))?;
        let hosted = bind(py, &runtime, config.clone())?;
        let (address, url) = (hosted.address(), hosted.url());
        let shutdown = CancellationToken::new();
        let running = Running {
            hub: hosted.hub().clone(),
            patience: config.server.shutdown,
            admission: hosted.admission(),
            thread: serve(runtime, hosted, shutdown.clone())?,
            shutdown,
            encoding: Encoding { quality, max_fps },
            streams: Lock::default(),
        };
        Ok(Self {
            running: OfProcess::new(running),
            host: address.ip().to_string(),
            port: address.port(),
            url,
            started: Instant::now(),
        })
    }

    /// True: the frame was taken. False: it comes sooner than the rate allows, or the hub has ended.
    fn publish(
        &self,
        frame: &Bound<'_, PyAny>,
        stream: &str,
        bgr: bool,
        captured: Option<f64>,
        metadata: Option<&str>,
    ) -> PyResult<bool> {
        let frame = Frame::check(frame)?;
        let metadata = read_metadata(captured, metadata)?;
        let stream = self.running()?.stream(stream)?;
        stream.slot().offer(metadata, |picture| frame.copy_into(bgr, picture))
    }

    fn wanted(&self, stream: &str) -> PyResult<bool> {
        let running = self.running()?;
        let name = name(stream)?;
        // Before its first picture there is nothing to watch.
        Ok(running.streams.lock().get(&name).is_none_or(|stream| stream.wanted()))
    }

    /// Of one stream: the numbers that the in-process streamer has always had (docs/ref/compatibility.md), and more.
    fn stats<'py>(&self, py: Python<'py>, stream: &str) -> PyResult<Bound<'py, PyDict>> {
        let name = name(stream)?;
        let of = PyDict::new(py);
        let running = self.running.get();
        let now = ingest::now();
        let live = running.and_then(|running| running.hub.stream(&name)).map(|stream| stream.stats(now));
        let totals = live.as_ref().map(|live| live.totals).unwrap_or_default();
        let local = running.and_then(|running| running.streams.lock().get(&name).cloned());
        let counts = local.as_ref().map(|local| local.slot().counts()).unwrap_or_default();
        of.set_item("frames_received", totals.frames)?;
        of.set_item("frames_served", totals.served)?;
        of.set_item("frames_dropped", totals.skipped)?;
        of.set_item("clients_connected", live.as_ref().map_or(0, |live| live.demand.viewers))?;
        of.set_item("services_connected", live.as_ref().map_or(0, |live| live.demand.services))?;
        of.set_item("uptime_seconds", self.started.elapsed().as_secs_f64())?;
        of.set_item("current_fps", live.as_ref().map_or(0.0, |live| live.fps))?;
        of.set_item("server_running", self.is_running())?;
        of.set_item("host", &self.host)?;
        of.set_item("port", self.port)?;
        of.set_item("stream", stream)?;
        of.set_item("frames_offered", counts.offered)?;
        of.set_item("frames_limited", counts.limited)?;
        of.set_item("frames_replaced", counts.replaced)?;
        of.set_item("last_error", local.and_then(|local| local.last_error()))?;
        Ok(of)
    }

    /// Publishes what waits, finishes the recordings and ends the hub. Returns within `server.shutdown_seconds` and a
    /// little more.
    fn stop(&self, py: Python<'_>) {
        let Some(running) = self.running.get() else { return };
        let streams: Vec<_> = std::mem::take(&mut *running.streams.lock()).into_values().collect();
        py.detach(|| {
            for stream in &streams {
                stream.stop();
            }
            running.shutdown.cancel();
            running.thread.join(running.patience + GRACE);
        });
    }

    #[getter]
    fn is_running(&self) -> bool {
        self.running.get().is_some_and(|running| !running.shutdown.is_cancelled())
    }
}

impl Server {
    fn running(&self) -> PyResult<&Running> {
        let Some(running) = self.running.get() else {
            let message = format!(
                "this hub runs in process {}, of which this one is a fork; publish from here with \
                 StreamPublisher(\"{}\", ...)",
                self.running.pid(),
                self.url
            );
            return Err(PyRuntimeError::new_err(message));
        };
        if running.shutdown.is_cancelled() {
            return Err(PyValueError::new_err(
                "the server is closed: stop() was called; start() opens it again",
            ));
        }
        Ok(running)
    }
}

impl Running {
    fn stream(&self, text: &str) -> PyResult<Arc<LocalStream>> {
        let name = name(text)?;
        let mut streams = self.streams.lock();
        if let Some(stream) = streams.get(&name) {
            return Ok(stream.clone());
        }
        let Encoding { quality, max_fps } = self.encoding;
        let ingest = Ingest::new(&self.hub, name.clone(), CLAIM, self.admission.clone());
        let stream = LocalStream::start(ingest, max_fps, quality)
            .map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
        let stream = Arc::new(stream);
        streams.insert(name, stream.clone());
        Ok(stream)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

fn name(text: &str) -> PyResult<StreamName> {
    text.parse().map_err(|error: hub::InvalidName| PyValueError::new_err(error.to_string()))
}

/// Moves on from ports that are in use, and says so.
fn bind(py: Python<'_>, runtime: &Runtime, mut config: Config) -> PyResult<Hosted> {
    let _context = runtime.enter();
    let wanted = config.server.port;
    let mut tried = 1;
    loop {
        let port = config.server.port;
        match Hosted::bind(config.clone()) {
            Ok(hosted) => {
                if port != wanted {
                    log(py, Level::Warning, &format!("port {wanted} is in use; listening on {port} instead"));
                }
                return Ok(hosted);
            }
            Err(Error::PortInUse { .. }) if tried < PORTS_TRIED && port < u16::MAX => {
                config.server.port += 1;
                tried += 1;
            }
            Err(Error::PortInUse { .. }) => {
                let message = format!("ports {wanted} to {port} are in use; choose another");
                return Err(PyOSError::new_err(message));
            }
            Err(error @ Error::Listen { .. }) => {
                let why = std::error::Error::source(&error).map(|why| format!(": {why}")).unwrap_or_default();
                return Err(PyOSError::new_err(format!("{error}{why}")));
            }
            Err(error) => return Err(PyValueError::new_err(error.to_string())),
        }
    }
}

fn serve(runtime: Runtime, hosted: Hosted, shutdown: CancellationToken) -> PyResult<Thread> {
    let work = move || {
        if let Err(error) = runtime.block_on(hosted.run(shutdown)) {
            tracing::error!(%error, "the hub has ended");
        }
        // A decoder may be busy still.
        runtime.shutdown_background();
    };
    Thread::start("framehub-server", work)
        .map_err(|error| PyOSError::new_err(format!("no thread for the hub: {error}")))
}

/// The hub's own log lines go to stderr, at the level of the process's first server: there is one log a process.
fn start_logging(config: &Config) {
    static GUARD: OnceLock<Option<logging::Guard>> = OnceLock::new();
    // Where the program has a subscriber of its own, lines go there.
    GUARD.get_or_init(|| logging::start(&config.logging).ok());
}
