//! Whether a simulator is alive: `GET /ping`, asked once when a session is made.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::Empty;
use ingest::pull::{
    Error,
    http::request::{authority, open, refused, target},
};
use tokio::time::timeout;

use crate::address::Simulator;

/// The client waits for its session meanwhile.
const PATIENCE: Duration = Duration::from_secs(1);

pub(crate) async fn ping(simulator: &Simulator) -> Result<(), Error> {
    let slow = |_| Error::Slow { what: "the answer to /ping", after: PATIENCE };
    timeout(PATIENCE, ask(simulator)).await.map_err(slow)?
}

async fn ask(simulator: &Simulator) -> Result<(), Error> {
    let url = &simulator.ping;
    let request = Request::get(target(url))
        .header(header::HOST, authority(url))
        .header(header::USER_AGENT, concat!("framehub/", env!("CARGO_PKG_VERSION")))
        .body(Empty::<Bytes>::new())
        .map_err(|error| Error::broken(&error))?;
    let (mut sender, _driver) = open(url).await?;
    let answer = sender.send_request(request).await.map_err(|error| Error::broken(&error))?;
    if answer.status().is_success() { Ok(()) } else { Err(refused(answer.status(), false)) }
}
