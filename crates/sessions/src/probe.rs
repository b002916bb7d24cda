//! Whether a simulator is alive: `GET /ping`, asked once when a session is made.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Empty;
use ingest::pull::{Error, refused};
use net::http::{Http, get};
use tokio::time::timeout;

use crate::address::Simulator;

/// The client waits for its session meanwhile.
const PATIENCE: Duration = Duration::from_secs(1);

pub(crate) async fn ping(simulator: &Simulator) -> Result<(), Error> {
    let slow = |_| net::Error::Slow { what: "the answer to /ping", after: PATIENCE };
    timeout(PATIENCE, ask(simulator)).await.map_err(slow)?
}

async fn ask(simulator: &Simulator) -> Result<(), Error> {
    let url = &simulator.ping;
    let request = get(url).body(Empty::<Bytes>::new()).map_err(|error| net::Error::broken(&error))?;
    let mut http = Http::open(url, PATIENCE).await?;
    let answer = http.ask(request, PATIENCE).await?;
    if answer.status().is_success() { Ok(()) } else { Err(refused(answer.status(), false)) }
}
