//! The WebSocket view of one stream: JSON text messages, or with `?format=binary` a message a frame. The
//! view of a simulator session's stream is also a client of that session: it relays the simulator's messages, and those
//! of a viewer who may send some.
//!
//! With `?metadata=1`, and with an overlay, a text with its number and metadata comes before each frame.

use std::{
    future::pending,
    pin::{Pin, pin},
    sync::Arc,
};

use axum::{extract::Request, response::Response};
use bytes::Bytes;
use hub::{Frame, StreamName};
use serde::Deserialize;
use sessions::{Client, Event, NotTaken, Notice};
use tokio::sync::Notify;
use wire::view;

use super::{Source, Views, query};
use crate::{
    error::ApiError,
    websocket::{self, Ended, Inbox, Outbox, close},
};

/// Viewers of other streams send nothing that matters; this bounds what they may send.
const MAX_MESSAGE: usize = 64 * 1024;

#[derive(Debug, Default, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    #[default]
    Json,
    Binary,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Query {
    #[serde(default)]
    format: Format,
    /// 0: without the simulator's own messages.
    relay: Option<u8>,
    #[serde(default, deserialize_with = "flag")]
    metadata: Option<bool>,
    overlay: Option<String>,
}

fn flag<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    query::flag(deserializer, "metadata")
}

impl Query {
    fn with_metadata(&self) -> bool {
        self.metadata.unwrap_or(self.overlay.is_some())
    }

    /// Whether a simulator's own messages are wanted.
    pub(crate) fn with_relay(&self) -> bool {
        self.relay != Some(0)
    }
}

/// A viewer of a simulator session's stream.
pub(crate) struct Member {
    pub(crate) client: Client,
    /// It may send messages to the simulator.
    pub(crate) may_signal: bool,
}

/// What a viewer hears whose messages go nowhere.
const MAY_NOT_SIGNAL: &str = "your messages do not reach the simulator: that takes a key with the right to publish on \
    this session, or the wsUrl that its maker was given";

/// The conversation that shows `source` under the name of its stream until it ends. `member`: of the session whose
/// stream it is.
pub(crate) fn response(
    views: Arc<Views>,
    name: StreamName,
    source: Source,
    member: Option<Member>,
    query: &Query,
    request: Request,
) -> Response {
    let (format, with_metadata) = (query.format, query.with_metadata());
    let max_message = if member.is_some() { sessions::MAX_MESSAGE_BYTES } else { MAX_MESSAGE };
    let may_signal = member.as_ref().is_some_and(|member| member.may_signal);
    let client = member.map(|member| member.client);
    websocket::accept(request, max_message, move |inbox, outbox| async move {
        let view = View { views, name, source, client, may_signal, format, with_metadata };
        view.run(inbox, outbox).await;
    })
}

/// The conversation about a stream that is not there: a page cannot read why a handshake is refused.
pub(crate) fn unknown(name: &StreamName, request: Request) -> Response {
    let is_a_sessions = ["stream_", "robot_"].iter().any(|begin| name.as_str().starts_with(begin));
    let why =
        if is_a_sessions { "Session not found".to_owned() } else { ApiError::stream_not_found(name).message };
    websocket::accept(request, MAX_MESSAGE, move |inbox, mut outbox| async move {
        let told = async {
            outbox.text(&view::error(&why)).await?;
            outbox.close(close::POLICY, &why).await
        };
        if told.await.is_ok() {
            inbox.linger().await;
        }
    })
}

struct View {
    views: Arc<Views>,
    name: StreamName,
    source: Source,
    client: Option<Client>,
    may_signal: bool,
    format: Format,
    with_metadata: bool,
}

/// Why no more messages are read from the viewer.
enum ReadEnd {
    Ended(Ended),
    /// The simulator takes no more messages.
    NotTaken(NotTaken),
}

/// Who ended the conversation.
enum ClosedBy {
    Us,
    Peer,
}

impl View {
    async fn run(mut self, mut inbox: Inbox, mut outbox: Outbox) {
        let uplink = self.client.as_ref().map(Client::uplink);
        let may_signal = self.may_signal;
        let lost = Notify::new();
        inbox.keep_cuts();
        let reading = async {
            loop {
                let message = match inbox.next_in_pieces().await {
                    Ok(message) => message,
                    Err(ended) => return ReadEnd::Ended(ended),
                };
                let Some(uplink) = &uplink else { continue };
                if !may_signal {
                    lost.notify_one();
                    continue;
                }
                if let Err(error) = uplink.send(message).await {
                    return ReadEnd::NotTaken(error);
                }
            }
        };
        let end = self.write(&mut outbox, pin!(reading), &lost).await;
        self.forget();
        match end {
            // Only a client that sends messages may have sent one that is not read yet.
            Ok(ClosedBy::Us) if uplink.is_some() => inbox.linger().await,
            Ok(_) => {}
            Err(error) => tracing::debug!(stream = %self.name, %error, "WebSocket viewer left"),
        }
    }

    /// Frees what only this viewer needed.
    fn forget(&mut self) {
        self.client = None;
        if self.format == Format::Json
            && let Some(stream) = self.source.stream()
            && stream.demand().viewers <= 1
        {
            self.views.base64.forget(stream);
        }
    }

    /// Until the stream or the reading ends. Reading goes on between two messages only, so none is torn by its end.
    async fn write(
        &mut self,
        outbox: &mut Outbox,
        mut reading: Pin<&mut impl Future<Output = ReadEnd>>,
        lost: &Notify,
    ) -> Result<ClosedBy, net::Error> {
        outbox.text(&view::status(&format!("Connected to stream '{}'", self.name))).await?;
        let heartbeat = self.views.heartbeat;
        let mut has_been_told = false;
        loop {
            let next = std::future::poll_fn(|cx| self.source.poll_next(cx));
            tokio::select! {
                frame = next => match frame {
                    Some(frame) => self.send(outbox, &frame).await?,
                    None => return self.say_goodbye(outbox).await,
                },
                event = next_event(&mut self.client) => match event {
                    Event::Notice(Notice::Status(text)) => outbox.text(&view::status(&text)).await?,
                    Event::Notice(Notice::Error(text)) => outbox.text(&view::error(&text)).await?,
                    Event::Message(message) => outbox.pieces(message.is_text(), message.fragments()).await?,
                    Event::Close(theirs) => {
                        outbox.close(theirs.code.unwrap_or(close::NORMAL), &theirs.reason).await?;
                        return Ok(ClosedBy::Us);
                    }
                    Event::Lagged => {
                        outbox.close(close::TRY_AGAIN, "too slow for the simulator's messages").await?;
                        return Ok(ClosedBy::Us);
                    }
                },
                end = reading.as_mut() => return self.close(outbox, end).await,
                () = lost.notified(), if !has_been_told => {
                    has_been_told = true;
                    outbox.text(&view::error(MAY_NOT_SIGNAL)).await?;
                }
                Some(obligation) = outbox.obligation() => outbox.fulfil(obligation).await?,
                () = tokio::time::sleep(heartbeat) => outbox.ping().await?,
            }
        }
    }

    /// Answers the viewer's close, or closes since nothing more can be read.
    async fn close(&mut self, outbox: &mut Outbox, end: ReadEnd) -> Result<ClosedBy, net::Error> {
        let ended = match end {
            ReadEnd::Ended(ended) => ended,
            ReadEnd::NotTaken(error) => {
                outbox.close(close::TRY_AGAIN, &error.to_string()).await?;
                return Ok(ClosedBy::Us);
            }
        };
        websocket::farewell(outbox, &ended).await?;
        let Ended::Closed(close) = ended else { return Ok(ClosedBy::Us) };
        // How the simulator's own WebSocket is closed is a message to it, too.
        if let Some(client) = self.client.take().filter(|_| self.may_signal) {
            client.leave(close);
        }
        Ok(ClosedBy::Peer)
    }

    async fn send(&mut self, outbox: &mut Outbox, frame: &Frame) -> Result<(), net::Error> {
        if self.source.is_live() {
            self.views.observe_age(frame);
        }
        if self.with_metadata {
            let size = (frame.format.width, frame.format.height);
            let (time, metadata) = (frame.timestamp_unix_secs(), frame.metadata.as_deref());
            outbox.text(&view::metadata(frame.seq, time, size, metadata)).await?;
        }
        match self.format {
            Format::Binary => outbox.binary(&frame.payload).await,
            Format::Json => outbox.text_bytes(&self.text(frame)).await,
        }
    }

    /// Viewers of one live stream share a text; a replay is its viewer's own.
    fn text(&self, frame: &Frame) -> Bytes {
        match self.source.stream() {
            Some(stream) => self.views.base64.message(stream, frame),
            None => view::frame(&frame.payload).into(),
        }
    }

    async fn say_goodbye(&mut self, outbox: &mut Outbox) -> Result<ClosedBy, net::Error> {
        outbox.text(&view::status(&format!("Stream '{}' has ended", self.name))).await?;
        let code = if self.views.shutdown.is_cancelled() { close::GOING_AWAY } else { close::NORMAL };
        outbox.close(code, "the stream has ended").await?;
        Ok(ClosedBy::Us)
    }
}

/// The next event of the session; never one where there is no session.
async fn next_event(client: &mut Option<Client>) -> Event {
    match client {
        Some(client) => client.next().await,
        None => pending().await,
    }
}
