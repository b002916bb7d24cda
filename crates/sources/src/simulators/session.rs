//! One session as it runs: its stream, fed from the simulator while somebody watches.

use std::{sync::Arc, time::Duration};

use hub::{Claim, ClaimError, Closed, Hub, PublishError, Publisher, StreamName};
use tokio::{
    pin, select,
    sync::mpsc,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Simulator,
    fallback::Fallback,
    link::Link,
    notice::Notice,
    relay::{Close, Outgoing, Relay},
};
use crate::{
    Report, Settings, State,
    backoff::backoff,
    ingest::{Watchdog, now},
    state::Status,
    supervisor::unwanted,
};

/// How long a link that is not wanted any more may take to say so.
const PARTING: Duration = Duration::from_secs(2);

/// What holds for all sessions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) pictures: Settings,
    /// A simulator that does not answer for so long is gone.
    pub(super) timeout: Duration,
}

/// What the task of a session shares with its clients.
#[derive(Debug)]
pub(super) struct Session {
    id: StreamName,
    simulator: Simulator,
    pub(super) socket: Status,
    pub(super) mjpeg: Status,
    pub(super) relay: Relay,
}

impl Session {
    pub(super) fn new(
        id: StreamName,
        simulator: Simulator,
        limits: Limits,
    ) -> (Arc<Self>, mpsc::Receiver<Outgoing>) {
        let (relay, outgoing) = Relay::new(limits.timeout);
        let (socket, mjpeg) = (Status::new("ws"), Status::new("http"));
        (Arc::new(Self { id, simulator, socket, mjpeg, relay }), outgoing)
    }

    pub(super) fn id(&self) -> &StreamName {
        &self.id
    }

    pub(super) fn simulator(&self) -> &Simulator {
        &self.simulator
    }

    /// Whether the simulator is there: its WebSocket is open, or its MJPEG stream brings pictures.
    pub(super) fn is_connected(&self) -> bool {
        matches!(self.socket.state(), State::Open | State::Live) || self.mjpeg.is_live()
    }

    pub(super) fn report(&self) -> Report {
        self.socket.report().with(self.mjpeg.report(), "simulator")
    }

    /// How it goes, for its clients.
    pub(super) fn notice(&self) -> Option<Notice> {
        Notice::of(&self.socket.state(), &self.mjpeg.state())
    }

    /// What the simulator is told when nobody watches any more: what the last client said.
    pub(super) fn parting_word(&self) -> Close {
        let said = self.relay.take_last_close().filter(|close| close.code.is_some());
        said.unwrap_or_else(|| Close::new(1000, "nobody watches any more"))
    }

    fn rest(&self) {
        self.socket.set(State::Resting);
        self.mjpeg.set(State::Resting);
    }
}

/// The task of a session.
pub(super) struct Task<F> {
    pub(super) hub: Hub,
    pub(super) session: Arc<Session>,
    pub(super) limits: Limits,
    pub(super) outgoing: mpsc::Receiver<Outgoing>,
    /// Told whether somebody watches, whenever that changes.
    pub(super) on_wanted: F,
}

impl<F: Fn(bool)> Task<F> {
    /// Until the session's stream is deleted or the hub shuts down.
    pub(super) async fn run(mut self, mut publisher: Publisher) {
        let mut backoff = backoff();
        loop {
            match self.hold(&publisher).await {
                PublishError::Closed { .. } => return,
                lost => tracing::warn!(session = %self.session.id, "the session lost its stream: {lost}"),
            }
            // Somebody took the stream over; it is taken up again when they have gone.
            publisher = loop {
                sleep(backoff.delay()).await;
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
            // Meant for a connection that there is no more.
            while self.outgoing.try_recv().is_ok() {}
            match lost {
                Ok(()) => {
                    tracing::debug!(session = %self.session.id, "nobody watches: the simulator is left")
                }
                Err(lost) => return lost,
            }
        }
    }

    /// Until nobody watches any more.
    async fn serve(&mut self, publisher: &Publisher) -> Result<(), PublishError> {
        let parting = CancellationToken::new();
        let watchdog = Watchdog::new(Duration::ZERO);
        let (session, limits) = (&*self.session, self.limits);
        let link = Link { session, publisher, limits, watchdog: watchdog.clone(), parting: &parting };
        let fallback = Fallback { session, publisher, limits, watchdog };
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
            self.session.relay.set_last_close(word_of(lost));
        }
        parting.cancel();
        let _parted_or_late = timeout(PARTING, linked).await;
        end
    }
}

/// What the simulator is told when the session loses its stream.
pub(super) fn word_of(lost: &PublishError) -> Close {
    match lost {
        PublishError::Closed { reason: Closed::ShuttingDown, .. } => {
            Close::new(1001, "the hub is shutting down")
        }
        _ => Close::new(1000, "the session has ended"),
    }
}
