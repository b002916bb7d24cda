//! The WebSocket to a simulator: pictures into the stream, everything else to the clients, their messages to the
//! simulator. It is kept open for as long as it is wanted, and opened anew when it breaks.
//!
//! Pings are each hop's own: the simulator's are answered here, and ours find out whether it still lives.

use std::{convert::Infallible, future::ready, time::SystemTime};

use fastwebsockets::{Frame, OpCode, Payload, WebSocketError, WebSocketRead, WebSocketWrite};
use hub::{PublishError, Publisher};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{ReadHalf, WriteHalf},
    pin, select,
    sync::mpsc,
    time::{Duration, Instant, MissedTickBehavior, interval_at, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use wire::{
    fragments::{self, Assembler, Message, Part},
    view::Incoming,
};

use super::{
    relay::{Close, Outgoing},
    session::{Limits, Session, word_of},
};
use crate::{
    Error, State,
    backoff::{PROVEN, backoff},
    ingest::{Ingest, Watchdog, taken},
    kinds::websocket::{connect, max_message_bytes},
};

type Io = TokioIo<Upgraded>;

/// Pongs and closes that wait to be sent; a simulator that outpaces this gets fewer pongs.
const OBLIGATIONS: usize = 8;
/// How long a connection that is being ended may take for its last words.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A session's link, while somebody watches.
pub(super) struct Link<'a> {
    pub(super) session: &'a Session,
    pub(super) publisher: &'a Publisher,
    pub(super) limits: Limits,
    /// Noted at each picture.
    pub(super) watchdog: Watchdog,
    /// The link is not wanted any more.
    pub(super) parting: &'a CancellationToken,
}

impl Link<'_> {
    /// Until nobody wants it any more, or the stream takes nothing more.
    pub(super) async fn run(&self, outgoing: &mut mpsc::Receiver<Outgoing>) -> Result<(), PublishError> {
        let mut backoff = backoff();
        loop {
            self.session.socket.count_attempt();
            self.session.socket.set(State::Connecting);
            let opened = Instant::now();
            let error = match self.attempt(outgoing).await {
                Ok(()) => return Ok(()),
                Err(Error::Stream(lost)) => return Err(lost),
                Err(error) => error,
            };
            if opened.elapsed() >= PROVEN {
                backoff.reset();
            }
            if let Error::Closed(close) = &error
                && close.is_an_answer()
            {
                self.session.relay.close(close.clone());
            }
            let retry_in = backoff.delay();
            self.tell_failed(&error, retry_in);
            select! {
                () = sleep(retry_in) => {}
                () = self.parting.cancelled() => return Ok(()),
            }
        }
    }

    fn tell_failed(&self, error: &Error, retry_in: Duration) {
        let session = self.session.id();
        let before = self.session.socket.set(State::Failed { why: error.to_string(), retry_in });
        // Told once; while it stays away there is nothing new to say.
        if before == State::Connecting && self.session.socket.report().attempts > 1 {
            tracing::debug!(%session, ?retry_in, "the simulator's WebSocket failed again: {error}");
        } else {
            tracing::warn!(%session, ?retry_in, "the simulator's WebSocket failed: {error}");
        }
    }

    async fn attempt(&self, outgoing: &mut mpsc::Receiver<Outgoing>) -> Result<(), Error> {
        let after = self.limits.timeout;
        let connecting = timeout(after, connect(&self.session.simulator().socket));
        let (socket, _driver) = select! {
            connected = connecting => connected.map_err(|_| Error::Slow { what: "connecting", after })??,
            () = self.parting.cancelled() => return Ok(()),
        };
        self.session.socket.set(State::Open);
        tracing::debug!(session = %self.session.id(), simulator = %self.session.simulator(), "connected");
        let (mut read, mut write) = socket.split(tokio::io::split);
        // The library refuses what has as many bytes.
        read.set_max_message_size(max_message_bytes(self.limits.pictures.max_frame_bytes) + 1);
        write.set_writev(true);
        let (obliged, mut obligations) = mpsc::channel(OBLIGATIONS);
        let alive = Watchdog::new(Duration::ZERO);
        let end = {
            let reading = self.read(read, obliged, &alive);
            pin!(reading);
            let end = select! {
                Err(error) = &mut reading => Err(error),
                written = self.write(&mut write, outgoing, &mut obligations) => written,
                silence = alive.silence(after) => Err(Error::Silent(silence)),
            };
            if end.is_ok() {
                // Whoever closes at once resets what the other side has not read yet, the farewell included.
                let _closed_or_late = timeout(LAST_WORDS, reading).await;
            }
            end
        };
        if let Err(error) = &end {
            let _gone_or_late = timeout(LAST_WORDS, farewell(&mut write, &mut obligations, error)).await;
        }
        end
    }

    async fn read(
        &self,
        mut read: WebSocketRead<ReadHalf<Io>>,
        obliged: mpsc::Sender<Frame<'static>>,
        alive: &Watchdog,
    ) -> Result<Infallible, Error> {
        let max_message_bytes = max_message_bytes(self.limits.pictures.max_frame_bytes);
        let mut assembler = Assembler::new(max_message_bytes);
        let ingest = Ingest::plain(self.publisher, &self.session.socket, self.limits.pictures);
        let mut ingest = ingest.with_watchdog(self.watchdog.clone());
        loop {
            let mut oblige = |frame: Frame<'static>| {
                alive.note();
                let _dropped_when_full = obliged.try_send(frame);
                ready(Ok::<(), Infallible>(()))
            };
            let frame = read.read_frame(&mut oblige).await.map_err(|error| match error {
                WebSocketError::FrameTooLarge => {
                    fragments::Error::TooLarge { limit: max_message_bytes }.into()
                }
                error => Error::broken(&error),
            })?;
            alive.note();
            let part = match frame.opcode {
                OpCode::Text => Part::Text,
                OpCode::Binary => Part::Binary,
                OpCode::Continuation => Part::Continuation,
                OpCode::Close => return Err(Error::Closed(Close::read(&frame.payload))),
                OpCode::Ping | OpCode::Pong => continue,
            };
            if let Some(message) = assembler.push(part, frame.fin, &frame.payload)? {
                self.take(message, &mut ingest).await?;
            }
        }
    }

    /// A picture goes into the stream; whatever is none goes to the clients as it is.
    async fn take(&self, message: Message, ingest: &mut Ingest<'_>) -> Result<(), Error> {
        let captured = taken(SystemTime::now());
        if !message.is_text() {
            let begins = message.fragments().first().map_or(&[][..], |first| first);
            if wire::image::begins_as_one(begins) {
                return ingest.picture(message.into_bytes(), captured).await;
            }
            self.session.relay.say(message);
            return Ok(());
        }
        let text = message.clone().into_bytes();
        match wire::view::parse(str::from_utf8(&text).unwrap_or_default(), ingest.max_frame_bytes()) {
            Ok(Incoming::Frame(picture)) => ingest.picture(picture, captured).await?,
            Ok(Incoming::Other) => self.session.relay.say(message),
            Err(error) => ingest.skip(&error),
        }
        Ok(())
    }

    /// Ends well only when the link is not wanted any more, with a farewell.
    async fn write(
        &self,
        write: &mut WebSocketWrite<WriteHalf<Io>>,
        outgoing: &mut mpsc::Receiver<Outgoing>,
        obligations: &mut mpsc::Receiver<Frame<'static>>,
    ) -> Result<(), Error> {
        // Two of our pings are left unanswered before the simulator counts as gone.
        let every = self.limits.timeout / 3;
        let mut pings = interval_at(Instant::now() + every, every);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            select! {
                () = self.parting.cancelled() => {
                    return send(write, close_frame(&self.session.parting_word())).await;
                }
                Some(frame) = obligations.recv() => send(write, frame).await?,
                Some(Outgoing { message, .. }) = outgoing.recv() => send_message(write, &message).await?,
                _ = pings.tick() => send(write, Frame::new(true, OpCode::Ping, None, Payload::Borrowed(b""))).await?,
            }
        }
    }
}

async fn send(write: &mut WebSocketWrite<WriteHalf<Io>>, frame: Frame<'_>) -> Result<(), Error> {
    write.write_frame(frame).await.map_err(|error| Error::broken(&error))?;
    write.flush().await.map_err(|error| Error::broken(&error))
}

/// In the pieces in which it came.
async fn send_message(write: &mut WebSocketWrite<WriteHalf<Io>>, message: &Message) -> Result<(), Error> {
    let last = message.fragments().len().saturating_sub(1);
    for (at, piece) in message.fragments().iter().enumerate() {
        let opcode = match (at, message.is_text()) {
            (0, true) => OpCode::Text,
            (0, false) => OpCode::Binary,
            _ => OpCode::Continuation,
        };
        send(write, Frame::new(at == last, opcode, None, Payload::Borrowed(piece))).await?;
    }
    Ok(())
}

/// The last word to a simulator that closed, or with which something is wrong.
async fn farewell(
    write: &mut WebSocketWrite<WriteHalf<Io>>,
    obligations: &mut mpsc::Receiver<Frame<'static>>,
    why: &Error,
) -> Result<(), Error> {
    let closed = |code| close_frame(&Close::new(code, &why.to_string()));
    match why {
        Error::Closed(_) => {
            while let Ok(answer) = obligations.try_recv() {
                send(write, answer).await?;
            }
            Ok(())
        }
        Error::Message(fragments::Error::TooLarge { .. }) => send(write, closed(1009)).await,
        Error::Message(_) => send(write, closed(1002)).await,
        Error::Stream(lost) => send(write, close_frame(&word_of(lost))).await,
        _ => Ok(()),
    }
}

fn close_frame(close: &Close) -> Frame<'static> {
    // A control frame has at most 125 bytes (RFC 6455, section 5.5), two of them the code.
    let reason = &close.reason[..close.reason.floor_char_boundary(123)];
    Frame::close(close.code.unwrap_or(1000), reason.as_bytes())
}
