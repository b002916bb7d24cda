//! The routes, one file a family of clients, each thin over `publish/`, `view/` and the recordings; `table` is the
//! one place in which they meet.

mod analyses;
mod control;
mod docs;
mod extract;
mod keys;
mod live_analysis;
mod recorder;
mod recordings;
mod robot;
pub(crate) mod simulator;
pub(crate) mod streams;
mod table;
mod upload;
mod viewer;

use extract::{AnalysisPath, Tail};
pub(crate) use extract::{Name, OptionalJson, Query, RecordingPath};
pub(crate) use robot::Robot;
pub(crate) use table::all;
