//! The ways in which people watch a stream: MJPEG, snapshot, WebSocket, the wall. Each asks [`derive`] for the frames in
//! a form that it can show, or reads what was recorded, and takes the next frame when the wire has taken the last one.

mod base64;
mod clients;
pub(crate) mod mjpeg;
mod placeholder;
mod query;
mod read_ahead;
pub(crate) mod replay;
pub(crate) mod snapshot;
mod source;
pub(crate) mod wall;
pub(crate) mod websocket;
mod when;

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, HeaderValue, header};
use hub::{Frame, Hub};
use prometheus_client::metrics::histogram::Histogram;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub(crate) use clients::{Client, Clients};
pub(crate) use query::{Fps, Rendition, as_published};
pub use replay::MAX_REPLAYS;
pub(crate) use replay::Replays;
pub(crate) use source::Source;
pub(crate) use when::{Offset, Past, Speed, moment};

use crate::clock;
use base64::Base64Cache;
use placeholder::Placeholder;

/// What all views share.
#[derive(Debug)]
pub(crate) struct Views {
    pub(crate) hub: Hub,
    pub(crate) derive: derive::Registry,
    pub(crate) replays: Replays,
    /// Ages of frames when they are handed to a viewer's connection, in seconds.
    pub(crate) ages: Histogram,
    /// Frames a second for viewers that do not ask for another rate; `None`: as published.
    pub(crate) default_fps: Option<f64>,
    /// Something is sent to a viewer of an idle stream this often, so that proxies keep the connection.
    pub(crate) heartbeat: Duration,
    pub(crate) shutdown: CancellationToken,
    pub(crate) placeholder: Placeholder,
    pub(crate) base64: Base64Cache,
}

impl Views {
    /// The most frames a second for a viewer that asks for `fps`; `None`: as published.
    pub(crate) fn rate(&self, fps: Option<Fps>) -> Option<f64> {
        fps.map_or(self.default_fps, |fps| fps.0)
    }

    /// Counts a frame that is handed to a viewer now; its age.
    fn observe_age(&self, frame: &Frame) -> Duration {
        let age = frame.age(Instant::now().into_std());
        self.ages.observe(age.as_secs_f64());
        age
    }

    /// The picture that is shown while there is none of a stream.
    fn placeholder(&self) -> Option<Arc<Frame>> {
        self.placeholder.frame(clock::now())
    }
}

/// No cache and no proxy may keep or hold back what is live.
pub(crate) fn live_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store, must-revalidate"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    headers
}
