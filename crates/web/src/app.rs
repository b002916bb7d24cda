//! What the handlers share, in parts: each handler takes the parts that it needs.

use std::sync::Arc;

use axum::extract::FromRef;
use hub::Hub;
use ingest::Admission;
use prometheus_client::metrics::histogram::Histogram;
use record::Recordings;
use sessions::Sessions;
use sources::Sources;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use transport::{Connections, PerAddress, Terms};
use uploads::Uploads;
use wire::image::Limits;

use crate::{
    BasePath, Settings,
    auth::Access,
    clock,
    disk::{Disk, Library},
    live::Live,
    metrics::{AGE_BUCKETS, Monitor},
    publish::Publishing,
    routes::Robot,
    upload::{Uploading, max_forms},
    view::{Replays, Views},
};

/// What the server shows and drives. Listing and replaying work with any `recordings`, whether or not they record by
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

/// The state of all routes. Clones share it.
#[derive(Debug, Clone)]
pub struct App(Arc<Parts>);

/// Declares the parts, each of which is a state that handlers take by itself: `State<Arc<Live>>`.
macro_rules! parts {
    ($($name:ident: $part:ty,)*) => {
        #[derive(Debug)]
        struct Parts {
            $($name: $part,)*
        }

        $(impl FromRef<App> for $part {
            fn from_ref(app: &App) -> Self {
                app.0.$name.clone()
            }
        })*
    };
}

parts! {
    access: Arc<Access>,
    base_path: BasePath,
    library: Arc<Library>,
    live: Arc<Live>,
    monitor: Arc<Monitor>,
    publishing: Arc<Publishing>,
    robot: Arc<Robot>,
    simulators: Sessions,
    terms: Terms,
    uploading: Arc<Uploading>,
    views: Arc<Views>,
}

impl App {
    /// `shutdown` is cancelled when the server begins to shut down.
    pub fn new(rooms: Rooms, settings: Settings, shutdown: CancellationToken) -> Self {
        let Rooms { hub, recordings, sources, uploads, simulators, derive } = rooms;
        let disk = Disk::new();
        let limits = Limits { max_bytes: settings.max_frame_bytes, setting: "server.max_frame_size_mb" };
        let admission = Admission::new(limits, settings.jpeg_quality);
        let live = Arc::new(Live {
            hub: hub.clone(),
            recordings: recordings.clone(),
            sources,
            simulators: simulators.clone(),
            derive: derive.clone(),
            default: settings.default_stream.clone(),
            demo: settings.demo_stream.clone(),
        });
        let connections = Connections::new(settings.connections);
        let terms = Terms {
            tls: settings.tls.clone(),
            limits: settings.connections,
            per_address: PerAddress::new(
                settings.connections.max_per_address,
                settings.trusted_proxies.clone(),
            ),
            connections: Arc::clone(&connections),
            shutdown: shutdown.clone(),
        };
        let monitor = Monitor {
            live: Arc::clone(&live),
            started: clock::now(),
            address: settings.address,
            health: settings.health.clone(),
            shutdown: shutdown.clone(),
            connections,
            admission: admission.clone(),
            frame_age: Histogram::new(AGE_BUCKETS),
        };
        let views = Views {
            hub: hub.clone(),
            derive,
            replays: Replays::new(recordings.clone(), disk.clone(), shutdown.clone()),
            ages: monitor.frame_age.clone(),
            default_fps: settings.stream_fps,
            heartbeat: settings.heartbeat,
            shutdown: shutdown.clone(),
            placeholder: Default::default(),
            base64: Default::default(),
        };
        let publishing = Publishing {
            hub,
            admission,
            body_timeout: settings.connections.body_timeout,
            idle: settings.publisher_idle,
            heartbeat: settings.heartbeat,
            shutdown: shutdown.clone(),
        };
        let uploading = Uploading {
            forms: Arc::new(Semaphore::new(max_forms(uploads.settings().max_sessions))),
            uploads,
            disk: disk.clone(),
            body_timeout: settings.connections.body_timeout,
            heartbeat: settings.heartbeat,
            shutdown,
        };
        Self(Arc::new(Parts {
            access: Arc::new(Access::new(&settings)),
            library: Arc::new(Library { recordings, disk }),
            live,
            monitor: Arc::new(monitor),
            publishing: Arc::new(publishing),
            robot: Arc::new(Robot { info: settings.robot, clients: Arc::default() }),
            simulators,
            terms,
            uploading: Arc::new(uploading),
            views: Arc::new(views),
            base_path: settings.base_path,
        }))
    }

    #[cfg(test)]
    pub(crate) fn live(&self) -> &Live {
        &self.0.live
    }
}
