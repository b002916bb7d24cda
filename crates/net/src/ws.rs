//! WebSockets, over `fastwebsockets`, which writes a frame's header and its borrowed payload in one `writev`.
//!
//! A socket is split into an [`Inbox`] and an [`Outbox`]. Reading is not cancel-safe, so a caller runs one future that
//! reads and one that writes side by side. What reading obliges to send (pongs, the answer to a close) goes to the
//! writer through a small queue, which drops when a peer pings without reading.

mod read;

use std::{fmt, time::Duration};

use bytes::Bytes;
use fastwebsockets::{
    Frame, OpCode, Payload, Role, WebSocket, WebSocketWrite, after_handshake_split, handshake,
};
use http::{Response, StatusCode, header, request::Builder};
use http_body_util::Empty;
use hyper::{body::Incoming, upgrade::Upgraded};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{ReadHalf, WriteHalf},
    sync::mpsc,
    time::timeout,
};

use crate::{Error, http::Http};
use read::Reader;

type Io = TokioIo<Upgraded>;

/// An open WebSocket, to be [`split`].
pub type Socket = WebSocket<Io>;

/// Pongs and closes that wait for the writer; a peer that outpaces this gets fewer pongs.
const OBLIGATIONS: usize = 8;
/// How long a peer may take to read our close frame.
const LINGER: Duration = Duration::from_secs(1);
/// More than the buffers between two hosts hold.
const LINGER_BYTES: usize = 8 * 1024 * 1024;
/// A control frame has at most 125 bytes (RFC 6455 section 5.5), two of them the code.
const MAX_REASON_BYTES: usize = 123;

/// What a server answers to the request for a WebSocket.
pub enum Answer {
    Open(Socket),
    /// Anything but `101 Switching Protocols`.
    Refused(Response<Incoming>),
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(_) => f.write_str("Open"),
            Self::Refused(answer) => f.debug_tuple("Refused").field(answer).finish(),
        }
    }
}

/// Asks for a WebSocket, and waits for the answer.
///
/// # Errors
/// [`Error::Slow`], [`Error::Broken`].
pub async fn open(http: &mut Http<Empty<Bytes>>, request: Builder, limit: Duration) -> Result<Answer, Error> {
    let request = request
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_KEY, handshake::generate_key())
        .body(Empty::new())
        .map_err(|error| Error::broken(&error))?;
    let mut answer = http.ask(request, limit).await?;
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(Answer::Refused(answer));
    }
    let upgraded = timeout(limit, hyper::upgrade::on(&mut answer)).await;
    let upgraded = upgraded.map_err(|_| Error::Slow { what: "the upgrade", after: limit })?;
    let upgraded = upgraded.map_err(|error| Error::broken(&error))?;
    Ok(Answer::Open(WebSocket::after_handshake(TokioIo::new(upgraded), Role::Client)))
}

/// Who is at the other end: clients mask what they send, servers do not (RFC 6455 section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    Client,
    Server,
}

/// The two halves of a socket, of a client or of the server. A message may have `max_message` bytes.
pub fn split(socket: Socket, peer: Peer, max_message: usize) -> (Inbox, Outbox) {
    let role = match peer {
        Peer::Client => Role::Server,
        Peer::Server => Role::Client,
    };
    let (read, write) = tokio::io::split(socket.into_inner());
    // The library's reader would keep the memory of the largest message.
    let (_, mut write) = after_handshake_split(tokio::io::empty(), write, role);
    write.set_writev(true);
    let read = Reader::new(read, peer, max_message);
    let (obliged, obligations) = mpsc::channel(OBLIGATIONS);
    (
        Inbox { read, obliged, max_message, note: Box::new(|| {}) },
        Outbox { write, obligations: Obligations(obligations) },
    )
}

/// Close codes (RFC 6455 section 7.4.1).
pub mod close {
    pub const NORMAL: u16 = 1000;
    pub const GOING_AWAY: u16 = 1001;
    pub const PROTOCOL: u16 = 1002;
    pub const POLICY: u16 = 1008;
    pub const TOO_LARGE: u16 = 1009;
    /// IANA's registry of WebSocket close codes: 'Try again later'.
    pub const TRY_AGAIN: u16 = 1013;
}

/// The content of a close frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Close {
    /// RFC 6455 section 7.4; `None`: the frame had none.
    pub code: Option<u16>,
    pub reason: String,
}

impl Close {
    pub fn new(code: u16, reason: &str) -> Self {
        Self { code: Some(code), reason: reason.to_owned() }
    }

    /// From a close frame's payload.
    pub fn read(payload: &[u8]) -> Self {
        let Some((code, reason)) = payload.split_first_chunk() else { return Self::default() };
        Self { code: Some(u16::from_be_bytes(*code)), reason: String::from_utf8_lossy(reason).into_owned() }
    }
}

/// ` (4001 "robot is busy")`, after a sentence.
impl fmt::Display for Close {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, &*self.reason) {
            (None, _) => Ok(()),
            (Some(code), "") => write!(f, " ({code})"),
            (Some(code), reason) => write!(f, " ({code} {reason:?})"),
        }
    }
}

/// Why nothing more can be read.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    /// The peer sent a close frame.
    #[error("the peer closed the WebSocket{0}")]
    Closed(Close),
    /// The connection ended without one.
    #[error("the peer is gone without a close frame")]
    Gone,
    #[error("message larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("WebSocket protocol: {0}")]
    Protocol(String),
}

/// What a data frame begins, or goes on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Binary,
    Continuation,
}

/// One data frame: a message, or a piece of one.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    pub kind: Kind,
    pub is_last: bool,
    pub payload: &'a [u8],
}

/// The half that reads.
pub struct Inbox {
    read: Reader<ReadHalf<Io>>,
    obliged: mpsc::Sender<Frame<'static>>,
    max_message: usize,
    note: Box<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("max_message", &self.max_message).finish_non_exhaustive()
    }
}

impl Inbox {
    /// From now on calls `note` for each frame that comes, pings and pongs included: signs of life.
    pub fn note_each(&mut self, note: impl Fn() + Send + Sync + 'static) {
        self.note = Box::new(note);
    }

    /// Hands data frames to `take` until it has a whole message, or refuses. Not cancel-safe.
    ///
    /// # Errors
    /// See [`Ended`]. The limit holds for each frame: `take` checks the sum of a message's pieces.
    pub async fn next<M, E: From<Ended>>(
        &mut self,
        mut take: impl FnMut(Piece<'_>) -> Result<Option<M>, E>,
    ) -> Result<M, E> {
        loop {
            let frame = self.read.frame().await?;
            (self.note)();
            let kind = match frame.opcode {
                OpCode::Text => Kind::Text,
                OpCode::Binary => Kind::Binary,
                OpCode::Continuation => Kind::Continuation,
                OpCode::Close => {
                    let close = Close::read(&frame.payload);
                    self.oblige(Frame::close_raw(frame.payload.into()));
                    return Err(Ended::Closed(close).into());
                }
                OpCode::Ping => {
                    self.oblige(Frame::pong(frame.payload.into()));
                    continue;
                }
                OpCode::Pong => continue,
            };
            let piece = Piece { kind, is_last: frame.is_last, payload: &frame.payload };
            if let Some(message) = take(piece)? {
                return Ok(message);
            }
        }
    }

    fn oblige(&self, frame: Frame<'static>) {
        let _dropped_when_full = self.obliged.try_send(frame);
    }

    /// To be called after our close frame, unless the peer closed first: a side that leaves with bytes unread resets the
    /// connection, and the close frame is lost with it. Reads until the peer has gone, for a second and a few megabytes
    /// at most.
    pub async fn linger(mut self) {
        let gone = async {
            let mut bytes = 0;
            while bytes < LINGER_BYTES {
                match self.read.discard().await {
                    Ok(0) | Err(_) => return,
                    Ok(count) => bytes += count,
                }
                tokio::task::yield_now().await;
            }
        };
        let _gone_or_late = timeout(LINGER, gone).await;
    }
}

/// Something that the protocol obliges us to send.
pub struct Obligation(Frame<'static>);

impl fmt::Debug for Obligation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Obligation").field(&self.0.opcode).finish()
    }
}

/// The obligations of one socket.
#[derive(Debug)]
pub struct Obligations(mpsc::Receiver<Frame<'static>>);

impl Obligations {
    /// Waits for the next. Cancel-safe; `None` once the inbox is gone.
    pub async fn next(&mut self) -> Option<Obligation> {
        self.0.recv().await.map(Obligation)
    }
}

/// The half that writes. Each send returns when the kernel has the frame.
pub struct Outbox {
    write: WebSocketWrite<WriteHalf<Io>>,
    obligations: Obligations,
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").finish_non_exhaustive()
    }
}

impl Outbox {
    /// Waits until reading obliges to send something. Cancel-safe; ends when the inbox is gone.
    pub async fn obligation(&mut self) -> Option<Obligation> {
        self.obligations.next().await
    }

    /// Takes the obligations out, for a writer that is shared: [`obligation`](Self::obligation) has none any more.
    pub fn take_obligations(&mut self) -> Obligations {
        std::mem::replace(&mut self.obligations, Obligations(mpsc::channel(1).1))
    }

    /// # Errors
    /// As all sends: [`Error::Broken`].
    pub async fn fulfil(&mut self, obligation: Obligation) -> Result<(), Error> {
        self.send(obligation.0).await
    }

    /// # Errors
    /// [`Error::Broken`].
    pub async fn text(&mut self, text: &str) -> Result<(), Error> {
        self.text_bytes(text.as_bytes()).await
    }

    /// `text` must be UTF-8.
    ///
    /// # Errors
    /// [`Error::Broken`].
    pub async fn text_bytes(&mut self, text: &[u8]) -> Result<(), Error> {
        self.send(Frame::text(Payload::Borrowed(text))).await
    }

    /// # Errors
    /// [`Error::Broken`].
    pub async fn binary(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.send(Frame::binary(Payload::Borrowed(bytes))).await
    }

    /// A client masks what it sends: in place if the bytes are this caller's alone, in a copy otherwise.
    ///
    /// # Errors
    /// [`Error::Broken`].
    pub async fn binary_owned(&mut self, bytes: Bytes) -> Result<(), Error> {
        let payload = match bytes.try_into_mut() {
            Ok(own) => Payload::Bytes(own),
            Err(shared) => Payload::Owned(shared.to_vec()),
        };
        self.send(Frame::binary(payload)).await
    }

    /// One message in pieces: as it came, or so that a picture is not copied to stand behind its header.
    ///
    /// # Errors
    /// [`Error::Broken`].
    pub async fn pieces<P: AsRef<[u8]>>(&mut self, is_text: bool, pieces: &[P]) -> Result<(), Error> {
        let last = pieces.len().saturating_sub(1);
        for (at, piece) in pieces.iter().enumerate() {
            let opcode = match (at, is_text) {
                (0, true) => OpCode::Text,
                (0, false) => OpCode::Binary,
                _ => OpCode::Continuation,
            };
            let frame = Frame::new(at == last, opcode, None, Payload::Borrowed(piece.as_ref()));
            self.write.write_frame(frame).await.map_err(|error| Error::broken(&error))?;
        }
        self.flush().await
    }

    /// # Errors
    /// [`Error::Broken`].
    pub async fn ping(&mut self) -> Result<(), Error> {
        self.send(Frame::new(true, OpCode::Ping, None, Payload::Borrowed(b""))).await
    }

    /// The last frame to a peer that closed, or whose bytes cannot be read any further: the answer to its close, or why
    /// the connection ends.
    ///
    /// # Errors
    /// [`Error::Broken`].
    pub async fn farewell(&mut self, ended: &Ended) -> Result<(), Error> {
        match ended {
            Ended::Closed(_) | Ended::Gone => {
                while let Ok(obliged) = self.obligations.0.try_recv() {
                    self.send(obliged).await?;
                }
                Ok(())
            }
            Ended::TooLarge { .. } => self.close(close::TOO_LARGE, &ended.to_string()).await,
            Ended::Protocol(_) => self.close(close::PROTOCOL, &ended.to_string()).await,
        }
    }

    /// Sends a close frame. A reason that is too long for one is cut.
    ///
    /// # Errors
    /// [`Error::Broken`].
    pub async fn close(&mut self, code: u16, reason: &str) -> Result<(), Error> {
        let reason = &reason[..reason.floor_char_boundary(MAX_REASON_BYTES)];
        self.send(Frame::close(code, reason.as_bytes())).await
    }

    async fn send(&mut self, frame: Frame<'_>) -> Result<(), Error> {
        self.write.write_frame(frame).await.map_err(|error| Error::broken(&error))?;
        self.flush().await
    }

    /// TLS would keep the end of a frame, and count it as sent.
    async fn flush(&mut self) -> Result<(), Error> {
        self.write.flush().await.map_err(|error| Error::broken(&error))
    }
}

#[cfg(test)]
mod tests;
