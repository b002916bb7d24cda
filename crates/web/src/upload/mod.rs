//! Frame upload over the network: the messages on a WebSocket, and the form of earlier clients. What a session is and
//! when it is analysed is the business of `uploads`.

mod form;
mod play;
mod video;
pub(crate) mod websocket;

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use uploads::Uploads;

use crate::disk::Disk;

pub(crate) use play::analyse;

/// What the ways of uploading share.
#[derive(Debug)]
pub(crate) struct Uploading {
    pub(crate) uploads: Uploads,
    /// For reading what analyses have written.
    pub(crate) disk: Disk,
    pub(crate) body_timeout: Duration,
    pub(crate) heartbeat: Duration,
    pub(crate) shutdown: CancellationToken,
}
