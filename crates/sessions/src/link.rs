//! The WebSocket to a simulator: pictures go into the stream, other messages to the clients, and the clients' messages to
//! the simulator. It is open while the session has viewers, and opened again when it breaks.
//!
//! Pings are not relayed: the simulator's are answered here, and ours find out whether it is alive.

use std::{convert::Infallible, time::Duration};

use hub::{PublishError, Publisher};
use ingest::pull::{Error, Intake, Messages, Retry, State, Watchdog, captured_now, connect};
use net::ws::{self, Close, Ended, Outbox};
use tokio::{
    pin, select,
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval_at, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use wire::{
    fragments::{self, Message},
    view::{Incoming, max_message_bytes},
};

use crate::{
    close::{is_an_answer, of_lost_stream},
    relay::Outgoing,
    session::Session,
};

/// How long the close frames of a connection may take.
const CLOSING: Duration = Duration::from_secs(1);

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
                Err(Error::Stream(lost)) => return Err(lost),
                Err(error) => error,
            };
            if let Error::WebSocket(Ended::Closed(close)) = &error
                && is_an_answer(close)
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
        let session = &self.session.id;
        let before = self.session.socket.set(State::Failed { why: error.to_string(), retry_in });
        // Logged once; while it stays away there is nothing new to say.
        if before == State::Connecting && self.session.socket.report().attempts > 1 {
            tracing::debug!(%session, ?retry_in, "the simulator's WebSocket failed again: {error}");
        } else {
            tracing::warn!(%session, ?retry_in, "the simulator's WebSocket failed: {error}");
        }
    }

    async fn attempt(&self, outgoing: &mut mpsc::Receiver<Outgoing>) -> Result<(), Error> {
        let limits = &self.session.limits;
        let after = limits.timeout;
        let max_message_bytes = max_message_bytes(limits.pictures.limits().max_bytes);
        let connecting = timeout(after, connect(&self.session.simulator.socket, max_message_bytes));
        let (messages, mut outbox) = select! {
            connected = connecting => connected.map_err(|_| net::Error::Slow { what: "connecting", after })??,
            () = self.parting.cancelled() => return Ok(()),
        };
        self.session.socket.set(State::Open);
        let simulator = &self.session.simulator.socket;
        tracing::info!(%simulator, "Connected to the simulator for session: {}", self.session.id);
        let alive = messages.alive().clone();
        let end = {
            let reading = self.read(messages);
            pin!(reading);
            let end = select! {
                Err(error) = &mut reading => Err(error),
                written = self.write(&mut outbox, outgoing) => written,
                silence = alive.silence(after) => Err(Error::Silent(silence)),
            };
            if end.is_ok() {
                // Closing at once would discard data that the peer has not read yet, including the close frame.
                let _closed_or_late = timeout(CLOSING, reading).await;
            }
            end
        };
        if let Err(error) = &end {
            let _gone_or_late = timeout(CLOSING, farewell(&mut outbox, error)).await;
        }
        end
    }

    async fn read(&self, mut messages: Messages) -> Result<Infallible, Error> {
        let pictures = self.session.limits.pictures.clone();
        let intake = Intake::new(self.publisher, &self.session.socket, pictures);
        let mut intake = intake.with_watchdog(self.watchdog.clone());
        loop {
            let message = messages.next().await?;
            self.take(message, &mut intake).await?;
        }
    }

    /// A picture goes into the stream, any other message to the clients as it is.
    async fn take(&self, message: Message, intake: &mut Intake<'_>) -> Result<(), Error> {
        let captured = captured_now();
        if !message.is_text() {
            let begins = message.fragments().first().map_or(&[][..], |first| first);
            if wire::image::begins_as_one(begins) {
                return intake.picture(message.into_bytes(), captured).await;
            }
            self.session.relay.broadcast(message);
            return Ok(());
        }
        let text = message.clone().into_bytes();
        match wire::view::parse(
            str::from_utf8(&text).unwrap_or_default(),
            intake.admission().limits().max_bytes,
        ) {
            Ok(Incoming::Frame(picture)) => intake.picture(picture, captured).await?,
            Ok(Incoming::Other) => self.session.relay.broadcast(message),
            Err(error) => intake.skip(&error),
        }
        Ok(())
    }

    /// Ends without an error only when the last viewer has left, with a close frame.
    async fn write(&self, outbox: &mut Outbox, outgoing: &mut mpsc::Receiver<Outgoing>) -> Result<(), Error> {
        // Two of our pings are left unanswered before the simulator counts as gone.
        let every = self.session.limits.timeout / 3;
        let mut pings = interval_at(Instant::now() + every, every);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            select! {
                () = self.parting.cancelled() => return Ok(send_close(outbox, &self.session.last_close()).await?),
                Some(obligation) = outbox.obligation() => outbox.fulfil(obligation).await?,
                Some(Outgoing { message, .. }) = outgoing.recv() => {
                    outbox.pieces(message.is_text(), message.fragments()).await?;
                }
                _ = pings.tick() => outbox.ping().await?,
            }
        }
    }
}

/// The close frame for a simulator that closed, or broke the protocol.
async fn farewell(outbox: &mut Outbox, why: &Error) -> Result<(), net::Error> {
    match why {
        Error::WebSocket(ended) => outbox.farewell(ended).await,
        Error::Message(fragments::Error::TooLarge { .. }) => {
            outbox.close(ws::close::TOO_LARGE, &why.to_string()).await
        }
        Error::Message(_) => outbox.close(ws::close::PROTOCOL, &why.to_string()).await,
        Error::Stream(lost) => send_close(outbox, &of_lost_stream(lost)).await,
        _ => Ok(()),
    }
}

async fn send_close(outbox: &mut Outbox, close: &Close) -> Result<(), net::Error> {
    outbox.close(close.code.unwrap_or(ws::close::NORMAL), &close.reason).await
}
