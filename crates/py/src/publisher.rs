//! `_native.Publisher`: `client::background` for Python.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use client::Endpoint;
use client::background::{BackgroundPublisher, News, Settings, Stats};
use client::publish::Metadata;
use net::Lock;
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::frame::Frame;
use crate::log::{Level, log};
use crate::picture::Picture;
use crate::process::OfProcess;

/// Sends the newest of the frames that are offered to one stream of a hub.
#[pyclass(frozen, module = "framehub._native")]
#[derive(Debug)]
pub(crate) struct Publisher {
    endpoint: Endpoint,
    stream: String,
    settings: Settings,
    /// Taken for some assignments, by callers alone.
    state: Lock<State>,
}

#[derive(Debug, Default)]
struct State {
    closed: bool,
    live: Option<Arc<OfProcess<BackgroundPublisher<Picture>>>>,
}

#[pymethods]
impl Publisher {
    #[new]
    fn new(
        server_url: &str,
        stream_name: &str,
        quality: u8,
        max_fps: Option<f64>,
        retry_delay: f64,
        adaptive: bool,
        api_key: Option<&str>,
    ) -> PyResult<Self> {
        let refused = |error: &dyn std::fmt::Display| PyValueError::new_err(error.to_string());
        let endpoint = Endpoint::parse(server_url)
            .and_then(|endpoint| endpoint.with_api_key(api_key))
            .map_err(|error| refused(&error))?;
        let stream: hub::StreamName = stream_name.parse().map_err(|error| refused(&error))?;
        let retry_delay = Duration::try_from_secs_f64(retry_delay).map_err(|error| refused(&error))?;
        Ok(Self {
            endpoint,
            stream: stream.to_string(),
            settings: Settings { quality, adaptive, max_fps, retry_delay },
            state: Lock::default(),
        })
    }

    /// Opens the connection, on a thread of its own, and returns at once.
    fn start(&self) -> PyResult<()> {
        self.state.lock().closed = false;
        self.live().map(drop)
    }

    /// True: the frame was taken. False: it comes sooner than the rate allows.
    fn publish(
        &self,
        frame: &Bound<'_, PyAny>,
        bgr: bool,
        captured: Option<f64>,
        metadata: Option<&str>,
    ) -> PyResult<bool> {
        let frame_in = Frame::check(frame)?;
        let metadata = read_metadata(captured, metadata)?;
        let live = self.live()?;
        let Some(live) = live.get() else { return Ok(false) };
        log_news(frame.py(), &self.endpoint, live);
        live.slot().offer(metadata, |picture| frame_in.copy_into(bgr, picture))
    }

    fn wanted(&self, py: Python<'_>) -> PyResult<bool> {
        if self.state.lock().closed {
            return Ok(false);
        }
        let live = self.live()?;
        let Some(live) = live.get() else { return Ok(false) };
        log_news(py, &self.endpoint, live);
        Ok(live.wanted())
    }

    /// Of a publisher that was never started, and of the parent's in a child, nothing is known but zeros.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let live = self.state.lock().live.clone();
        let stats = live.as_ref().and_then(|live| live.get()).map(BackgroundPublisher::stats);
        let stats = stats.unwrap_or_else(|| Stats { quality: self.settings.quality, ..Stats::default() });
        let of = PyDict::new(py);
        of.set_item("total_frames", stats.sent)?;
        of.set_item("failed_frames", stats.failed + stats.refused)?;
        of.set_item("dropped_frames", stats.counts.replaced)?;
        of.set_item("skipped_frames", stats.counts.limited)?;
        of.set_item("bytes_sent", stats.bytes_sent)?;
        of.set_item("queue_size", u8::from(stats.is_waiting))?;
        of.set_item("avg_send_time_ms", stats.mean_send_time.as_secs_f64() * 1000.0)?;
        of.set_item("current_fps", stats.fps)?;
        of.set_item("current_quality", stats.quality)?;
        of.set_item("connected", stats.connected)?;
        of.set_item("reconnects", stats.reconnects)?;
        of.set_item("viewers", stats.demand.map(|demand| demand.viewers))?;
        of.set_item("services", stats.demand.map(|demand| demand.services))?;
        of.set_item("last_error", stats.last_error)?;
        Ok(of)
    }

    /// Sends what waits, if that is quickly done, and closes. Returns within two seconds.
    fn stop(&self, py: Python<'_>) {
        let live = {
            let mut state = self.state.lock();
            state.closed = true;
            // Kept for its statistics; stopping twice does no harm.
            state.live.clone()
        };
        if let Some(live) = live.as_ref().and_then(|live| live.get()) {
            py.detach(|| live.stop());
        }
    }

    #[getter]
    fn is_running(&self) -> bool {
        let state = self.state.lock();
        !state.closed && state.live.as_ref().is_some_and(|live| live.get().is_some())
    }

    #[getter]
    fn url(&self) -> String {
        self.endpoint.url("")
    }
}

impl Publisher {
    /// The thread of this process; begun with the first call, and anew in a child.
    fn live(&self) -> PyResult<Arc<OfProcess<BackgroundPublisher<Picture>>>> {
        let mut state = self.state.lock();
        if state.closed {
            let stream = &self.stream;
            return Err(PyValueError::new_err(format!(
                "the publisher of '{stream}' is closed: stop() was called; start() opens it again"
            )));
        }
        if let Some(live) =
            state.live.as_ref().filter(|live| live.get().is_some_and(|live| !live.slot().is_closed()))
        {
            return Ok(live.clone());
        }
        let encode = |picture: &Picture, quality| picture.to_jpeg(quality);
        let live = BackgroundPublisher::start(&self.endpoint, &self.stream, &self.settings, encode)
            .map_err(|error| PyOSError::new_err(format!("no thread for the publisher: {error}")))?;
        let live = Arc::new(OfProcess::new(live));
        state.live = Some(live.clone());
        Ok(live)
    }
}

/// Metadata that the hub would refuse is refused here, where the caller sees it. A frame without a time was taken now.
pub(crate) fn read_metadata(captured: Option<f64>, json: Option<&str>) -> PyResult<Metadata> {
    let mut metadata = match json {
        Some(json) => Metadata::parse(json).map_err(|error| PyValueError::new_err(error.to_string()))?,
        None => Metadata::default(),
    };
    let unix_secs = || SystemTime::now().duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs_f64());
    metadata.captured = metadata.captured.or(captured).or_else(unix_secs);
    Ok(metadata)
}

fn log_news(py: Python<'_>, hub: &Endpoint, live: &BackgroundPublisher<Picture>) {
    match live.news() {
        None => {}
        Some(News::Connected) => log(py, Level::Info, &format!("connected to {hub}")),
        Some(News::Away(why)) => {
            log(py, Level::Warning, &format!("{why}; frames are dropped until the hub is there"));
        }
        Some(News::Refused(why)) => log(py, Level::Warning, &format!("a frame was not published: {why}")),
    }
}
