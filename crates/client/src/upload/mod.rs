//! A frame upload with its analysis (docs/ref/compatibility.md, frame upload): every frame is acknowledged, and the result
//! is waited for.
//!
//! Frames are pipelined: up to some dozens are under way at once, and kept until the hub has them. When the connection is
//! lost, the session is resumed on a new one, and what the hub has not received is sent again; the caller sees only an
//! [`Event`].
//!
//! ```no_run
//! # async fn example(jpegs: Vec<bytes::Bytes>, log: bytes::Bytes) -> Result<(), client::Error> {
//! use client::{Endpoint, upload::{Encoding, Frame, SessionStart, Upload}};
//!
//! let hub = Endpoint::parse("http://localhost:5000")?;
//! let start = SessionStart { session_id: "phrase_1".into(), fps: Some(30.0), ..SessionStart::default() };
//! let mut upload = Upload::begin(&hub, start, |event| eprintln!("{event:?}")).await?;
//! for (number, bytes) in (0..).zip(jpegs) {
//!     let timestamp = number as f64 / 30.0;
//!     upload.frame(Frame { number, timestamp, encoding: Encoding::Jpeg, quality: None, bytes }).await?;
//! }
//! upload.end().await?;
//! upload.signal("phrase.txt", log).await?;
//! println!("{:?}", upload.result().await?);
//! # Ok(())
//! # }
//! ```

mod link;
mod window;

use crate::connect::ANSWER_TIMEOUT;
use crate::reconnect::usual_backoff;
use crate::{Endpoint, Error};
use bytes::Bytes;
use link::Link;
use serde_json::{Map, Value};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use window::Window;
use wire::upload::{
    AckStatus, ClientMessage, ErrorCode, FrameHead, ServerMessage, SessionAbort, SessionEnd, SignalHead,
};

pub use wire::upload::{Encoding, SessionStart, Validation};

/// A hub that has been silent for so long is asked whether it is still there.
const ASK_AFTER: Duration = Duration::from_secs(15);
/// After so many questions without an answer it counts as gone.
const UNANSWERED: u32 = 4;
/// Hubs keep a session without a connection for 300 s, unless they are set otherwise.
const PATIENCE: Duration = Duration::from_secs(300);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

const PATH: &str = "/stream";

/// One frame of a session.
#[derive(Clone, Debug)]
pub struct Frame {
    /// From 0, without holes.
    pub number: u64,
    /// Unix seconds, when it was taken.
    pub timestamp: f64,
    pub encoding: Encoding,
    /// Of a JPEG that was encoded for this; informative.
    pub quality: Option<u8>,
    pub bytes: Bytes,
}

/// What happens meanwhile.
#[derive(Debug)]
pub enum Event {
    /// The hub has the frame.
    Acknowledged { number: u64 },
    /// The hub refuses this frame for good, and says why.
    Refused { number: u64, message: String },
    /// The connection is lost, or an attempt to reopen it failed; the next is made after `retry_in`.
    Lost { error: Error, retry_in: Duration },
    /// There is a connection again, and the hub wants frames from `next_frame` on.
    Resumed { next_frame: u64 },
    /// A stage of the analysis, `progress` from 0 to 1.
    Progress { stage: String, progress: f64, message: String },
}

/// How far the session is.
#[derive(Clone, Debug)]
enum Phase {
    Sending,
    /// All frames were handed over; `session_end` was sent.
    Ending {
        total: u64,
    },
    Ended(Validation),
    /// The signal was sent.
    Signalled {
        filename: String,
        bytes: Bytes,
    },
    Done(Map<String, Value>),
}

/// A session under way. All waits can be given up; what is left to do then is [`Upload::abort`].
pub struct Upload {
    endpoint: Endpoint,
    start: SessionStart,
    link: Link,
    window: Window,
    /// Frames that were handed over.
    sent: u64,
    /// Frames that the hub has said it has.
    acknowledged: u64,
    phase: Phase,
    /// The hub's message about a frame that it refuses, until the acknowledgement of that frame comes.
    complaint: Option<String>,
    /// Times that the hub was asked whether it is still there, since its last message.
    unanswered: u32,
    /// When the connection was lost; until the hub's next message.
    away_since: Option<Instant>,
    backoff: net::Backoff,
    notify: Box<dyn FnMut(Event) + Send>,
}

impl std::fmt::Debug for Upload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Upload { start, phase, acknowledged, .. } = self;
        write!(f, "Upload({}, {phase:?}, {acknowledged} frames acknowledged)", start.session_id)
    }
}

impl Upload {
    /// Opens the connection and the session. `notify` is called from within the other methods.
    ///
    /// # Errors
    /// Those of a connection; [`Error::Session`] where the hub does not want the session.
    pub async fn begin(
        endpoint: &Endpoint,
        start: SessionStart,
        notify: impl FnMut(Event) + Send + 'static,
    ) -> Result<Upload, Error> {
        let (link, _) = open(endpoint, &start).await?;
        Ok(Upload {
            endpoint: endpoint.clone(),
            start,
            link,
            window: Window::default(),
            sent: 0,
            acknowledged: 0,
            phase: Phase::Sending,
            complaint: None,
            unanswered: 0,
            away_since: None,
            backoff: usual_backoff(),
            notify: Box::new(notify),
        })
    }

    /// Hands a frame over. Waits while too many are under way.
    ///
    /// # Errors
    /// The session has ended, or the hub stays away.
    pub async fn frame(&mut self, frame: Frame) -> Result<(), Error> {
        while !self.window.has_room_for(frame.bytes.len()) {
            self.hear().await?;
        }
        while let Some(text) = self.link.try_text() {
            self.take(&text)?;
        }
        let (head, bytes) = (self.head(&frame), frame.bytes.clone());
        self.window.push(frame);
        self.sent += 1;
        self.say(head, Some(bytes)).await
    }

    /// Waits until the hub has all frames, and ends the session's frames.
    ///
    /// # Errors
    /// The session has ended, or the hub stays away.
    pub async fn end(&mut self) -> Result<Validation, Error> {
        while !self.window.is_empty() {
            self.hear().await?;
        }
        let total = self.sent;
        self.phase = Phase::Ending { total };
        self.say(self.end_message(total), None).await?;
        loop {
            match &self.phase {
                Phase::Ending { .. } => self.hear().await?,
                Phase::Ended(validation) => return Ok(validation.clone()),
                // The hub was further than its messages had said.
                _ => return Ok(Validation::default()),
            }
        }
    }

    /// Sends the signal log, with which the analysis can be finished.
    ///
    /// # Errors
    /// The session has ended, or the hub stays away.
    pub async fn signal(&mut self, filename: &str, bytes: Bytes) -> Result<(), Error> {
        self.phase = Phase::Signalled { filename: filename.to_owned(), bytes: bytes.clone() };
        self.say(self.signal_message(filename, bytes.len()), Some(bytes)).await
    }

    /// Waits for the result; the session is over with it.
    ///
    /// # Errors
    /// The analysis failed, or the hub stays away.
    pub async fn result(&mut self) -> Result<Map<String, Value>, Error> {
        loop {
            if let Phase::Done(result) = &self.phase {
                return Ok(result.clone());
            }
            self.hear().await?;
        }
    }

    /// Closes in order, so that the hub knows that we meant to go.
    pub async fn close(self) {
        self.link.close(CLOSE_TIMEOUT).await;
    }

    /// Asks the hub to forget the session, if it can be reached.
    pub async fn abort(self) {
        let abort = SessionAbort { session_id: Some(self.start.session_id.clone()) };
        let abort = ClientMessage::SessionAbort(abort);
        if timeout(CLOSE_TIMEOUT, self.link.say(&abort, None)).await == Ok(true) {
            self.link.close(CLOSE_TIMEOUT).await;
        }
    }

    /// Frames that the hub has taken.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    async fn say(&mut self, message: ClientMessage, bytes: Option<Bytes>) -> Result<(), Error> {
        if self.link.say(&message, bytes).await {
            return Ok(());
        }
        let lost = self.link.end().await;
        self.resume(lost).await
    }

    /// Handles the hub's next message, and resumes after a loss.
    async fn hear(&mut self) -> Result<(), Error> {
        match timeout(ASK_AFTER, self.link.text()).await {
            Ok(Some(text)) => self.take(&text),
            Ok(None) => {
                let lost = self.link.end().await;
                self.resume(lost).await
            }
            Err(_) if self.unanswered >= UNANSWERED => {
                let (url, after) = (self.link.url().to_owned(), ASK_AFTER * UNANSWERED);
                self.resume(Error::Timeout { url, what: "the hub's next message", after }).await
            }
            Err(_) => {
                self.unanswered += 1;
                // If it cannot be sent, the silence goes on.
                let _ = timeout(ASK_AFTER, self.link.say(&ClientMessage::Ping, None)).await;
                Ok(())
            }
        }
    }

    fn take(&mut self, text: &str) -> Result<(), Error> {
        let message = ServerMessage::parse(text).map_err(|error| self.bad_reply(&error))?;
        self.unanswered = 0;
        self.away_since = None;
        self.backoff.reset();
        match message {
            ServerMessage::FrameAck { frame_number, status, .. } => self.take_ack(frame_number, status),
            ServerMessage::SessionEnded { validation, .. } => self.phase = Phase::Ended(validation),
            ServerMessage::ProcessProgress { stage, progress, message, .. } => {
                (self.notify)(Event::Progress { stage, progress, message });
            }
            ServerMessage::ProcessComplete { result, .. } => self.phase = Phase::Done(result),
            ServerMessage::Error { error_message, recoverable: true, .. } => {
                self.complaint = Some(error_message);
            }
            ServerMessage::Error { error_code, error_message, .. } => {
                return Err(self.refused(error_code, error_message));
            }
            ServerMessage::SignalAck { status: AckStatus::Error, .. } => {
                let message = self.complaint.take().unwrap_or_else(|| "the signal was not taken".to_owned());
                return Err(self.refused(ErrorCode::ProtocolError, message));
            }
            ServerMessage::SessionStarted { .. }
            | ServerMessage::SignalAck { .. }
            | ServerMessage::ProcessStart { .. }
            | ServerMessage::Pong => {}
        }
        Ok(())
    }

    fn take_ack(&mut self, number: u64, status: AckStatus) {
        let complaint = self.complaint.take();
        if !self.window.acknowledge(number) {
            return;
        }
        match status {
            AckStatus::Received | AckStatus::Duplicate => {
                self.acknowledged += 1;
                (self.notify)(Event::Acknowledged { number });
            }
            AckStatus::Error => {
                let message = complaint.unwrap_or_else(|| format!("frame {number}: the hub gave no reason"));
                (self.notify)(Event::Refused { number, message });
            }
        }
    }

    /// Resumes the session on a new connection.
    async fn resume(&mut self, lost: Error) -> Result<(), Error> {
        let mut error = lost;
        let since = *self.away_since.get_or_insert_with(Instant::now);
        self.unanswered = 0;
        loop {
            if !error.is_transient() || since.elapsed() >= PATIENCE {
                return Err(error);
            }
            let retry_in = self.backoff.delay();
            (self.notify)(Event::Lost { error, retry_in });
            sleep(retry_in).await;
            let start = SessionStart { resume: true, ..self.start.clone() };
            match open(&self.endpoint, &start).await {
                Ok((link, standing)) => {
                    self.link = link;
                    match self.catch_up(standing).await {
                        Ok(()) => return Ok(()),
                        Err(again) => error = again,
                    }
                }
                Err(again) => error = again,
            }
        }
    }

    /// Brings a hub that is back to where we are.
    async fn catch_up(&mut self, standing: Standing) -> Result<(), Error> {
        if !standing.resumed && (self.acknowledged > 0 || !matches!(self.phase, Phase::Sending)) {
            let message =
                "the hub has lost the session, as it does after a restart, or when the client did not return in \
                           time (REFEREE_STREAMING_SESSION_TIMEOUT); upload it again"
                    .to_owned();
            return Err(self.refused(ErrorCode::NoActiveSession, message));
        }
        (self.notify)(Event::Resumed { next_frame: standing.next_frame });
        let next = if standing.is_receiving { standing.next_frame } else { u64::MAX };
        self.acknowledged += self.window.acknowledge_before(next);
        let frames: Vec<_> = self.window.frames().map(|it| (self.head(it), Some(it.bytes.clone()))).collect();
        for (head, bytes) in frames {
            self.say_again(head, bytes).await?;
        }
        match self.phase.clone() {
            Phase::Ending { total } if standing.is_receiving => {
                self.say_again(self.end_message(total), None).await
            }
            // Its validation was lost with the connection.
            Phase::Ending { total } => {
                self.phase =
                    Phase::Ended(Validation { valid: true, frame_count: total, ..Validation::default() });
                Ok(())
            }
            Phase::Signalled { filename, bytes } if !standing.is_processing => {
                let message = self.signal_message(&filename, bytes.len());
                self.say_again(message, Some(bytes)).await
            }
            _ => Ok(()),
        }
    }

    /// As [`Self::say`], within a resumption.
    async fn say_again(&mut self, message: ClientMessage, bytes: Option<Bytes>) -> Result<(), Error> {
        if self.link.say(&message, bytes).await { Ok(()) } else { Err(self.link.end().await) }
    }

    fn id(&self) -> Option<String> {
        Some(self.start.session_id.clone())
    }

    fn head(&self, frame: &Frame) -> ClientMessage {
        ClientMessage::Frame(FrameHead {
            session_id: self.id(),
            frame_number: frame.number,
            timestamp: Some(frame.timestamp),
            encoding: Some(frame.encoding.to_string()),
            quality: frame.quality.map(u64::from),
            size: Some(frame.bytes.len() as u64),
        })
    }

    fn end_message(&self, total: u64) -> ClientMessage {
        ClientMessage::SessionEnd(SessionEnd { session_id: self.id(), total_frames: Some(total) })
    }

    fn signal_message(&self, filename: &str, bytes: usize) -> ClientMessage {
        let (filename, size) = (Some(filename.to_owned()), Some(bytes as u64));
        ClientMessage::Signal(SignalHead { session_id: self.id(), filename, size })
    }

    fn refused(&self, code: ErrorCode, message: String) -> Error {
        refused(self.link.url(), &self.start.session_id, code, message)
    }

    fn bad_reply(&self, error: &wire::upload::Error) -> Error {
        Error::BadReply { url: self.link.url().to_owned(), reason: error.to_string() }
    }
}

/// The state of a session as the hub reports it.
#[derive(Debug)]
struct Standing {
    /// The session existed before.
    resumed: bool,
    next_frame: u64,
    is_receiving: bool,
    is_processing: bool,
}

/// A connection on which the session has been started or resumed.
async fn open(endpoint: &Endpoint, start: &SessionStart) -> Result<(Link, Standing), Error> {
    let mut link = Link::open(endpoint, PATH).await?;
    let url = link.url().to_owned();
    let talk = async {
        if !link.say(&ClientMessage::SessionStart(start.clone()), None).await {
            return Err(link.end().await);
        }
        loop {
            let Some(text) = link.text().await else { return Err(link.end().await) };
            let bad = |error: wire::upload::Error| {
                let reason = format!("{error}; does it take frame uploads?");
                Error::BadReply { url: url.clone(), reason }
            };
            match ServerMessage::parse(&text).map_err(bad)? {
                ServerMessage::SessionStarted { resumed, next_frame, state, .. } => {
                    let state = state.as_deref().unwrap_or("receiving_frames");
                    return Ok(Standing {
                        resumed: resumed.unwrap_or(false),
                        next_frame: next_frame.unwrap_or(0),
                        is_receiving: state == "receiving_frames",
                        is_processing: state == "processing",
                    });
                }
                ServerMessage::Error { error_code, error_message, .. } => {
                    return Err(refused(&url, &start.session_id, error_code, error_message));
                }
                _ => {}
            }
        }
    };
    let late = |_| Error::Timeout { url: url.clone(), what: "the session's start", after: ANSWER_TIMEOUT };
    let standing = timeout(ANSWER_TIMEOUT, talk).await.map_err(late)??;
    Ok((link, standing))
}

fn refused(url: &str, session_id: &str, code: ErrorCode, message: String) -> Error {
    Error::Session {
        url: url.to_owned(),
        session_id: session_id.to_owned(),
        hub_code: code.as_str(),
        message,
    }
}
