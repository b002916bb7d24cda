//! The ways in which people look at a stream: MJPEG, snapshot, WebSocket, the wall. Each is a reader of the hub, or of
//! what was recorded of it, and asks for the next frame when the wire has taken the last one.

mod base64;
mod clients;
pub(crate) mod mjpeg;
mod pacer;
mod placeholder;
mod read_ahead;
mod replay;
pub(crate) mod snapshot;
mod source;
pub(crate) mod wall;
pub(crate) mod websocket;
mod when;

pub(crate) use base64::Base64Cache;
pub(crate) use clients::{Client, Clients};
pub(crate) use pacer::{Fps, Pacer};
pub(crate) use placeholder::Placeholder;
pub(crate) use replay::MAX_REPLAYS;
pub(crate) use source::Source;
pub(crate) use when::{Offset, Past, Speed};

use http::{HeaderMap, HeaderValue, header};

/// A yes or no of a query, called `name` there.
fn flag<'de, D: serde::Deserializer<'de>>(deserializer: D, name: &str) -> Result<Option<bool>, D::Error> {
    use serde::{Deserialize, de::Error};
    match String::deserialize(deserializer)?.as_str() {
        "1" | "true" => Ok(Some(true)),
        "0" | "false" => Ok(Some(false)),
        other => Err(D::Error::custom(format!("{name}={other}: allowed are 0 and 1"))),
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
