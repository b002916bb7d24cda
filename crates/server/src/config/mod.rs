//! Layered configuration: what is written becomes one typed [`Config`].
//!
//! Built-in defaults < profile < configuration file < `.env` < environment < arguments. Each place is read
//! into a layer that holds what is written and where; the layers are folded once, in that
//! order. Nothing is looked up later and nothing is reloaded: streams are made at
//! run time anyway, so a change of configuration is a restart.
//!
//! All problems of all layers are reported together. The keys are declared by the rooms that they configure, and joined
//! in `tables`.

mod environment;
mod file;
mod layer;
mod load;
mod memory;
mod problem;
mod profile;
pub mod reference;
mod server;
mod simulators;
mod sources;
mod streams;
mod tables;
#[cfg(test)]
mod tests;
mod typed;

pub use environment::Environment;
pub use layer::{NotAnOverride, Override};
pub use load::{Inputs, Loaded, Setting, load, of_arguments};
pub use memory::MemoryBound;
pub use problem::{Error, Origin, Problem, ProblemKind, Warning};
pub use sources::Listed;
pub use tables::{Key, Section, keys, sections};
pub use typed::{CAMERA_STREAM, Config};

pub use crate::logging::settings::{Level, LogFormat, Logging};
