//! The house: it reads the configuration, builds the running server from it and keeps it alive.
//!
//! Nothing here parses a protocol or touches a frame; that belongs to the rooms and the face.

mod analysis;
pub mod cli;
pub mod commands;
pub mod config;
mod janitor;
mod keys;
mod live_analysis;
pub mod logging;
pub mod server;
