//! One WebSocket to a hub, as [`crate::publish`] and [`crate::upload`] need it: opening it, writing whole messages,
//! hearing what the hub says, and knowing why it ended. What the messages mean is theirs.

use crate::connect::{self, ANSWER_TIMEOUT, Purpose};
use crate::{Endpoint, Error};
use bytes::Bytes;
use fastwebsockets::{
    FragmentCollectorRead, Frame, OpCode, Payload, Role, WebSocket, WebSocketError, WebSocketWrite, handshake,
};
use http::{Method, StatusCode, header};
use http_body_util::Empty;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use net::AbortOnDrop;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::io::{ReadHalf, WriteHalf};
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;

/// How long a farewell and a failed write wait for the hub's last words.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(1);

type Stream = TokioIo<Upgraded>;
type Writer = Arc<Mutex<WebSocketWrite<WriteHalf<Stream>>>>;

/// What is kept of the hub's texts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inbox {
    /// Texts that wait to be taken.
    pub(crate) room: usize,
    pub(crate) longest_text_bytes: usize,
    pub(crate) when_full: WhenFull,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhenFull {
    /// Whoever asks for texts reads them.
    Drop,
    /// The hub is read no further.
    Wait,
}

/// A message of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    Text(String),
    Binary(Bytes),
}

/// How the connection ended, as the reader saw it.
#[derive(Debug)]
struct End {
    close_code: Option<u16>,
    reason: String,
}

/// An open connection. Dropping it closes the socket without a farewell.
pub(crate) struct Socket {
    url: String,
    sender: Sender,
    texts: mpsc::Receiver<String>,
    reader: AbortOnDrop,
}

/// The sending half; clones share it.
#[derive(Clone)]
pub(crate) struct Sender {
    writer: Writer,
    /// Set by the reader when the connection has ended.
    ended: Arc<OnceLock<End>>,
}

impl Socket {
    /// Opens it. Texts for which `sift` is true are dealt with by it; the others wait to be taken. The hub's refusal is
    /// [`Error::Refused`] with its status and words.
    pub(crate) async fn open(
        endpoint: &Endpoint,
        path: &str,
        purpose: Purpose,
        inbox: Inbox,
        sift: impl FnMut(&str) -> bool + Send + 'static,
    ) -> Result<Socket, Error> {
        // A query may hold a key.
        let url = endpoint.url(path.split('?').next().unwrap_or(path));
        let mut socket = upgrade(endpoint, path, &url, purpose).await?;
        socket.set_max_message_size(inbox.longest_text_bytes);
        socket.set_writev(true);
        let (read, write) = socket.split(tokio::io::split);
        let sender = Sender { writer: Arc::new(Mutex::new(write)), ended: Arc::default() };
        let (told, texts) = mpsc::channel(inbox.room);
        let reader = {
            let sender = sender.clone();
            AbortOnDrop::spawn(async move {
                let read = FragmentCollectorRead::new(read);
                let end = listen(read, sender.writer, told, inbox.when_full, sift).await;
                // Only this task sets it.
                let _ = sender.ended.set(end);
            })
        };
        Ok(Socket { url, sender, texts, reader })
    }

    /// `http://…`, for messages; without a query.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// Sends messages one after the other. Returns once the kernel has taken them.
    ///
    /// Not cancel-safe: a send that is dropped half-way leaves the connection unusable.
    ///
    /// # Errors
    /// [`Error::Closed`] with the hub's reason where it gave one, [`Error::Timeout`] naming `what`; the connection is
    /// over in both cases.
    pub(crate) async fn send(
        &mut self,
        messages: impl IntoIterator<Item = Message>,
        what: &'static str,
        limit: Duration,
    ) -> Result<(), Error> {
        if let Some(end) = self.sender.ended.get() {
            return Err(self.closed(end));
        }
        match timeout(limit, self.sender.write(messages)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                let error = error.to_string();
                Err(self.end(&error).await)
            }
            Err(_) => Err(Error::Timeout { url: self.url.clone(), what, after: limit }),
        }
    }

    /// The next text; waits for it. `None` once the connection has ended. Cancel-safe.
    pub(crate) async fn text(&mut self) -> Option<String> {
        self.texts.recv().await
    }

    /// The next text if one has come already.
    pub(crate) fn try_text(&mut self) -> Option<String> {
        self.texts.try_recv().ok()
    }

    /// Says farewell, so that the hub knows that we meant to go.
    pub(crate) async fn close(mut self) {
        let farewell = async {
            let mut writer = self.sender.writer.lock().await;
            writer.write_frame(Frame::close(1000, b"")).await
        };
        // Whether it arrives changes nothing for us any more.
        let _ = timeout(FAREWELL_TIMEOUT, farewell).await;
        self.reader.finished(FAREWELL_TIMEOUT).await;
    }

    /// Why the connection has ended: the reason the hub gave is better than `otherwise`, the kernel's "broken pipe".
    pub(crate) async fn end(&mut self, otherwise: &str) -> Error {
        self.reader.finished(FAREWELL_TIMEOUT).await;
        match self.sender.ended.get() {
            Some(end) => self.closed(end),
            None => Error::Closed { url: self.url.clone(), close_code: None, reason: otherwise.to_owned() },
        }
    }

    fn closed(&self, end: &End) -> Error {
        Error::Closed { url: self.url.clone(), close_code: end.close_code, reason: end.reason.clone() }
    }
}

impl Sender {
    /// As [`Socket::send`], without a limit.
    pub(crate) async fn write(
        &self,
        messages: impl IntoIterator<Item = Message>,
    ) -> Result<(), WebSocketError> {
        let mut writer = self.writer.lock().await;
        for message in messages {
            let frame = match message {
                Message::Text(text) => Frame::text(text.into_bytes().into()),
                // A client masks what it sends: in place if the bytes are ours alone, in a copy otherwise.
                Message::Binary(bytes) => Frame::binary(match bytes.try_into_mut() {
                    Ok(own) => Payload::Bytes(own),
                    Err(shared) => Payload::Owned(shared.to_vec()),
                }),
            };
            writer.write_frame(frame).await?;
        }
        Ok(())
    }
}

async fn upgrade(
    endpoint: &Endpoint,
    path: &str,
    url: &str,
    purpose: Purpose,
) -> Result<WebSocket<Stream>, Error> {
    let request = connect::request(endpoint, Method::GET, path)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_KEY, handshake::generate_key())
        .body(Empty::<Bytes>::new())
        .map_err(|error| Error::BadUrl { url: url.to_owned(), reason: error.to_string() })?;
    let (mut sender, _driver) = connect::open(endpoint, purpose).await?;
    let mut answer = connect::ask(&mut sender, request, url, ANSWER_TIMEOUT).await?;
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(no_upgrade(url, answer).await);
    }
    let upgraded = timeout(ANSWER_TIMEOUT, hyper::upgrade::on(&mut answer))
        .await
        .map_err(|_| Error::Timeout { url: url.to_owned(), what: "the upgrade", after: ANSWER_TIMEOUT })?
        .map_err(|error| connect::broken(url, &error))?;
    Ok(WebSocket::after_handshake(TokioIo::new(upgraded), Role::Client))
}

async fn no_upgrade(url: &str, answer: http::Response<hyper::body::Incoming>) -> Error {
    if answer.status().is_success() {
        let reason = format!("{} instead of a WebSocket; is this a Framehub?", answer.status());
        return Error::BadReply { url: url.to_owned(), reason };
    }
    connect::refusal(url, answer).await
}

/// Reads until the connection ends: texts are handed on, pings answered.
async fn listen(
    mut socket: FragmentCollectorRead<ReadHalf<Stream>>,
    writer: Writer,
    told: mpsc::Sender<String>,
    when_full: WhenFull,
    mut sift: impl FnMut(&str) -> bool,
) -> End {
    loop {
        let mut answer = |frame| {
            let writer = writer.clone();
            async move {
                // Where the hub has closed its side already, its reason is worth more than the failure to
                // answer it.
                let _ = writer.lock().await.write_frame(frame).await;
                Ok::<(), WebSocketError>(())
            }
        };
        let frame = match socket.read_frame(&mut answer).await {
            Ok(frame) => frame,
            Err(error) => return End { close_code: None, reason: words(&error) },
        };
        match frame.opcode {
            OpCode::Text => {
                let Ok(text) = String::from_utf8(frame.payload.to_vec()) else { continue };
                if sift(&text) {
                    continue;
                }
                // A receiver that is gone takes the socket with it.
                match when_full {
                    WhenFull::Drop => drop(told.try_send(text)),
                    WhenFull::Wait => drop(told.send(text).await),
                }
            }
            OpCode::Close => return closing(&frame.payload),
            _ => {}
        }
    }
}

fn words(error: &WebSocketError) -> String {
    match error {
        WebSocketError::UnexpectedEOF => "the hub closed it without a word".to_owned(),
        other => other.to_string(),
    }
}

fn closing(payload: &[u8]) -> End {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return End { close_code: None, reason: "the hub closed it".to_owned() };
    };
    let code = u16::from_be_bytes(*code);
    let reason = match String::from_utf8_lossy(reason).trim() {
        "" => format!("the hub closed it with code {code}"),
        said => format!("the hub closed it: {said} (code {code})"),
    };
    End { close_code: Some(code), reason }
}
