//! The two ways of a session's signalling: what the simulator says to every client, and what clients say to the
//! simulator. Whole messages with their cuts, in order, within bounds; nothing is dropped in silence.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, watch},
    time::timeout,
};
use wire::fragments::Message;

use super::{
    notice::Notice,
    ring::{Lagged, Ring, Said},
    session::Session,
};
use crate::State;

/// Largest message of a client: an SDP offer has some ten kilobytes.
pub const MAX_SAID_BYTES: usize = 256 * 1024;
/// Bytes that wait for the simulator, of all clients together.
const WAITING_BYTES: usize = 1 << 20;
const WAITING_MESSAGES: usize = 1024;

/// The end of a WebSocket as one side said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// RFC 6455, section 7.4; `None`: none was said.
    pub code: Option<u16>,
    pub reason: String,
}

impl Close {
    pub(super) fn new(code: u16, reason: &str) -> Self {
        Self { code: Some(code), reason: reason.to_owned() }
    }

    /// Of a close frame's payload.
    pub(super) fn read(payload: &[u8]) -> Self {
        let Some((code, reason)) = payload.split_first_chunk() else {
            return Self { code: None, reason: String::new() };
        };
        Self { code: Some(u16::from_be_bytes(*code)), reason: String::from_utf8_lossy(reason).into_owned() }
    }

    /// Whether it is about the conversation. The other codes say that the simulator went away or broke, which is a loss
    /// to be mended and not a word to the clients.
    pub(super) fn is_an_answer(&self) -> bool {
        matches!(self.code, Some(1000 | 1002 | 1003 | 1007..=1010 | 3000..=4999))
    }
}

/// ` (4001 "robot is busy")`
impl fmt::Display for Close {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, &*self.reason) {
            (None, _) => Ok(()),
            (Some(code), "") => write!(f, " ({code})"),
            (Some(code), reason) => write!(f, " ({code} {reason:?})"),
        }
    }
}

/// A client's message on its way to the simulator, and its share of the room there.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) message: Message,
    _room: OwnedSemaphorePermit,
}

#[derive(Debug)]
pub(super) struct Relay {
    /// Nothing awaits under it.
    ring: Mutex<Ring>,
    said: Notify,
    outgoing: mpsc::Sender<Outgoing>,
    room: Arc<Semaphore>,
    /// A client's message waits so long for room before the client is told that nobody takes it.
    patience: Duration,
    /// How the client that left last ended its conversation.
    last_close: Mutex<Option<Close>>,
}

impl Relay {
    pub(super) fn new(patience: Duration) -> (Self, mpsc::Receiver<Outgoing>) {
        let (outgoing, waiting) = mpsc::channel(WAITING_MESSAGES);
        let relay = Self {
            ring: Mutex::default(),
            said: Notify::new(),
            outgoing,
            room: Arc::new(Semaphore::new(WAITING_BYTES)),
            patience,
            last_close: Mutex::default(),
        };
        (relay, waiting)
    }

    /// To every client.
    pub(super) fn say(&self, message: Message) {
        self.push(Said::Message(Arc::new(message)));
    }

    /// Ends the conversation with every client.
    pub(super) fn close(&self, close: Close) {
        self.push(Said::Close(close));
    }

    fn push(&self, said: Said) {
        self.ring().push(said);
        self.said.notify_waiters();
    }

    pub(super) fn set_last_close(&self, close: Close) {
        *self.last_close() = Some(close);
    }

    /// How the clients ended the conversation, once there are none any more.
    pub(super) fn take_last_close(&self) -> Option<Close> {
        self.last_close().take()
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn last_close(&self) -> MutexGuard<'_, Option<Close>> {
        self.last_close.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a client is to be told.
#[derive(Debug)]
pub enum Word {
    /// How it goes.
    Notice(Notice),
    /// The simulator's own message, to be handed on as it is.
    Said(Arc<Message>),
    /// The simulator ended the conversation.
    Close(Close),
    /// The client has taken so little that something it should have heard is gone.
    Lagged,
}

/// A client of a session. Dropping it is its leaving.
#[derive(Debug)]
pub struct Client {
    session: Arc<Session>,
    /// `None`: hears notices alone.
    number: Option<u64>,
    socket: Watch,
    mjpeg: Watch,
    told: Option<Notice>,
}

type Watch = (watch::Receiver<State>, watch::Receiver<Option<String>>);

impl Client {
    pub(super) fn new(session: Arc<Session>, hears: bool) -> Self {
        let number = hears.then(|| session.relay.ring().enter());
        let (mut socket, mut mjpeg) = (session.socket.watch(), session.mjpeg.watch());
        // How it goes now is news to this client.
        socket.0.mark_changed();
        mjpeg.0.mark_unchanged();
        Self { session, number, socket, mjpeg, told: None }
    }

    /// The next word. Cancel-safe.
    pub async fn next(&mut self) -> Word {
        let session = Arc::clone(&self.session);
        loop {
            let mut said = std::pin::pin!(session.relay.said.notified());
            said.as_mut().enable();
            let taken = self.number.map_or(Ok(None), |number| session.relay.ring().take(number));
            match taken {
                Err(Lagged) => return Word::Lagged,
                Ok(Some(Said::Message(message))) => return Word::Said(message),
                Ok(Some(Said::Close(close))) => return Word::Close(close),
                Ok(None) => {}
            }
            // The senders live as long as the session that this client holds.
            let notice = tokio::select! {
                () = said => continue,
                Ok(()) = self.socket.0.changed() => session.notice(),
                Ok(()) = self.mjpeg.0.changed() => session.notice(),
                Ok(()) = self.socket.1.changed() => Notice::of_trouble(self.socket.1.borrow().as_ref()),
                Ok(()) = self.mjpeg.1.changed() => Notice::of_trouble(self.mjpeg.1.borrow().as_ref()),
            };
            if let Some(notice) = notice
                && self.told.as_ref() != Some(&notice)
            {
                self.told = Some(notice.clone());
                return Word::Notice(notice);
            }
        }
    }

    /// Where this client speaks.
    pub fn speaker(&self) -> Speaker {
        Speaker(Arc::clone(&self.session))
    }

    /// Notes how the client ended the conversation; the last one's word is the simulator's, too.
    pub fn leave(self, close: Close) {
        self.session.relay.set_last_close(close);
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.session.relay.ring().leave(number);
        }
    }
}

/// The way to the simulator.
#[derive(Debug)]
pub struct Speaker(Arc<Session>);

/// Nobody takes what a client says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the simulator takes no messages: try again later")]
pub struct NotTaken;

impl Speaker {
    /// Hands a message to the simulator, or to the next connection to it. Waits while there is no room, for as long as
    /// a simulator may take to answer; a client's later messages wait behind it.
    ///
    /// # Errors
    /// When there is still no room then.
    pub async fn say(&self, message: Message) -> Result<(), NotTaken> {
        let relay = &self.0.relay;
        let bytes = message.bytes().saturating_add(message.fragments().len().saturating_mul(32));
        let share = u32::try_from(bytes.min(WAITING_BYTES)).unwrap_or(u32::MAX);
        let handed = async {
            let room = Arc::clone(&relay.room).acquire_many_owned(share).await.map_err(|_| NotTaken)?;
            relay.outgoing.send(Outgoing { message, _room: room }).await.map_err(|_| NotTaken)
        };
        timeout(relay.patience, handed).await.unwrap_or(Err(NotTaken))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_is_an_answer_or_a_loss() {
        let close = |code| Close { code, reason: String::new() };
        for answer in [1000, 1003, 1008, 1009, 3000, 4001, 4999] {
            assert!(close(Some(answer)).is_an_answer(), "{answer}");
        }
        for loss in [None, Some(1001), Some(1005), Some(1006), Some(1011), Some(1012), Some(1013), Some(2999)]
        {
            assert!(!close(loss).is_an_answer(), "{loss:?}");
        }
    }

    #[test]
    fn a_close_frame_is_read() {
        assert_eq!(Close::read(b""), Close { code: None, reason: String::new() });
        assert_eq!(Close::read(b"\x0f\xa1busy"), Close::new(4001, "busy"));
        assert_eq!(format!("closed{}", Close::new(4001, "busy")), "closed (4001 \"busy\")");
        assert_eq!(format!("closed{}{}", Close::new(1001, ""), Close::read(b"x")), "closed (1001)");
    }
}
