//! Sources that the hub opens by itself: cameras, RTSP, MJPEG and WebSocket upstreams, files, commands, a test picture.
//!
//! What belongs here: dialling out, and everything between a device's bytes and a frame in the hub. What does not:
//! who watches (the hub says only whether anybody does), routes, configuration files. One file a kind of source
//! ([`Kind`]), one enum and one `match`; a source is an async function that ends by being dropped. Sources that clients
//! ask for at run time, and speak to, are [`simulators`]' sessions.
//!
//! Invariants:
//! - **S1** One source, one capture, one encode at most a picture, however many watch.
//! - **S2** Nothing is open while nobody reads the stream of a source that is `on_demand`, but for a few seconds.
//! - **S3** Every wait has a limit; a source without pictures is opened anew, with growing waits in between.
//! - **S4** No picture can end a source: what cannot be used is counted and skipped, and a flood is thinned out.
//! - **S5** No secret of a URL or a command is ever shown.

mod backoff;
mod error;
mod ingest;
mod kinds;
mod pace;
pub mod play;
pub mod simulators;
mod spec;
mod state;
mod supervisor;

pub use error::Error;
pub use ingest::Settings;
pub use simulators::Simulators;
pub use spec::{Kind, Spec, SpecError, Transport, redacted};
pub use state::{Report, State};
pub use supervisor::Sources;
