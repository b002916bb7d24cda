//! What every handler shares: the hub, the recordings, the settings, and what is counted outside the hub.

use std::sync::Arc;

use access::{Buckets, Grant, Guard};
use hub::{Hub, Stream, StreamName};
use ingest::Admission;
use record::Recordings;
use sessions::Sessions;
use sources::Sources;
use tokio_util::sync::CancellationToken;
use uploads::Uploads;

use crate::{
    Settings, clock,
    disk::Disk,
    error::ApiError,
    metrics::Metrics,
    transport::Connections,
    view::{Clients, Replays, Views},
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
    pub derive: derive::Registry,
}

#[derive(Debug)]
pub struct App {
    hub: Hub,
    recordings: Recordings,
    sources: Sources,
    uploads: Uploads,
    simulators: Sessions,
    disk: Disk,
    guard: Guard,
    requests: Option<Buckets>,
    settings: Settings,
    started: hub::Moment,
    connections: Arc<Connections>,
    metrics: Metrics,
    /// Cancelled when the server begins to shut down.
    shutdown: CancellationToken,
    admission: Admission,
    robot_clients: Arc<Clients>,
    views: Arc<Views>,
}

impl App {
    pub fn new(rooms: Rooms, settings: Settings, shutdown: CancellationToken) -> Arc<Self> {
        let Rooms { hub, recordings, sources, uploads, simulators, derive } = rooms;
        let (metrics, disk) = (Metrics::new(), Disk::new());
        let views = Views {
            hub: hub.clone(),
            derive,
            replays: Replays::new(recordings.clone(), disk.clone(), shutdown.clone()),
            ages: metrics.frame_age().clone(),
            default_fps: settings.stream_fps,
            heartbeat: settings.heartbeat,
            shutdown: shutdown.clone(),
            placeholder: Default::default(),
            base64: Default::default(),
        };
        Arc::new(Self {
            disk,
            connections: Connections::new(settings.connections.max),
            started: clock::now(),
            requests: settings.request_rate.map(|rate| Buckets::new(rate.per_second, rate.burst)),
            guard: Guard::new(&settings.auth),
            metrics,
            admission: Admission::new(settings.frame_limits(), settings.jpeg_quality),
            robot_clients: Arc::default(),
            views: Arc::new(views),
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

    pub(crate) fn robot_clients(&self) -> &Arc<Clients> {
        &self.robot_clients
    }

    pub(crate) fn views(&self) -> &Arc<Views> {
        &self.views
    }

    /// Streams in another form than published.
    pub(crate) fn derive(&self) -> &derive::Registry {
        &self.views.derive
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

    /// The stream of the robot's routes: the one that `streams.robot` names, or the default one.
    pub(crate) fn robot_stream(&self, grant: &Grant) -> Option<Stream> {
        match &self.settings.robot.stream {
            Some(name) => self.hub.stream(name).filter(|stream| grant.shows(stream.name())),
            None => self.default_stream(grant),
        }
    }
}
