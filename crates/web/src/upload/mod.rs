//! Frame upload over the network: the messages on a WebSocket, and the form of earlier clients. What a session is and
//! when it is analysed is the business of `uploads`.

mod form;
mod play;
mod video;
pub(crate) mod websocket;

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use uploads::Uploads;

use crate::disk::Disk;

pub(crate) use play::analyse;

/// Videos that may be on their way in by `POST /analyze`, or be analysed, where there are so many upload sessions.
pub fn max_forms(sessions: usize) -> usize {
    sessions.saturating_mul(2).max(1)
}

/// Memory of one: what waits to be written of it, its fields, and its frames on their way to the analysis.
pub const FORM_BYTES: usize = (2 << 20) + (1 << 20) + 3 * media::container::MAX_FRAME_BYTES as usize;

/// What the ways of uploading share.
#[derive(Debug)]
pub(crate) struct Uploading {
    pub(crate) uploads: Uploads,
    /// For reading what analyses have written.
    pub(crate) disk: Disk,
    pub(crate) body_timeout: Duration,
    /// Places for videos.
    pub(crate) forms: Arc<Semaphore>,
    pub(crate) heartbeat: Duration,
    pub(crate) shutdown: CancellationToken,
}
