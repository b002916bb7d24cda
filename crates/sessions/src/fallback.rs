//! A simulator's MJPEG stream, read only while its WebSocket brings no pictures.

use std::time::Duration;

use hub::{PublishError, Publisher};
use ingest::pull::{Error, Intake, Retry, State, Watchdog, http};
use tokio::{select, time::sleep};

use crate::session::Session;

/// After so long without a picture, the WebSocket counts as one that brings none.
const PATIENCE: Duration = Duration::from_secs(3);
/// Between two requests, where the address gives single pictures.
const INTERVAL: Duration = Duration::from_millis(100);

pub(crate) struct Fallback<'a> {
    pub(crate) session: &'a Session,
    pub(crate) publisher: &'a Publisher,
    /// The pictures of the WebSocket.
    pub(crate) watchdog: Watchdog,
}

impl Fallback<'_> {
    /// Until the stream takes no more frames.
    pub(crate) async fn run(&self) -> PublishError {
        let mut retry = Retry::default();
        loop {
            self.until_needed().await;
            self.session.mjpeg.count_attempt();
            self.session.mjpeg.set(State::Connecting);
            let pictures = self.session.limits.pictures.clone();
            let mut intake = Intake::new(self.publisher, &self.session.mjpeg, pictures);
            let own = intake.watchdog().clone();
            let error = select! {
                Err(error) = http::run(&self.session.simulator.stream, INTERVAL, &mut intake) => error,
                silence = own.silence(self.session.limits.timeout) => Error::Silent(silence),
                () = self.watchdog.next() => {
                    self.session.mjpeg.set(State::Resting);
                    continue;
                }
            };
            if let Error::Stream(lost) = error {
                return lost;
            }
            let retry_in = retry.after(intake.live_for());
            tracing::debug!(session = %self.session.id, ?retry_in, "the simulator's MJPEG stream failed: {error}");
            self.session.mjpeg.set(State::Failed { why: error.to_string(), retry_in });
            sleep(retry_in).await;
        }
    }

    /// Ready when the WebSocket brings no pictures.
    async fn until_needed(&self) {
        let (mut socket, _trouble) = self.session.socket.watch();
        select! {
            _ = self.watchdog.silence(PATIENCE) => {}
            // The sender lives in the session.
            Ok(_) = socket.wait_for(|state| matches!(state, State::Failed { .. })) => {}
        }
        if self.session.socket.is_live() {
            self.session.socket.set(State::Open);
        }
    }
}
