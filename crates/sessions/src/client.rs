//! A client of a session: what it receives, and its way to the simulator.

use std::sync::Arc;

use ingest::pull::State;
use net::ws::Close;
use tokio::sync::watch;
use wire::fragments::Message;

use crate::{
    notice::Notice,
    relay::NotTaken,
    ring::{Lagged, Signal},
    session::Session,
};

/// Largest message of a client: an SDP offer has some ten kilobytes.
pub const MAX_MESSAGE_BYTES: usize = 256 * 1024;

/// Something for a client.
#[derive(Debug)]
pub enum Event {
    /// How the connection to the simulator is.
    Notice(Notice),
    /// The simulator's own message, for the client as it is.
    Message(Arc<Message>),
    /// The simulator closed its WebSocket.
    Close(Close),
    /// The client has read too slowly, and a message for it is lost.
    Lagged,
}

/// A client of a session, until it is dropped.
#[derive(Debug)]
pub struct Client {
    session: Arc<Session>,
    /// Its number in the ring; `None`: it receives notices only.
    number: Option<u64>,
    socket: Watch,
    mjpeg: Watch,
    last_notice: Option<Notice>,
}

type Watch = (watch::Receiver<State>, watch::Receiver<Option<String>>);

impl Client {
    pub(crate) fn new(session: Arc<Session>, hears: bool) -> Self {
        let number = hears.then(|| session.relay.ring.lock().enter());
        let (mut socket, mut mjpeg) = (session.socket.watch(), session.mjpeg.watch());
        // The present state is news to this client.
        socket.0.mark_changed();
        mjpeg.0.mark_unchanged();
        tracing::info!("Client connected to session: {}", session.id);
        Self { session, number, socket, mjpeg, last_notice: None }
    }

    /// What comes next for the client. Cancel-safe.
    pub async fn next(&mut self) -> Event {
        let session = Arc::clone(&self.session);
        loop {
            let mut pushed = std::pin::pin!(session.relay.pushed());
            pushed.as_mut().enable();
            let taken = self.number.map_or(Ok(None), |number| session.relay.ring.lock().take(number));
            match taken {
                Err(Lagged) => return Event::Lagged,
                Ok(Some(Signal::Message(message))) => return Event::Message(message),
                Ok(Some(Signal::Close(close))) => return Event::Close(close),
                Ok(None) => {}
            }
            // The senders live as long as the session that this client holds.
            let notice = tokio::select! {
                () = pushed => continue,
                Ok(()) = self.socket.0.changed() => session.notice(),
                Ok(()) = self.mjpeg.0.changed() => session.notice(),
                Ok(()) = self.socket.1.changed() => Notice::of_trouble(self.socket.1.borrow().as_ref()),
                Ok(()) = self.mjpeg.1.changed() => Notice::of_trouble(self.mjpeg.1.borrow().as_ref()),
            };
            if let Some(notice) = notice
                && self.last_notice.as_ref() != Some(&notice)
            {
                self.last_notice = Some(notice.clone());
                return Event::Notice(notice);
            }
        }
    }

    /// The way to the simulator.
    pub fn uplink(&self) -> Uplink {
        Uplink(Arc::clone(&self.session))
    }

    /// Notes how the client closed its WebSocket: when the last one leaves, the simulator's is closed in the same way.
    pub fn leave(self, close: Close) {
        *self.session.relay.last_close.lock() = Some(close);
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        tracing::info!("Client disconnected from session: {}", self.session.id);
        if let Some(number) = self.number {
            self.session.relay.ring.lock().leave(number);
        }
    }
}

/// Sends a client's messages to the simulator.
#[derive(Debug)]
pub struct Uplink(Arc<Session>);

impl Uplink {
    /// Hands a message to the simulator, or to the next connection to it. Waits while there is no room, for as long as
    /// a simulator may take to answer; a client's later messages wait behind it.
    ///
    /// # Errors
    /// There is still no room then.
    pub async fn send(&self, message: Message) -> Result<(), NotTaken> {
        self.0.relay.send(message).await
    }
}
