//! The WebSocket to a simulator: pictures go into the stream, other messages to the clients, and the clients' messages to
//! the simulator. It is open while the session has viewers, and opened again when it breaks.
//!
//! Pings are not relayed: the simulator's are answered here, and ours find out whether it is alive.

use std::{convert::Infallible, future::ready, time::Duration};

use fastwebsockets::{Frame, OpCode, Payload, WebSocketError, WebSocketRead, WebSocketWrite};
use hub::{PublishError, Publisher};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use ingest::pull::{self, Intake, Retry, State, Watchdog, captured_now, websocket::connect};
use tokio::{
    io::{ReadHalf, WriteHalf},
    pin, select,
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval_at, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use wire::{
    fragments::{self, Assembler, Message, Part},
    view::{Incoming, max_message_bytes},
};

use crate::{close::Close, error::Error, relay::Outgoing, session::Session};

type Io = TokioIo<Upgraded>;

/// Pongs and closes that wait to be sent; a simulator that outpaces this gets fewer pongs.
const OBLIGATIONS: usize = 8;
/// How long the close frames of a connection may take.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A session's link, while it has viewers.
pub(crate) struct Link<'a> {
    pub(crate) session: &'a Session,
    pub(crate) publisher: &'a Publisher,
    /// Noted at each picture.
    pub(crate) watchdog: Watchdog,
    /// Cancelled when the last viewer has left.
    pub(crate) parting: &'a CancellationToken,
}

impl Link<'_> {
    /// Until the last viewer has left, or the stream takes no more frames.
    pub(crate) async fn run(&self, outgoing: &mut mpsc::Receiver<Outgoing>) -> Result<(), PublishError> {
        let mut retry = Retry::default();
        loop {
            self.session.socket.count_attempt();
            self.session.socket.set(State::Connecting);
            let opened = Instant::now();
            let error = match self.attempt(outgoing).await {
                Ok(()) => return Ok(()),
                Err(Error::Pull(pull::Error::Stream(lost))) => return Err(lost),
                Err(error) => error,
            };
            if let Error::Closed(close) = &error
                && close.is_an_answer()
            {
                self.session.relay.close(close.clone());
            }
            let retry_in = retry.after(opened.elapsed());
            self.report_failure(&error, retry_in);
            select! {
                () = sleep(retry_in) => {}
                () = self.parting.cancelled() => return Ok(()),
            }
        }
    }

    fn report_failure(&self, error: &Error, retry_in: Duration) {
        let session = self.session.id();
        let before = self.session.socket.set(State::Failed { why: error.to_string(), retry_in });
        // Logged once; while it stays away there is nothing new to say.
        if before == State::Connecting && self.session.socket.report().attempts > 1 {
            tracing::debug!(%session, ?retry_in, "the simulator's WebSocket failed again: {error}");
        } else {
            tracing::warn!(%session, ?retry_in, "the simulator's WebSocket failed: {error}");
        }
    }

    async fn attempt(&self, outgoing: &mut mpsc::Receiver<Outgoing>) -> Result<(), Error> {
        let after = self.session.limits.timeout;
        let connecting = timeout(after, connect(&self.session.simulator().socket));
        let (socket, _driver) = select! {
            connected = connecting => connected.map_err(|_| pull::Error::Slow { what: "connecting", after })??,
            () = self.parting.cancelled() => return Ok(()),
        };
        self.session.socket.set(State::Open);
        tracing::debug!(session = %self.session.id(), simulator = %self.session.simulator(), "connected");
        let (mut read, mut write) = socket.split(tokio::io::split);
        // The library refuses what has as many bytes.
        read.set_max_message_size(max_message_bytes(self.session.limits.pictures.limits().max_bytes) + 1);
        write.set_writev(true);
        let (obliged, mut obligations) = mpsc::channel(OBLIGATIONS);
        let alive = Watchdog::new(Duration::ZERO);
        let end = {
            let reading = self.read(read, obliged, &alive);
            pin!(reading);
            let end = select! {
                Err(error) = &mut reading => Err(error),
                written = self.write(&mut write, outgoing, &mut obligations) => written,
                silence = alive.silence(after) => Err(pull::Error::Silent(silence).into()),
            };
            if end.is_ok() {
                // Closing at once would discard data that the peer has not read yet, including the close frame.
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
        let max_message_bytes = max_message_bytes(self.session.limits.pictures.limits().max_bytes);
        let mut assembler = Assembler::new(max_message_bytes);
        let pictures = self.session.limits.pictures.clone();
        let intake = Intake::new(self.publisher, &self.session.socket, pictures);
        let mut intake = intake.with_watchdog(self.watchdog.clone());
        loop {
            let mut oblige = |frame: Frame<'static>| {
                alive.note();
                let _dropped_when_full = obliged.try_send(frame);
                ready(Ok::<(), Infallible>(()))
            };
            let frame = read.read_frame(&mut oblige).await.map_err(|error| match error {
                WebSocketError::FrameTooLarge => {
                    Error::Message(fragments::Error::TooLarge { limit: max_message_bytes })
                }
                error => Error::Pull(pull::Error::broken(&error)),
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
                self.take(message, &mut intake).await?;
            }
        }
    }

    /// A picture goes into the stream, any other message to the clients as it is.
    async fn take(&self, message: Message, intake: &mut Intake<'_>) -> Result<(), Error> {
        let captured = captured_now();
        if !message.is_text() {
            let begins = message.fragments().first().map_or(&[][..], |first| first);
            if wire::image::begins_as_one(begins) {
                return Ok(intake.picture(message.into_bytes(), captured).await?);
            }
            self.session.relay.say(message);
            return Ok(());
        }
        let text = message.clone().into_bytes();
        match wire::view::parse(
            str::from_utf8(&text).unwrap_or_default(),
            intake.admission().limits().max_bytes,
        ) {
            Ok(Incoming::Frame(picture)) => intake.picture(picture, captured).await?,
            Ok(Incoming::Other) => self.session.relay.say(message),
            Err(error) => intake.skip(&error),
        }
        Ok(())
    }

    /// Ends without an error only when the last viewer has left, with a close frame.
    async fn write(
        &self,
        write: &mut WebSocketWrite<WriteHalf<Io>>,
        outgoing: &mut mpsc::Receiver<Outgoing>,
        obligations: &mut mpsc::Receiver<Frame<'static>>,
    ) -> Result<(), Error> {
        // Two of our pings are left unanswered before the simulator counts as gone.
        let every = self.session.limits.timeout / 3;
        let mut pings = interval_at(Instant::now() + every, every);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            select! {
                () = self.parting.cancelled() => {
                    return send(write, close_frame(&self.session.last_close())).await;
                }
                Some(frame) = obligations.recv() => send(write, frame).await?,
                Some(Outgoing { message, .. }) = outgoing.recv() => send_message(write, &message).await?,
                _ = pings.tick() => send(write, Frame::new(true, OpCode::Ping, None, Payload::Borrowed(b""))).await?,
            }
        }
    }
}

async fn send(write: &mut WebSocketWrite<WriteHalf<Io>>, frame: Frame<'_>) -> Result<(), Error> {
    write.write_frame(frame).await.map_err(|error| pull::Error::broken(&error))?;
    Ok(write.flush().await.map_err(|error| pull::Error::broken(&error))?)
}

/// In the fragments in which it came.
async fn send_message(write: &mut WebSocketWrite<WriteHalf<Io>>, message: &Message) -> Result<(), Error> {
    let last = message.fragments().len().saturating_sub(1);
    for (at, fragment) in message.fragments().iter().enumerate() {
        let opcode = match (at, message.is_text()) {
            (0, true) => OpCode::Text,
            (0, false) => OpCode::Binary,
            _ => OpCode::Continuation,
        };
        send(write, Frame::new(at == last, opcode, None, Payload::Borrowed(fragment))).await?;
    }
    Ok(())
}

/// The close frame for a simulator that closed, or broke the protocol.
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
        Error::Pull(pull::Error::Stream(lost)) => {
            send(write, close_frame(&Close::of_lost_stream(lost))).await
        }
        _ => Ok(()),
    }
}

fn close_frame(close: &Close) -> Frame<'static> {
    // A control frame has at most 125 bytes (RFC 6455, section 5.5), two of them the code.
    let reason = &close.reason[..close.reason.floor_char_boundary(123)];
    Frame::close(close.code.unwrap_or(1000), reason.as_bytes())
}
