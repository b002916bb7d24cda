//! Signalling between a simulator and the clients of its session: whole messages with their fragments, in order, within
//! bounds. A message that cannot be delivered is reported, never dropped silently (SE3).

use std::{sync::Arc, time::Duration};

use net::{Lock, ws::Close};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, futures::Notified, mpsc},
    time::timeout,
};
use wire::fragments::Message;

use crate::ring::{Ring, Signal};

/// Bytes of all clients that may wait for the simulator.
const WAITING_BYTES: usize = 1 << 20;
const WAITING_MESSAGES: usize = 1024;

/// A client's message on its way to the simulator, and its share of the room there.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) message: Message,
    _room: OwnedSemaphorePermit,
}

#[derive(Debug)]
pub(crate) struct Relay {
    /// Never held across an await.
    pub(crate) ring: Lock<Ring>,
    pushed: Notify,
    outgoing: mpsc::Sender<Outgoing>,
    room: Arc<Semaphore>,
    /// How long a client's message waits for room before it is refused.
    patience: Duration,
    /// How the client that left last closed its WebSocket.
    pub(crate) last_close: Lock<Option<Close>>,
}

impl Relay {
    pub(crate) fn new(patience: Duration) -> (Self, mpsc::Receiver<Outgoing>) {
        let (outgoing, waiting) = mpsc::channel(WAITING_MESSAGES);
        let relay = Self {
            ring: Lock::default(),
            pushed: Notify::new(),
            outgoing,
            room: Arc::new(Semaphore::new(WAITING_BYTES)),
            patience,
            last_close: Lock::default(),
        };
        (relay, waiting)
    }

    /// To every client.
    pub(crate) fn broadcast(&self, message: Message) {
        self.push(Signal::Message(Arc::new(message)));
    }

    /// Closes the WebSocket of every client.
    pub(crate) fn close(&self, close: Close) {
        self.push(Signal::Close(close));
    }

    fn push(&self, signal: Signal) {
        self.ring.lock().push(signal);
        self.pushed.notify_waiters();
    }

    /// Ready when something is pushed after this call.
    pub(crate) fn pushed(&self) -> Notified<'_> {
        self.pushed.notified()
    }

    /// Hands a client's message to the simulator, or to the next connection to it. Waits for room as long as a simulator
    /// may take to answer; a client's later messages wait behind it.
    ///
    /// # Errors
    /// There is still no room then.
    pub(crate) async fn send(&self, message: Message) -> Result<(), NotTaken> {
        let bytes = message.bytes().saturating_add(message.fragments().len().saturating_mul(32));
        let share = u32::try_from(bytes.min(WAITING_BYTES)).unwrap_or(u32::MAX);
        let handed = async {
            let room = Arc::clone(&self.room).acquire_many_owned(share).await.map_err(|_| NotTaken)?;
            self.outgoing.send(Outgoing { message, _room: room }).await.map_err(|_| NotTaken)
        };
        timeout(self.patience, handed).await.unwrap_or(Err(NotTaken))
    }
}

/// The simulator takes no messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the simulator takes no messages: try again later")]
pub struct NotTaken;
