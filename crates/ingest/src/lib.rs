//! The way in: a picture's bytes, with its capture time, number and metadata, become a frame of a stream.
//!
//! Here belongs what every picture goes through, whether it comes in a request, over a WebSocket, from a camera or from
//! this process: admission ([`Admission`]), transcoding of what is not JPEG, publishing, and counting what is refused
//! ([`Ingest`]); and, in [`pull`], what keeps a stream going that the hub fills by itself. How the bytes arrive does not
//! belong here, nor what the checks are: `wire::image` has those.
//!
//! # Invariants
//! I1 What is refused leaves the stream as it was: viewers keep the last good frame, and a first frame that is refused
//! makes no stream. I2 A clean JPEG is published byte for byte; what is odd about another (bytes around it, missing
//! tables or a missing end, a camera that was held sideways) is mended here, so that it looks the same in every view, and
//! is said once. I3 What has to be decoded is decoded once, whatever the number of viewers, and never on an async thread.

mod admission;
mod error;
mod mended;
pub mod pull;
mod stream;

pub use admission::{Admission, Jpeg, to_jpeg};
pub use error::Error;
pub use stream::{IncomingFrame, Ingest};

/// The clocks. The monotonic one is tokio's, so that tests can pause it.
pub fn now() -> hub::Moment {
    hub::Moment { mono: tokio::time::Instant::now().into_std(), wall: std::time::SystemTime::now() }
}
