//! The routes called as functions, on real recordings in a folder of their own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod analysis;
mod cross_origin;
mod downloads;
mod http2;
mod limits;
mod publish;
mod publish_websocket;
mod recorder;
mod recordings;
mod replays;
mod rewind;
mod socket;
pub(crate) mod support;
mod view;
