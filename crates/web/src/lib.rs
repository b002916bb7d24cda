//! The hub's HTTP and WebSocket face: publish, view, control, pages.
//!
//! Here bytes from the network become frames in the hub, and frames become bytes on the wire. What a frame is, who
//! gets it and when it is dropped is the hub's business; what the bytes look like is `wire`'s; what lies on disk is
//! `record`'s, asked through `disk.rs`; where settings come from is the server's. `routes/` holds the routes of the
//! requirement documents, thin over `publish/`, `view/` and `download/`; `routes.rs` is the one table in which they
//! meet; `transport/` is the way from a response to the socket.

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
mod metrics;
mod pages;
mod publish;
mod recording;
mod router;
mod routes;
mod settings;
mod stats;
mod transport;
mod upload;
mod view;
mod websocket;

#[cfg(test)]
mod tests;

pub use app::{App, Rooms};
pub use base_path::{BasePath, InvalidBasePath};
pub use dispatch::serve;
pub use settings::{ConnectionLimits, HealthInfo, RequestRate, RobotInfo, Settings};
pub use transport::{Tls, TlsError, TlsFiles};
