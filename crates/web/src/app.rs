//! What every handler shares: the hub, the recordings, the settings, and what is counted outside the hub.

use std::sync::Arc;

use access::{Buckets, Grant, Guard};
use hub::{Hub, Stream, StreamName};
use ingest::Admission;
use record::Recordings;
use sessions::Sessions;
use sources::Sources;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use uploads::Uploads;

use crate::{
    Settings,
    analysis::{Analyses, LiveAnalysis},
    clock,
    disk::Disk,
    error::ApiError,
    metrics::Metrics,
    renditions::Renditions,
    transport::Connections,
    view::{Base64Cache, Clients, Fps, MAX_REPLAYS, Placeholder},
};

/// What the face shows and drives. Listing and replaying work with any `recordings`, whether or not they record by
/// themselves; `sources` may be none (`Sources::default()`).
#[derive(Debug)]
pub struct Rooms {
    pub hub: Hub,
    pub recordings: Recordings,
    pub sources: Sources,
    pub uploads: Uploads,
    pub simulators: Sessions,
    pub live_analysis: LiveAnalysis,
}

#[derive(Debug)]
pub struct App {
    hub: Hub,
    recordings: Recordings,
    sources: Sources,
    uploads: Uploads,
    simulators: Sessions,
    disk: Disk,
    replays: Arc<Semaphore>,
    guard: Guard,
    requests: Option<Buckets>,
    settings: Settings,
    started: hub::Moment,
    connections: Arc<Connections>,
    metrics: Metrics,
    /// Cancelled when the server begins to shut down.
    shutdown: CancellationToken,
    admission: Admission,
    placeholder: Placeholder,
    base64: Base64Cache,
    robot_clients: Arc<Clients>,
    renditions: Arc<Renditions>,
    analyses: Arc<Analyses>,
}

impl App {
    pub fn new(rooms: Rooms, settings: Settings, shutdown: CancellationToken) -> Arc<Self> {
        let Rooms { hub, recordings, sources, uploads, simulators, live_analysis } = rooms;
        Arc::new(Self {
            disk: Disk::new(),
            replays: Arc::new(Semaphore::new(MAX_REPLAYS)),
            connections: Connections::new(settings.connections.max),
            started: clock::now(),
            requests: settings.request_rate.map(|rate| Buckets::new(rate.per_second, rate.burst)),
            guard: Guard::new(&settings.auth),
            metrics: Metrics::new(),
            admission: Admission::new(settings.frame_limits(), settings.jpeg_quality),
            placeholder: Placeholder::default(),
            base64: Base64Cache::default(),
            robot_clients: Arc::default(),
            analyses: Analyses::new(hub.clone(), live_analysis),
            renditions: Renditions::new(hub.clone(), settings.renditions),
            hub,
            recordings,
            sources,
            uploads,
            simulators,
            settings,
            shutdown,
        })
    }

    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    pub fn recordings(&self) -> &Recordings {
        &self.recordings
    }

    /// The hub's own sources.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    pub fn uploads(&self) -> &Uploads {
        &self.uploads
    }

    /// The simulator sessions.
    pub fn simulators(&self) -> &Sessions {
        &self.simulators
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How often each address asks, where that is bounded.
    pub(crate) fn requests(&self) -> Option<&Buckets> {
        self.requests.as_ref()
    }

    pub(crate) fn guard(&self) -> &Guard {
        &self.guard
    }

    pub(crate) fn disk(&self) -> &Disk {
        &self.disk
    }

    /// A place for each recording that is being watched.
    pub(crate) fn replays(&self) -> &Arc<Semaphore> {
        &self.replays
    }

    pub(crate) fn started(&self) -> hub::Moment {
        self.started
    }

    pub(crate) fn connections(&self) -> &Arc<Connections> {
        &self.connections
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    pub(crate) fn shutdown(&self) -> &CancellationToken {
        &self.shutdown
    }

    /// Of the pictures that are published over HTTP and WebSocket.
    pub(crate) fn admission(&self) -> &Admission {
        &self.admission
    }

    pub(crate) fn placeholder(&self) -> &Placeholder {
        &self.placeholder
    }

    pub(crate) fn base64(&self) -> &Base64Cache {
        &self.base64
    }

    pub(crate) fn robot_clients(&self) -> &Arc<Clients> {
        &self.robot_clients
    }

    pub(crate) fn renditions(&self) -> &Arc<Renditions> {
        &self.renditions
    }

    pub(crate) fn analyses(&self) -> &Arc<Analyses> {
        &self.analyses
    }

    /// The most frames a second for a viewer that asks for `fps`; `None`: as published.
    pub(crate) fn rate(&self, fps: Option<Fps>) -> Option<f64> {
        fps.map_or(self.settings.stream_fps, Fps::per_second)
    }

    /// The live stream of that name.
    pub(crate) fn stream(&self, name: &StreamName) -> Result<Stream, ApiError> {
        self.hub.stream(name).ok_or_else(|| ApiError::stream_not_found(name))
    }

    /// The stream that `streams.default` names, or the oldest live one: of those that the grant shows.
    pub(crate) fn default_stream(&self, grant: &Grant) -> Option<Stream> {
        match &self.settings.default_stream {
            Some(name) => self.hub.stream(name).filter(|stream| grant.shows(stream.name())),
            None => self.hub.oldest_of(|name| grant.shows(name)),
        }
    }

    /// The stream of document 004's routes: the one that `streams.robot` names, or the default one.
    pub(crate) fn robot_stream(&self, grant: &Grant) -> Option<Stream> {
        match &self.settings.robot.stream {
            Some(name) => self.hub.stream(name).filter(|stream| grant.shows(stream.name())),
            None => self.default_stream(grant),
        }
    }
}
