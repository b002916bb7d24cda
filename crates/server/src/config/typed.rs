//! The configuration: every room's settings, and the table that fills each. A new room is added here and in no other
//! list: parsing, range checks, environment names, the reference page and the example file follow.
//!
//! Layers hold what is written; they are folded once into this (by `load`), and nothing after that reads text again.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use access::settings::{AddressLimits, Auth};
use sessions::Place;
use settings::Section;
use sources::Spec;
use sources::settings::{Camera, Demo, Switch};

use super::server::{SERVER, Server};
use super::streams::{CLEANUP, Cleanup, STREAMS, Streams, VIEWERS, Viewers};
use crate::logging::settings::{LOGGING, Level, Logging};

/// The stream of the camera that `camera.index` names.
pub const CAMERA_STREAM: &str = "camera";

/// Everything the server needs to know before it starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub server: Server,
    pub streams: Streams,
    pub viewers: Viewers,
    pub derive: derive::Limits,
    pub demo: Demo,
    pub auth: Auth,
    pub limits: AddressLimits,
    pub logging: Logging,
    pub cleanup: Cleanup,
    pub recording: record::Config,
    pub camera: Camera,
    /// The sources that are listed; [`Config::sources`] has the camera and the demo, too.
    pub sources: Vec<Spec>,
    /// Further simulators by their names.
    pub simulators: BTreeMap<String, Place>,
    pub sessions: sessions::settings::Settings,
    pub uploads: uploads::Settings,
    pub referee: referee::settings::Settings,
    /// Whether there is neither a configuration file nor a source: `demo.enabled: auto` depends on it.
    pub bare: bool,
}

/// The tables, in the order of the reference page, each with the part of the configuration that it fills. Of tables
/// that share a section, the first one says what the section is about.
pub(super) fn tables() -> Vec<Section<Config>> {
    vec![
        SERVER.section(|c| &mut c.server),
        STREAMS.section(|c| &mut c.streams),
        VIEWERS.section(|c| &mut c.viewers),
        derive::settings::RENDITIONS.section(|c| &mut c.derive),
        sources::settings::DEMO.section(|c| &mut c.demo),
        access::settings::AUTH.section(|c| &mut c.auth),
        access::settings::LIMITS.section(|c| &mut c.limits),
        LOGGING.section(|c| &mut c.logging),
        CLEANUP.section(|c| &mut c.cleanup),
        record::settings::CLEANUP.section(|c| &mut c.recording),
        record::settings::RECORDING.section(|c| &mut c.recording),
        sources::settings::CAMERA.section(|c| &mut c.camera),
        sessions::settings::SIMULATOR.section(|c| &mut c.sessions),
        sessions::settings::SESSIONS.section(|c| &mut c.sessions),
        uploads::settings::UPLOADS.section(|c| &mut c.uploads),
        derive::settings::ANALYSES.section(|c| &mut c.derive),
        referee::settings::REFEREE.section(|c| &mut c.referee),
    ]
}

impl Config {
    /// Everything that the hub itself makes pictures from.
    pub fn sources(&self) -> Result<Vec<Spec>, hub::InvalidName> {
        let mut sources = self.sources.clone();
        let Camera { index, width, height, fps, .. } = self.camera;
        if let Some(index) = index {
            sources.push(Spec::camera(CAMERA_STREAM.parse()?, index, width, height, fps));
        }
        let Demo { stream, width, height, fps, quality, .. } = &self.demo;
        if let Some(stream) = stream.clone().filter(|_| self.demo_runs()) {
            sources.push(Spec::test(stream, *width, *height, *fps, *quality));
        }
        Ok(sources)
    }

    /// The streams that no listed source may fill, and what fills them.
    pub(super) fn streams_of_its_own(&self) -> Vec<(&str, &str)> {
        let camera = self.camera.index.map(|_| (CAMERA_STREAM, "camera.index"));
        // On `auto` a listed source keeps the demo away.
        let demo = self.demo.stream.as_ref().filter(|_| self.demo.enabled == Switch::On);
        camera.into_iter().chain(demo.map(|stream| (stream.as_str(), "demo.stream"))).collect()
    }

    /// Whether the demo stream runs: as `demo.enabled` says, or on `auto` only when nothing else gives pictures.
    pub fn demo_runs(&self) -> bool {
        match self.demo.enabled {
            Switch::On => true,
            Switch::Off => false,
            Switch::Auto => self.bare,
        }
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
                receive_bytes: 0,
                send_bytes: 0,
                idle_timeout: Duration::ZERO,
                max_connections: 0,
                threads: 0,
                shutdown: Duration::ZERO,
                trusted_proxies: Vec::new(),
                allowed_origins: Vec::new(),
                allowed_hosts: Vec::new(),
            },
            streams: Streams::default(),
            viewers: Viewers::default(),
            derive: derive::Limits::default(),
            demo: Demo::default(),
            auth: Auth::default(),
            limits: AddressLimits::default(),
            logging: Logging::default(),
            cleanup: Cleanup::default(),
            recording: record::Config::default(),
            camera: Camera::default(),
            sources: Vec::new(),
            simulators: BTreeMap::new(),
            sessions: sessions::settings::Settings::default(),
            uploads: uploads::Settings::default(),
            referee: referee::settings::Settings::default(),
            bare: true,
        }
    }

    /// What follows from several values together, once all are in.
    pub(super) fn settle(&mut self) {
        if self.server.debug {
            self.logging.level = self.logging.level.max(Level::Debug);
        }
        self.uploads.min_free_bytes = self.recording.retention.min_free_bytes;
        self.derive.quality = self.camera.jpeg_quality;
        self.uploads.jpeg_quality = self.camera.jpeg_quality;
    }
}
