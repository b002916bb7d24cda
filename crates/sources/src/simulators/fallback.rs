//! A simulator's MJPEG stream, for when its WebSocket brings no pictures, and only for so long.

use std::time::Duration;

use hub::{PublishError, Publisher};
use tokio::{select, time::sleep};

use super::session::{Limits, Session};
use crate::{
    Error, State,
    backoff::{PROVEN, backoff},
    ingest::{Ingest, Watchdog},
    kinds::http,
};

/// A WebSocket that has brought no picture for so long brings none.
const PATIENCE: Duration = Duration::from_secs(3);
/// Between two requests, where the address gives single pictures.
const INTERVAL: Duration = Duration::from_millis(100);

pub(super) struct Fallback<'a> {
    pub(super) session: &'a Session,
    pub(super) publisher: &'a Publisher,
    pub(super) limits: Limits,
    /// The pictures of the WebSocket.
    pub(super) watchdog: Watchdog,
}

impl Fallback<'_> {
    /// Until the stream takes nothing more.
    pub(super) async fn run(&self) -> PublishError {
        let mut backoff = backoff();
        loop {
            self.until_needed().await;
            self.session.mjpeg.count_attempt();
            self.session.mjpeg.set(State::Connecting);
            let mut ingest = Ingest::plain(self.publisher, &self.session.mjpeg, self.limits.pictures);
            let own = ingest.watchdog();
            let error = select! {
                Err(error) = http::run(&self.session.simulator().stream, INTERVAL, &mut ingest) => error,
                silence = own.silence(self.limits.timeout) => Error::Silent(silence),
                () = self.watchdog.next() => {
                    self.session.mjpeg.set(State::Resting);
                    continue;
                }
            };
            if let Error::Stream(lost) = error {
                return lost;
            }
            if ingest.live_for() >= PROVEN {
                backoff.reset();
            }
            let retry_in = backoff.delay();
            tracing::debug!(session = %self.session.id(), ?retry_in, "the simulator's MJPEG stream failed: {error}");
            self.session.mjpeg.set(State::Failed { why: error.to_string(), retry_in });
            sleep(retry_in).await;
        }
    }

    /// Ready when the WebSocket brings no pictures.
    async fn until_needed(&self) {
        let (mut socket, _troubles) = self.session.socket.watch();
        select! {
            _ = self.watchdog.silence(PATIENCE) => {}
            // The sender is the session's.
            Ok(_) = socket.wait_for(|state| matches!(state, State::Failed { .. })) => {}
        }
        if self.session.socket.is_live() {
            self.session.socket.set(State::Open);
        }
    }
}
