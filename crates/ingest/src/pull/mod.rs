//! Pull ingest: streams that the hub fills by itself, from cameras, files and simulators, and how it keeps such a source
//! going.
//!
//! Here belongs what all of them need once a source is open: the way of its pictures into the stream ([`Intake`]), its
//! state and counters ([`Status`]), the waits for silence ([`Watchdog`]), for viewers ([`unwanted`]) and before the next
//! attempt ([`Retry`]), and MJPEG over HTTP ([`http`]), which a camera and a simulator both send. What a source is and
//! how it is opened does not belong here.

mod connection;
mod error;
pub mod http;
mod intake;
mod linger;
mod retry;
mod status;
mod watchdog;
mod websocket;

pub use connection::{credentials, refused};
pub use error::Error;
pub use intake::{Intake, captured_now};
pub use linger::{LINGER, unwanted};
pub use retry::Retry;
pub use status::{Report, State, Status};
pub use watchdog::Watchdog;
pub use websocket::{Messages, connect};
