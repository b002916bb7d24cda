//! The task that runs a session: its stream, fed by the simulator while it has viewers.

use std::{sync::Arc, time::Duration};

use hub::{Claim, ClaimError, Hub, PublishError, Publisher};
use ingest::{
    now,
    pull::{Retry, Watchdog, unwanted},
};
use tokio::{
    pin, select,
    sync::mpsc,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{close::of_lost_stream, fallback::Fallback, link::Link, relay::Outgoing, session::Session};

/// How long the simulator's WebSocket may take to close.
const PARTING: Duration = Duration::from_secs(2);

pub(crate) struct Task<F> {
    pub(crate) hub: Hub,
    pub(crate) session: Arc<Session>,
    pub(crate) outgoing: mpsc::Receiver<Outgoing>,
    /// Called with whether there are viewers, whenever that changes.
    pub(crate) on_wanted: F,
}

impl<F: Fn(bool)> Task<F> {
    /// Until the session's stream is deleted or the hub shuts down.
    pub(crate) async fn run(mut self, mut publisher: Publisher) {
        let mut retry = Retry::default();
        loop {
            match self.hold(&publisher).await {
                PublishError::Closed { .. } => return,
                lost => tracing::warn!(session = %self.session.id, "the session lost its stream: {lost}"),
            }
            // Another publisher took the stream over; it is claimed again when that one has gone.
            publisher = loop {
                sleep(retry.after(Duration::ZERO)).await;
                if self.hub.stream(&self.session.id).is_none() {
                    return;
                }
                match self.hub.publisher(&self.session.id, Claim::Source, now()) {
                    Ok(publisher) => break publisher,
                    Err(ClaimError::Claimed { .. }) => {}
                    Err(_) => return,
                }
            };
        }
    }

    /// For as long as the stream is this session's.
    async fn hold(&mut self, publisher: &Publisher) -> PublishError {
        loop {
            self.session.rest();
            if let Err(lost) = publisher.wanted().await {
                return lost;
            }
            (self.on_wanted)(true);
            let lost = self.serve(publisher).await;
            (self.on_wanted)(false);
            // They were meant for the connection that has ended.
            while self.outgoing.try_recv().is_ok() {}
            match lost {
                Ok(()) => {
                    tracing::info!(
                        "Disconnected from the simulator, nobody watches session: {}",
                        self.session.id
                    )
                }
                Err(lost) => return lost,
            }
        }
    }

    /// Until the last viewer has left.
    async fn serve(&mut self, publisher: &Publisher) -> Result<(), PublishError> {
        let parting = CancellationToken::new();
        let watchdog = Watchdog::new(Duration::ZERO);
        let session = &*self.session;
        let link = Link { session, publisher, watchdog: watchdog.clone(), parting: &parting };
        let fallback = Fallback { session, publisher, watchdog };
        let linked = async {
            select! {
                end = link.run(&mut self.outgoing) => end,
                lost = fallback.run() => Err(lost),
            }
        };
        pin!(linked);
        let end = select! {
            end = &mut linked => return end,
            end = unwanted(publisher) => end,
        };
        if let Err(lost) = &end {
            *self.session.relay.last_close.lock() = Some(of_lost_stream(lost));
        }
        parting.cancel();
        let _parted_or_late = timeout(PARTING, linked).await;
        end
    }
}
