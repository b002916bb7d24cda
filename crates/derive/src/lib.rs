//! Streams in another form: the one place that answers a [`Want`](hub::Want) on a stream with a [`Reader`].
//!
//! A reader gets the stream itself if that is what it wants; else a derived stream, which one worker makes for all who
//! want the same. Renditions (smaller, coarser, less often) are made while they have viewers; analyses run from a request
//! until they are stopped, with or without viewers. No reader is ever given a frame in a codec that it did not
//! ask for.
//!
//! What belongs here: which form a reader gets, the workers, their number and their cost. What does not: what a derived
//! stream is to its parent (`hub`, invariants D1 to D3), how a picture is scaled (`media`), what an analysis finds (an
//! [`Analyser`] is handed in), and how a view is asked for or answered (`web`).

mod analyse;
mod counters;
mod error;
mod pacer;
mod reader;
mod registry;
mod report;
mod scale;
pub mod settings;
mod thread;
mod worker;

pub use analyse::Analyser;
pub use counters::Counts;
pub use error::Error;
pub use pacer::Pacer;
pub use reader::Reader;
pub use registry::{Limits, Registry};
pub use report::{RenditionTotals, Report};

/// By the clock that tests can pause.
fn now() -> hub::Moment {
    hub::Moment { mono: tokio::time::Instant::now().into_std(), wall: std::time::SystemTime::now() }
}
