//! The part of the configuration that the web server needs, ready to use.

use std::{net::SocketAddr, time::Duration};

use access::Cidr;
use hub::StreamName;

use transport::{ConnectionLimits, Tls};

use crate::BasePath;

#[derive(Debug, Clone)]
pub struct Settings {
    /// The address that the listener is bound to.
    pub address: SocketAddr,
    /// Encrypts every connection; `None`: plain HTTP.
    pub tls: Option<Tls>,
    /// Everything lies below it.
    pub base_path: BasePath,
    /// Bytes of one published picture.
    pub max_frame_bytes: usize,
    /// A publishing connection that sends no frame for this long is closed.
    pub publisher_idle: Duration,
    /// Frames a second for viewers that do not ask for another rate; `None`: as published.
    pub stream_fps: Option<f64>,
    /// How often something is sent to the viewers of an idle stream, so that proxies keep the connection.
    pub heartbeat: Duration,
    /// The stream of `/stream`; without it, the oldest live one.
    pub default_stream: Option<StreamName>,
    /// It is shown there only while no other is live.
    pub demo_stream: Option<StreamName>,
    pub robot: RobotInfo,
    pub cors: bool,
    /// JPEG quality for published pictures that have to be transcoded, 1 to 100.
    pub jpeg_quality: u8,
    pub auth: access::Settings,
    /// Other origins whose pages may act in their visitor's name; `*`: all.
    pub allowed_origins: Vec<String>,
    /// Names under which browsers may reach the hub, besides those of its machine; `*.example.com` for all below it.
    pub allowed_hosts: Vec<String>,
    /// Requests a second and at once from one address.
    pub request_rate: Option<RequestRate>,
    /// Proxies whose `X-Forwarded-*` headers are believed.
    pub trusted_proxies: Vec<Cidr>,
    pub connections: ConnectionLimits,
    pub health: HealthInfo,
}

/// How fast one address may ask.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RequestRate {
    /// In the long run.
    pub per_second: f64,
    /// At once.
    pub burst: u32,
}

/// The robot's stream, and what its statistics repeat of the configuration.
#[derive(Debug, Clone)]
pub struct RobotInfo {
    /// Without it, the default stream.
    pub stream: Option<StreamName>,
    /// Frames a second for clients that do not ask for another rate; `None`: as published.
    pub fps: Option<f64>,
    pub frame_cache: bool,
    /// Width and height that the camera is asked for.
    pub camera_size: (u32, u32),
    pub jpeg_quality: u8,
}

/// Configuration that `GET /health` repeats for existing clients (docs/ref/compatibility.md).
#[derive(Debug, Clone)]
pub struct HealthInfo {
    pub stream_timeout: Duration,
    pub simulator_ip: String,
    pub simulator_port: u16,
    /// The pose model that is configured, and whether it could be loaded.
    pub model_path: Option<String>,
    pub model_loaded: bool,
}
