//! What a program outside the hub needs to speak to it: an [`Endpoint`] says where it is and with which
//! key, [`http`] reads and drives the JSON routes, [`publish`] sends frames over one WebSocket (with
//! [`reconnect`] around it where the link may break), [`post`] sends them as HTTP requests, [`upload`] has every
//! frame acknowledged and analysed, and [`watch`] receives a stream as MJPEG. [`background`] is all that a program with a
//! loop of its own needs: it offers pictures, a thread sends the newest.
//!
//! What does not belong here: reading files or cameras, encoding pictures, progress bars. `wire` parses the bytes, `net`
//! owns the sockets; this crate has the requests, the time limits and the texts of the errors.
//!
//! ```no_run
//! # async fn example(jpeg: bytes::Bytes) -> Result<(), client::Error> {
//! use client::publish::{Metadata, Options, Publisher};
//! use client::watch::{self, Watcher};
//! use client::{Endpoint, Target};
//!
//! let hub = Endpoint::parse("http://localhost:5000")?.with_api_key(Some("key"))?;
//! let mut publisher = Publisher::connect(&hub, "camera1", &Options::default()).await?;
//! publisher.send(jpeg, &Metadata { seq: Some(1), ..Metadata::default() }).await?;
//!
//! let mut watcher = Watcher::connect(&Target::stream(&hub, "camera1"), &watch::Options::default()).await?;
//! while let Some(frame) = watcher.next().await? {
//!     println!("frame {:?}: {} bytes", frame.seq, frame.payload.len());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Invariants:
//! - C1 An API key never appears in an error, a `Debug` output or a URL that is printed.
//! - C2 Every wait has a limit: connecting, an answer, the sending of one frame.
//! - C3 Nothing queues live frames. A sender that outruns its link waits in `send`, and decides itself what to
//!   skip; of pictures offered to [`background`] the newest replaces the one before. An upload keeps what the hub has not
//!   acknowledged, and that is bounded.
//! - C4 Retries live in [`reconnect`] and [`upload`] alone.

mod adaptive;
pub mod background;
mod connect;
pub mod endpoint;
mod error;
pub mod http;
pub mod picture_slot;
pub mod post;
pub mod publish;
pub mod reconnect;
pub mod upload;
pub mod watch;
mod websocket;

pub use endpoint::{Endpoint, Target};
pub use error::Error;
