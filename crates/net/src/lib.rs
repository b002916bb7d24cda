//! What every crate needs to speak outward and to run.
//!
//! Outward: [`connect`] opens a connection within a time limit, with TLS where it is asked for; [`http`] is the one
//! HTTP/1.1 client over it, and [`ws`] the one WebSocket, of which the server uses the same two halves. What a request
//! or a message means does not belong here, and neither do passwords.
//!
//! ```no_run
//! # async fn example(url: &url::Url) -> Result<(), net::Error> {
//! use std::time::Duration;
//! use net::{http::Http, ws};
//!
//! let limit = Duration::from_secs(10);
//! let mut http = Http::open(url, limit).await?;
//! let request = net::http::get(url);
//! let ws::Answer::Open(socket) = ws::open(&mut http, request, limit).await? else { return Ok(()) };
//! let (mut inbox, mut outbox) = ws::split(socket, ws::Peer::Server, 1 << 20);
//! outbox.text("hello").await?;
//! let reply = inbox.next(|piece| Ok::<_, ws::Ended>(Some(piece.payload.to_vec()))).await;
//! # Ok(())
//! # }
//! ```
//!
//! To run: [`Lock`] and [`Condition`] (no poison), [`LatestSlot`], [`Pace`], [`Backoff`], [`AbortOnDrop`], [`Thread`],
//! [`lower_priority`], [`Room`], [`Turns`].
//!
//! TLS trusts the authorities that this machine trusts; `SSL_CERT_FILE` and `SSL_CERT_DIR` name others, as for OpenSSL.

mod backoff;
mod connection;
mod error;
pub mod http;
mod latest_slot;
mod lock;
mod pace;
mod priority;
mod room;
mod task;
mod thread;
mod tls;
mod turns;
pub mod ws;

pub use backoff::Backoff;
pub use connection::{Connection, connect, socket_of};
pub use error::Error;
pub use latest_slot::LatestSlot;
pub use lock::{Condition, Lock, LockGuard};
pub use pace::Pace;
pub use priority::lower_priority;
pub use room::{DiskSpace, NoRoom, Room, disk_space};
pub use task::AbortOnDrop;
pub use thread::Thread;
pub use turns::{DECODERS, Turn, Turns};
