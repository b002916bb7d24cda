//! The hub's HTTP and WebSocket server: publish, view, control, pages.
//!
//! Here bytes from the network become frames in the hub, and frames become bytes on the wire. What a frame is, who
//! gets it and when it is dropped is decided in `hub`; the bytes are laid out by `wire`; rights are granted by
//! `access`; recordings lie with `record`, and are read through `disk`; settings come from the server.
//!
//! A request comes in through `transport`, `dispatch` finds its route in `router` and checks its rights (`auth`), the
//! handler in `routes` does the work by way of `publish`, `view`, `upload` or `download`, and the response leaves
//! through `transport` again.

mod app;
mod auth;
mod base_path;
mod browser;
mod caller;
mod clock;
mod cors;
mod derived;
mod disk;
mod dispatch;
mod download;
mod error;
mod host;
mod live;
mod metrics;
mod pages;
mod publish;
mod recording;
mod router;
mod routes;
mod settings;
mod stats;
mod upload;
mod view;
mod websocket;

#[cfg(test)]
mod tests;

pub use app::{App, Rooms};
pub use base_path::{BasePath, InvalidBasePath};
pub use dispatch::serve;
pub use settings::{HealthInfo, RequestRate, RobotInfo, Settings};
pub use transport::{ConnectionLimits, Tls, TlsError, TlsFiles, connection_bytes};
pub use upload::{FORM_BYTES, max_forms};
pub use view::MAX_REPLAYS;
