//! One client: its messages go to its session, the answers go to its mailbox.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use hub::StreamName;
use tokio::time::Instant;
use wire::upload::{AckStatus, ErrorCode, FrameHead, ServerMessage, SessionEnd, SessionStart, SignalHead};

use crate::{
    error::Error,
    mailbox::Mailbox,
    protocol::{ProtocolState, Request},
    registry::{Place, Uploads},
    session::{Session, Taken, error_message},
};

/// Dropping it leaves the session to a client that resumes.
pub struct Connection {
    uploads: Uploads,
    may_publish: Box<dyn Fn(&StreamName) -> bool + Send + Sync>,
    mailbox: Arc<Mailbox>,
    protocol: ProtocolState,
    session: Option<Arc<Session>>,
    /// For its first session.
    place: Option<Place>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("session", &self.session).finish_non_exhaustive()
    }
}

impl Uploads {
    /// A client that may send frames of the streams that `may_publish` names.
    pub fn connect(&self, may_publish: impl Fn(&StreamName) -> bool + Send + Sync + 'static) -> Connection {
        let (uploads, may_publish) = (self.clone(), Box::new(may_publish));
        let mailbox = Arc::new(Mailbox::default());
        if uploads.settings().max_sessions == 0 {
            mailbox.say(error_message(None, &Error::Disabled));
            mailbox.part(Error::Disabled.to_string());
        }
        let protocol = ProtocolState::default();
        Connection { uploads, may_publish, mailbox, protocol, session: None, place: None }
    }
}

impl Connection {
    /// Its first session has a place already.
    pub fn with_place(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// The messages to the client.
    pub fn mailbox(&self) -> Arc<Mailbox> {
        Arc::clone(&self.mailbox)
    }

    /// Whether it has a session, which then has a time limit of its own.
    pub fn has_session(&self) -> bool {
        self.session.as_ref().is_some_and(|session| !session.stop.is_stopped())
    }

    /// A text message came.
    pub async fn text(&mut self, text: &str) {
        for request in self.protocol.text(text) {
            self.answer(request).await;
        }
    }

    /// A binary message came. Waits while the disk is behind.
    pub async fn payload(&mut self, bytes: Bytes) {
        if let Some(request) = self.protocol.payload(bytes) {
            self.answer(request).await;
        }
    }

    async fn answer(&mut self, request: Request) {
        let done = match request {
            Request::Start(start) => self.start(&start),
            Request::Frame(head, bytes) => self.frame(&head, bytes).await,
            Request::End(end) => self.end(&end),
            Request::Signal(head, bytes) => self.signal(&head, bytes),
            Request::Abort(id) => self.abort(id.as_deref()),
            Request::Ping => self.ping(),
            Request::Wrong { code, message } => {
                self.wrong(code, message);
                Ok(())
            }
        };
        if let Err(error) = done {
            let id = self.session.as_ref().map(|session| session.id.as_str());
            self.mailbox.say(error_message(id, &error));
        }
    }

    /// Begins a session or takes one up again.
    ///
    /// # Errors
    /// Why there is none.
    pub fn start(&mut self, start: &SessionStart) -> Result<(), Error> {
        if let Some(session) = self.session.take_if(|session| !session.stop.is_stopped()) {
            let id = session.id.clone();
            let is_again = start.resume && id == start.session_id;
            self.session = Some(session);
            if !is_again {
                return Err(Error::HasSession { id });
            }
        }
        self.session =
            Some(self.uploads.start(start, &*self.may_publish, &self.mailbox, self.place.take())?);
        Ok(())
    }

    /// Takes a frame, and acknowledges it also where it is not kept.
    ///
    /// # Errors
    /// Why it is not kept.
    pub async fn frame(&mut self, head: &FrameHead, bytes: Bytes) -> Result<(), Error> {
        let session = self.session(head.session_id.as_deref())?;
        let taken = session.frame(head, bytes).await;
        let status = match &taken {
            Ok(Taken::Duplicate) => AckStatus::Duplicate,
            Ok(Taken::Next) => AckStatus::Received,
            Ok(Taken::First) => {
                self.uploads.analyse(&session);
                AckStatus::Received
            }
            Err(error) => {
                self.mailbox.say(error_message(Some(&session.id), error));
                AckStatus::Error
            }
        };
        let frame_number = head.frame_number;
        self.mailbox.say(ServerMessage::FrameAck { session_id: session.id.clone(), frame_number, status });
        Ok(())
    }

    /// All frames are sent.
    ///
    /// # Errors
    /// It is too early or too late for that.
    pub fn end(&mut self, end: &SessionEnd) -> Result<(), Error> {
        let session = self.session(end.session_id.as_deref())?;
        self.mailbox.say(session.end(end)?);
        session.process(Instant::now());
        Ok(())
    }

    /// Takes the signal log.
    ///
    /// # Errors
    /// Why it is not taken.
    pub fn signal(&mut self, head: &SignalHead, bytes: Bytes) -> Result<(), Error> {
        let session = self.session(head.session_id.as_deref())?;
        session.signal(head, bytes)?;
        let session_id = session.id.clone();
        self.mailbox.say(ServerMessage::SignalAck { session_id, status: AckStatus::Received });
        session.process(Instant::now());
        Ok(())
    }

    /// Ends its session, if there is one: the client will not come for the result.
    pub fn abandon(&mut self) {
        let _there_was_none = self.abort(None);
    }

    fn abort(&mut self, id: Option<&str>) -> Result<(), Error> {
        let session = self.session(id)?;
        self.uploads.abort(&session);
        self.session = None;
        Ok(())
    }

    fn ping(&self) -> Result<(), Error> {
        if let Some(session) = &self.session {
            // A client that has lost its session learns that from what it asks of it, not from a ping.
            let _not_its_own = session.touch(&self.mailbox, Instant::now());
        }
        self.mailbox.say(ServerMessage::Pong);
        Ok(())
    }

    fn wrong(&self, error_code: ErrorCode, error_message: String) {
        let session_id = self.session.as_ref().map(|session| session.id.clone());
        let recoverable = error_code.is_recoverable();
        self.mailbox.say(ServerMessage::Error { session_id, error_code, error_message, recoverable });
    }

    /// Its session, if it is the one that the message names.
    fn session(&self, named: Option<&str>) -> Result<Arc<Session>, Error> {
        let session = self.session.as_ref().filter(|session| !session.stop.is_stopped());
        let session = session.ok_or(Error::NoSession)?;
        if let Some(named) = named.filter(|&named| named != session.id) {
            return Err(Error::OtherSession { shown: named.chars().take(80).collect() });
        }
        session.touch(&self.mailbox, Instant::now())?;
        Ok(Arc::clone(session))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(session) = &self.session {
            session.detach(&self.mailbox, Instant::now());
        }
    }
}
