//! A session, as its task and its clients share it.

use std::{sync::Arc, time::Duration};

use hub::StreamName;
use ingest::{
    Admission,
    pull::{Report, State, Status},
};
use net::ws::{Close, close};
use tokio::sync::mpsc;

use crate::{
    address::Simulator,
    notice::Notice,
    relay::{Outgoing, Relay},
};

/// What holds for all sessions.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub(crate) pictures: Admission,
    /// A simulator that does not answer for so long is gone.
    pub(crate) timeout: Duration,
}

#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: StreamName,
    pub(crate) simulator: Simulator,
    pub(crate) limits: Limits,
    pub(crate) socket: Status,
    pub(crate) mjpeg: Status,
    pub(crate) relay: Relay,
}

impl Session {
    pub(crate) fn new(
        id: StreamName,
        simulator: Simulator,
        limits: Limits,
    ) -> (Arc<Self>, mpsc::Receiver<Outgoing>) {
        let (relay, outgoing) = Relay::new(limits.timeout);
        let (socket, mjpeg) = (Status::new("ws"), Status::new("http"));
        (Arc::new(Self { id, simulator, limits, socket, mjpeg, relay }), outgoing)
    }

    /// Whether the simulator is there: its WebSocket is open, or its MJPEG stream brings pictures.
    pub(crate) fn is_connected(&self) -> bool {
        matches!(self.socket.state(), State::Open | State::Live) || self.mjpeg.is_live()
    }

    pub(crate) fn report(&self) -> Report {
        self.socket.report().with(self.mjpeg.report(), "simulator")
    }

    /// The connection to the simulator, for the clients.
    pub(crate) fn notice(&self) -> Option<Notice> {
        Notice::of(&self.socket.state(), &self.mjpeg.state())
    }

    /// The close frame for the simulator when the session has no viewers: that of the last client.
    pub(crate) fn last_close(&self) -> Close {
        let said = self.relay.last_close.lock().take().filter(|close| close.code.is_some());
        said.unwrap_or_else(|| Close::new(close::NORMAL, "nobody watches any more"))
    }

    pub(crate) fn rest(&self) {
        self.socket.set(State::Resting);
        self.mjpeg.set(State::Resting);
    }
}
