//! From a configuration to a running server.
//!
//! Nothing here parses a protocol or touches a frame; that belongs to the rooms and to `web`. Nothing here knows of a
//! terminal; that belongs to the command line.

mod analysis;
pub mod config;
mod idle_streams;
pub mod logging;
mod open_files;
mod server;

pub use server::{Error, Server, runtime};
