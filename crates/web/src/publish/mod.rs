//! The ways in which a frame comes in: a request a frame, a request without end, a WebSocket. All lead to an [`Ingest`],
//! which admits a picture, takes it into the hub, and counts what it refuses.

pub(crate) mod body;
mod form;
pub(crate) mod frame;
pub(crate) mod incoming;
mod multipart;
mod pictures;
pub(crate) mod websocket;

use std::time::Duration;

use hub::{Claim, Hub, StreamName};
use ingest::{Admission, Ingest};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use crate::error::ApiError;

/// What all ways of publishing share.
#[derive(Debug)]
pub(crate) struct Publishing {
    pub(crate) hub: Hub,
    pub(crate) admission: Admission,
    /// A picture's bytes must have arrived within this time.
    pub(crate) body_timeout: Duration,
    /// A publishing connection that sends no frame for this long is closed.
    pub(crate) idle: Duration,
    /// How often an idle WebSocket is pinged.
    pub(crate) heartbeat: Duration,
    pub(crate) shutdown: CancellationToken,
}

/// A publisher's way into the stream. Fails at once if the first frame would be refused, whatever it is.
fn open(publishing: &Publishing, name: StreamName, claim: Claim) -> Result<Ingest, ApiError> {
    let ingest = Ingest::new(&publishing.hub, name, claim, publishing.admission.clone());
    ingest.check_claim()?;
    Ok(ingest)
}

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
    pub(crate) fn claim(self) -> Claim {
        if self.takeover { Claim::TakeOver } else { Claim::Exclusive }
    }
}
