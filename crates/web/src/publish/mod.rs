//! The ways in which a frame comes in: a request a frame, a request without end, a WebSocket. All lead to the same
//! [`Ingest`], which checks a picture, takes it into the hub, and counts what it refuses.

pub(crate) mod body;
mod ingest;
pub(crate) mod websocket;

pub(crate) use ingest::{Arrival, Ingest};

use serde::Deserialize;

/// `?takeover=1`, `?ack=1` and `?demand=1`.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
pub(crate) struct Query {
    #[serde(default, deserialize_with = "flag")]
    pub(crate) takeover: bool,
    #[serde(default, deserialize_with = "flag")]
    pub(crate) ack: bool,
    #[serde(default, deserialize_with = "flag")]
    pub(crate) demand: bool,
}

fn flag<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        other => Err(serde::de::Error::custom(format!("{other:?} is not a switch: allowed are 0 and 1"))),
    }
}

impl Query {
    /// How a connection claims its stream.
    pub(crate) fn claim(self) -> hub::Claim {
        if self.takeover { hub::Claim::TakeOver } else { hub::Claim::Exclusive }
    }
}
