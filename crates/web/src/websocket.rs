//! WebSockets for frames, over `fastwebsockets`, which writes a frame's header and its borrowed payload in one
//! `writev`. This is the only file that names that crate.
//!
//! A socket is split into an [`Inbox`] and an [`Outbox`]. Reading is not cancel-safe, so a handler runs one future
//! that reads and one that writes side by side; what reading obliges to send (pongs, the close) goes to the writer
//! through a small queue that drops when a peer pings without reading.

use std::{sync::Arc, time::Duration};

use access::Grant;
use axum::{
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use fastwebsockets::{Frame, OpCode, Payload, WebSocketError, WebSocketRead, WebSocketWrite, upgrade};
use http::StatusCode;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{ReadHalf, WriteHalf},
    sync::mpsc,
    time::Instant,
};

use wire::fragments::{self, Assembler, Part};

use crate::{error::ApiError, transport::Busy};

type Io = TokioIo<Upgraded>;

/// Pongs and closes waiting for the writer; a peer that outpaces this gets fewer pongs.
const OBLIGATIONS: usize = 8;
/// How long a peer may take to read our last word.
const LINGER: Duration = Duration::from_secs(1);
/// More than the buffers between two hosts hold.
const LINGER_BYTES: usize = 8 * 1024 * 1024;

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
    let deadline = request.extensions().get::<Grant>().and_then(Grant::deadline);
    let (response, upgraded) = match upgrade::upgrade(&mut request) {
        Ok(accepted) => accepted,
        Err(error) => {
            let message = format!("not a WebSocket handshake (RFC 6455 section 4.1): {error}");
            return ApiError::bad_request("BAD_HANDSHAKE", message).into_response();
        }
    };
    tokio::spawn(async move {
        // The connection keeps its place for as long as the WebSocket lives.
        let _busy = busy;
        match upgraded.await {
            Ok(socket) => {
                let (inbox, outbox) = split(socket, max_message);
                until(deadline, conversation(inbox, outbox)).await;
            }
            Err(error) => tracing::debug!(%error, "the connection ended before it became a WebSocket"),
        }
    });
    response.map(|_empty| Body::empty())
}

/// A conversation ends, in the middle of a word if need be, when the right to it does.
async fn until(deadline: Option<Instant>, conversation: impl Future<Output = ()>) {
    let Some(deadline) = deadline else { return conversation.await };
    if tokio::time::timeout_at(deadline, conversation).await.is_err() {
        tracing::debug!("a WebSocket was ended: the key or the link that opened it has expired");
    }
}

/// For routes that are WebSockets only.
pub(crate) fn upgrade_required() -> ApiError {
    let message = "this route is a WebSocket: connect with ws:// and an Upgrade header";
    ApiError::new(StatusCode::UPGRADE_REQUIRED, "UPGRADE_REQUIRED", message)
}

fn split(socket: fastwebsockets::WebSocket<Io>, max_message: usize) -> (Inbox, Outbox) {
    let (mut read, mut write) = socket.split(tokio::io::split);
    // The library refuses what has as many bytes.
    read.set_max_message_size(max_message.saturating_add(1));
    write.set_writev(true);
    let (obliged, obligations) = mpsc::channel(OBLIGATIONS);
    let assembler = Assembler::joining(max_message);
    (Inbox { read, obliged, max_message, assembler }, Outbox { write, obligations })
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
    #[error("the peer closed the WebSocket")]
    Closed {
        /// `None`: it said none, or is gone without a word.
        code: Option<u16>,
        reason: String,
    },
    #[error("message larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("WebSocket protocol: {0}")]
    Protocol(WebSocketError),
    #[error("WebSocket protocol: {0}")]
    Fragments(fragments::Error),
}

impl Ended {
    /// Without a word.
    pub(crate) const GONE: Self = Self::Closed { code: None, reason: String::new() };

    /// By a close frame with this payload.
    fn closed(payload: &[u8]) -> Self {
        let Some((code, reason)) = payload.split_first_chunk() else { return Self::GONE };
        let code = Some(u16::from_be_bytes(*code));
        Self::Closed { code, reason: String::from_utf8_lossy(reason).into_owned() }
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

pub(crate) struct Inbox {
    read: WebSocketRead<ReadHalf<Io>>,
    obliged: mpsc::Sender<Frame<'static>>,
    max_message: usize,
    assembler: Assembler,
}

impl Inbox {
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

    /// The same, in one piece unless the cuts are kept.
    pub(crate) async fn next_in_pieces(&mut self) -> Result<fragments::Message, Ended> {
        loop {
            let obliged = self.obliged.clone();
            let mut send = move |frame: Frame<'static>| {
                let _dropped_when_full = obliged.try_send(frame);
                std::future::ready(Ok::<(), std::convert::Infallible>(()))
            };
            let frame = self.read.read_frame(&mut send).await;
            let frame = frame.map_err(|error| match error {
                WebSocketError::FrameTooLarge => Ended::TooLarge { limit: self.max_message },
                WebSocketError::UnexpectedEOF | WebSocketError::ConnectionClosed => Ended::GONE,
                other => Ended::Protocol(other),
            })?;
            let part = match frame.opcode {
                OpCode::Text => Part::Text,
                OpCode::Binary => Part::Binary,
                OpCode::Continuation => Part::Continuation,
                OpCode::Close => return Err(Ended::closed(&frame.payload)),
                OpCode::Ping | OpCode::Pong => continue,
            };
            if let Some(message) = self.assembler.push(part, frame.fin, &frame.payload)? {
                return Ok(message);
            }
        }
    }
}

impl Inbox {
    /// To be called after the last word, unless it was the peer's: whoever leaves with bytes unread resets the
    /// connection, and the word is lost with it. Reads on until the peer has gone, for a second and a few megabytes at
    /// most.
    pub(crate) async fn linger(mut self) {
        let gone = async {
            let mut ignore = |_| std::future::ready(Ok::<(), std::convert::Infallible>(()));
            let mut bytes = 0;
            while bytes < LINGER_BYTES {
                // What is left of a message too large to be read looks like frames of any kind.
                bytes += match self.read.read_frame(&mut ignore).await {
                    Err(WebSocketError::UnexpectedEOF | WebSocketError::IoError(_)) => return,
                    Err(_) => 2,
                    Ok(frame) => frame.payload.len() + 2,
                };
                tokio::task::yield_now().await;
            }
        };
        let _gone_or_late = tokio::time::timeout(LINGER, gone).await;
    }
}

/// Close codes of RFC 6455 section 7.4.1.
pub(crate) mod close {
    pub(crate) const NORMAL: u16 = 1000;
    pub(crate) const GOING_AWAY: u16 = 1001;
    pub(crate) const PROTOCOL: u16 = 1002;
    pub(crate) const POLICY: u16 = 1008;
    pub(crate) const TOO_LARGE: u16 = 1009;
    /// IANA's registry of WebSocket close codes: 'Try again later'.
    pub(crate) const TRY_AGAIN: u16 = 1013;
}

pub(crate) struct Outbox {
    write: WebSocketWrite<WriteHalf<Io>>,
    obligations: mpsc::Receiver<Frame<'static>>,
}

impl Outbox {
    /// Waits until reading obliges to send something. Cancel-safe; ends when the inbox is gone.
    pub(crate) async fn obligation(&mut self) -> Option<Obligation> {
        self.obligations.recv().await.map(Obligation)
    }

    pub(crate) async fn fulfil(&mut self, obligation: Obligation) -> Result<(), WebSocketError> {
        self.send(obligation.0).await
    }

    pub(crate) async fn text(&mut self, text: &str) -> Result<(), WebSocketError> {
        self.text_bytes(text.as_bytes()).await
    }

    /// `text` must be UTF-8.
    pub(crate) async fn text_bytes(&mut self, text: &[u8]) -> Result<(), WebSocketError> {
        self.send(Frame::text(Payload::Borrowed(text))).await
    }

    pub(crate) async fn binary(&mut self, bytes: &[u8]) -> Result<(), WebSocketError> {
        self.send(Frame::binary(Payload::Borrowed(bytes))).await
    }

    /// One binary message in two pieces, so that a picture is not copied to stand behind its header.
    pub(crate) async fn binary_after(&mut self, header: &[u8], bytes: &[u8]) -> Result<(), WebSocketError> {
        self.write.write_frame(Frame::new(false, OpCode::Binary, None, Payload::Borrowed(header))).await?;
        self.send(Frame::new(true, OpCode::Continuation, None, Payload::Borrowed(bytes))).await
    }

    /// A message in the pieces in which it came.
    pub(crate) async fn in_pieces(&mut self, message: &fragments::Message) -> Result<(), WebSocketError> {
        let last = message.fragments().len().saturating_sub(1);
        for (at, piece) in message.fragments().iter().enumerate() {
            let opcode = match (at, message.is_text()) {
                (0, true) => OpCode::Text,
                (0, false) => OpCode::Binary,
                _ => OpCode::Continuation,
            };
            self.send(Frame::new(at == last, opcode, None, Payload::Borrowed(piece))).await?;
        }
        Ok(())
    }

    pub(crate) async fn ping(&mut self) -> Result<(), WebSocketError> {
        self.send(Frame::new(true, OpCode::Ping, None, Payload::Borrowed(b""))).await
    }

    /// The last word to a peer that closed, or whose bytes cannot be read any further: the answer to its close, or why
    /// the connection ends.
    pub(crate) async fn farewell(&mut self, ended: &Ended) -> Result<(), WebSocketError> {
        match ended {
            Ended::Closed { .. } => {
                while let Ok(frame) = self.obligations.try_recv() {
                    self.send(frame).await?;
                }
                Ok(())
            }
            Ended::TooLarge { .. } => self.close(close::TOO_LARGE, &ended.to_string()).await,
            Ended::Protocol(_) | Ended::Fragments(_) => self.close(close::PROTOCOL, &ended.to_string()).await,
        }
    }

    pub(crate) async fn close(&mut self, code: u16, reason: &str) -> Result<(), WebSocketError> {
        // A control frame has at most 125 bytes (RFC 6455 section 5.5), two of them the code.
        let reason = &reason[..reason.floor_char_boundary(123)];
        self.send(Frame::close(code, reason.as_bytes())).await
    }

    /// Done when the kernel has the frame: TLS would keep the end of it, and count it as sent.
    async fn send(&mut self, frame: Frame<'_>) -> Result<(), WebSocketError> {
        self.write.write_frame(frame).await?;
        self.write.flush().await
    }
}

/// Something that the protocol obliges us to send.
pub(crate) struct Obligation(Frame<'static>);
