//! The server's side of a WebSocket: the handshake, the time for which the client may stay, and whole messages, over
//! the two halves of [`net::ws`].

use std::{future::poll_fn, pin::pin, sync::Arc};

use access::Grant;
use axum::{
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use fastwebsockets::upgrade;
use http::StatusCode;
use net::ws::{self, Close, Kind};
use tokio::time::Instant;
use transport::Busy;
use wire::fragments::{self, Assembler, Part};

use crate::error::ApiError;

pub(crate) use net::ws::{Outbox, close};

/// Whether the request asks for a WebSocket.
pub(crate) fn is_upgrade(request: &Request) -> bool {
    upgrade::is_upgrade_request(request)
}

/// Answers the handshake and runs `conversation` once the connection is a WebSocket. Messages larger than
/// `max_message` end it.
pub(crate) fn accept<F, C>(mut request: Request, max_message: usize, conversation: C) -> Response
where
    C: FnOnce(Inbox, Outbox) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let busy = request.extensions_mut().remove::<Arc<Busy>>();
    let grant = request.extensions().get::<Grant>().cloned().filter(Grant::can_end);
    let (response, upgraded) = match upgrade::upgrade(&mut request) {
        Ok(accepted) => accepted,
        Err(error) => {
            let message = format!("not a WebSocket handshake (RFC 6455 section 4.1): {error}");
            return ApiError::bad_request("BAD_HANDSHAKE", message).into_response();
        }
    };
    tokio::spawn(async move {
        // With `busy` the connection keeps its place for as long as the WebSocket lives.
        match upgraded.await {
            Ok(socket) => {
                let (inbox, outbox) = ws::split(socket, ws::Peer::Client, max_message);
                let inbox = Inbox::new(inbox, max_message, busy.clone());
                let conversation = until(grant, conversation(inbox, outbox));
                match busy {
                    Some(busy) => unless_given_up(&busy, conversation).await,
                    None => conversation.await,
                }
            }
            Err(error) => tracing::debug!(%error, "the connection ended before it became a WebSocket"),
        }
    });
    response.map(|_empty| Body::empty())
}

/// A conversation ends when the right to it does, in the middle of a message if need be.
async fn until(grant: Option<Grant>, conversation: impl Future<Output = ()>) {
    let Some(grant) = grant else { return conversation.await };
    tokio::select! {
        () = conversation => {}
        over = grant.ended() => tracing::debug!(%over, "a WebSocket was ended"),
    }
}

/// A conversation ends when its connection has to, or when a large message does not come in time: it takes room that
/// others wait for.
async fn unless_given_up(busy: &Busy, conversation: impl Future<Output = ()>) {
    let (connection, limit) = (busy.connection(), busy.limits().body_timeout);
    let overdue = async {
        loop {
            let now = Instant::now();
            match connection.socket_inlet().large_since().map(|since| since + limit) {
                Some(due) if due <= now => return,
                Some(due) => tokio::time::sleep_until(due).await,
                None => tokio::time::sleep(limit).await,
            }
        }
    };
    tokio::select! {
        () = conversation => {}
        () = connection.given_up() => tracing::debug!("a WebSocket was ended: it has to make room, or its client takes nothing"),
        () = overdue => tracing::debug!("a WebSocket was ended: a message did not come within server.body_timeout_seconds"),
    }
}

/// For routes that are WebSockets only.
pub(crate) fn upgrade_required() -> ApiError {
    let message = "this route is a WebSocket: connect with ws:// and an Upgrade header";
    ApiError::new(StatusCode::UPGRADE_REQUIRED, "UPGRADE_REQUIRED", message)
}

/// A whole message.
#[derive(Debug)]
pub(crate) enum Message {
    Text(String),
    /// Owns exactly its bytes.
    Binary(Bytes),
}

/// Why there are no more messages.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Ended {
    /// Without a code: the close frame had none, or the peer is gone without a close frame.
    #[error("the peer closed the WebSocket")]
    Closed(Close),
    #[error("message larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("WebSocket protocol: {0}")]
    Protocol(String),
    #[error("WebSocket protocol: {0}")]
    Fragments(fragments::Error),
}

impl From<ws::Ended> for Ended {
    fn from(ended: ws::Ended) -> Self {
        match ended {
            ws::Ended::Closed(close) => Self::Closed(close),
            ws::Ended::Gone => Self::Closed(Close::default()),
            ws::Ended::TooLarge { limit } => Self::TooLarge { limit },
            ws::Ended::Protocol(error) => Self::Protocol(error),
        }
    }
}

impl From<fragments::Error> for Ended {
    fn from(error: fragments::Error) -> Self {
        match error {
            fragments::Error::TooLarge { limit } => Self::TooLarge { limit },
            error => Self::Fragments(error),
        }
    }
}

/// The half that reads.
pub(crate) struct Inbox {
    inbox: ws::Inbox,
    max_message: usize,
    assembler: Assembler,
    busy: Option<Arc<Busy>>,
}

impl Inbox {
    fn new(mut inbox: ws::Inbox, max_message: usize, busy: Option<Arc<Busy>>) -> Self {
        if let Some(busy) = busy.clone() {
            busy.connection().becomes_socket(max_message);
            inbox.note_each(move || busy.connection().socket_inlet().frame_ended());
        }
        Self { inbox, max_message, assembler: Assembler::joining(max_message), busy }
    }

    /// From now on, messages are in the pieces in which they come.
    pub(crate) fn keep_cuts(&mut self) {
        self.assembler = Assembler::new(self.max_message);
    }

    /// The next whole message. Not cancel-safe.
    pub(crate) async fn next(&mut self) -> Result<Message, Ended> {
        let message = self.next_in_pieces().await?;
        if !message.is_text() {
            return Ok(Message::Binary(message.into_bytes()));
        }
        let text = String::from_utf8(message.into_bytes().into());
        text.map(Message::Text).map_err(|_| Ended::Fragments(fragments::Error::NotUtf8))
    }

    /// The same, in one piece unless the cuts are kept. Between messages that come faster than they are read, all
    /// others have their turn.
    pub(crate) async fn next_in_pieces(&mut self) -> Result<fragments::Message, Ended> {
        let Self { inbox, assembler, busy, .. } = self;
        let inlet = busy.as_ref().map(|busy| busy.connection().socket_inlet());
        inlet.inspect(|inlet| inlet.reset());
        let take = |piece: ws::Piece<'_>| {
            let part = match piece.kind {
                Kind::Text => Part::Text,
                Kind::Binary => Part::Binary,
                Kind::Continuation => Part::Continuation,
            };
            inlet.inspect(|inlet| inlet.keep(piece.payload.len()));
            Ok(assembler.push(part, piece.is_last, piece.payload)?)
        };
        let mut has_waited = false;
        let mut next = pin!(inbox.next(take));
        let message = poll_fn(|cx| {
            let polled = next.as_mut().poll(cx);
            has_waited |= polled.is_pending();
            polled
        });
        let message = message.await;
        if !has_waited {
            tokio::task::yield_now().await;
        }
        message
    }

    /// See [`ws::Inbox::linger`].
    pub(crate) async fn linger(self) {
        self.inbox.linger().await;
    }
}

/// Whether the client may still be sending after a close of ours with this code: then its bytes are to be read for a
/// while, or the close frame would be lost. An answer to its own close leaves none, and at the hub's end none is waited for.
pub(crate) fn leaves_unread(code: u16) -> bool {
    !matches!(code, close::NORMAL | close::GOING_AWAY)
}

/// The last frame to a peer that closed, or whose bytes cannot be read any further: the answer to its close, or why the
/// connection ends.
pub(crate) async fn farewell(outbox: &mut Outbox, ended: &Ended) -> Result<(), net::Error> {
    let code = match ended {
        Ended::Closed(_) => return outbox.farewell(&ws::Ended::Gone).await,
        Ended::TooLarge { .. } => close::TOO_LARGE,
        Ended::Protocol(_) | Ended::Fragments(_) => close::PROTOCOL,
    };
    outbox.close(code, &ended.to_string()).await
}
