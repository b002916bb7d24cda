//! The routes, one file a family of clients, each thin over `publish/`, `view/` and the recordings; [`table`] is the
//! one place in which they meet.

pub(crate) mod analyses;
pub(crate) mod control;
mod extract;
pub(crate) mod keys;
pub(crate) mod live_analysis;
pub(crate) mod recorder;
pub(crate) mod recordings;
pub(crate) mod robot;
pub(crate) mod simulator;
pub(crate) mod streams;
mod table;
pub(crate) mod upload;
pub(crate) mod viewer;

pub(crate) use extract::{Name, OptionalJson, Query, RecordingPath};
pub(crate) use table::{all, unknown};
