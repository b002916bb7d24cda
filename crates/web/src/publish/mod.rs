//! The ways in which a frame comes in: a request a frame, a request without end, a WebSocket. All lead to an [`Ingest`],
//! which admits a picture, takes it into the hub, and counts what it refuses.

pub(crate) mod body;
mod endless;
mod form;
pub(crate) mod frame;
mod incoming;
mod multipart;
pub(crate) mod websocket;

use hub::{Claim, StreamName};
use ingest::Ingest;
use serde::Deserialize;

use crate::{App, error::ApiError};

/// A publisher's way into the stream. Fails at once if the first frame would be refused, whatever it is.
fn open(app: &App, name: StreamName, claim: Claim) -> Result<Ingest, ApiError> {
    let ingest = Ingest::new(app.hub(), name, claim, app.admission().clone());
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
