//! Frames into one stream over one WebSocket, `GET /publish/NAME`: each frame is a binary message, its
//! metadata (if it has any) a text message before it. The fastest way in: no request per frame.
//!
//! A [`Publisher`] is one connection and ends with it; who wants it to come back wraps it in
//! [`crate::reconnect::Reconnecting`].

use crate::connect::{self, ANSWER_TIMEOUT, Owned, Purpose};
use crate::{Endpoint, Error};
use bytes::Bytes;
use fastwebsockets::{
    FragmentCollectorRead, Frame, OpCode, Payload, Role, WebSocket, WebSocketError, WebSocketWrite, handshake,
};
use http::{Method, StatusCode, header};
use http_body_util::Empty;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::io::{ReadHalf, WriteHalf};
use tokio::sync::{Mutex, mpsc, watch};
use tokio::time::timeout;

/// What is known about a frame beside its picture, and what the hub says about a frame.
pub use wire::publish::{Demand, Metadata, Reply};

/// One frame may take this long to be sent. What is slower is not live video, and a hub that stopped
/// reading must be noticed.
const SEND_TIMEOUT: Duration = Duration::from_secs(15);

/// How long [`Publisher::close`] and a failed send wait for the hub's last words.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(1);

/// Replies that wait to be taken; further ones are dropped. Who asks for acks reads them.
const MOST_REPLIES: usize = 256;

/// A reply is a line of JSON.
const LONGEST_REPLY_BYTES: usize = 64 * 1024;

type Stream = TokioIo<Upgraded>;
type Writer = Arc<Mutex<WebSocketWrite<WriteHalf<Stream>>>>;

#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Ask for a JSON reply to each frame; [`Publisher::reply`] hands them over.
    pub acks: bool,
    /// Ask to be told who reads the stream ([`Publisher::demand`]), and which frames were refused.
    pub demand: bool,
    /// Replace a publisher that is connected to the stream.
    pub takeover: bool,
    /// Further query of the request, without the leading `?`.
    pub query: Option<String>,
}

/// An open connection to one stream. Dropping it closes the socket without a farewell.
pub struct Publisher {
    url: String,
    writer: Writer,
    replies: mpsc::Receiver<Reply>,
    demand: watch::Receiver<Option<Demand>>,
    /// Set by the reader when the connection has ended.
    ended: Arc<OnceLock<End>>,
    reader: Owned,
}

impl std::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Publisher").field("url", &self.url).finish_non_exhaustive()
    }
}

/// How the connection ended, as the reader saw it.
#[derive(Debug)]
struct End {
    close_code: Option<u16>,
    reason: String,
}

impl Publisher {
    /// Opens the WebSocket. The hub's refusal (no right, name taken, too many streams) is
    /// [`Error::Refused`] with its status and words.
    pub async fn connect(endpoint: &Endpoint, stream: &str, options: &Options) -> Result<Publisher, Error> {
        let path = format!("/publish/{stream}");
        let url = endpoint.url(&path);
        let socket = upgrade(endpoint, &with_query(path, options), &url).await?;
        Ok(Publisher::start(url, socket))
    }

    fn start(url: String, mut socket: WebSocket<Stream>) -> Publisher {
        socket.set_max_message_size(LONGEST_REPLY_BYTES);
        socket.set_writev(true);
        let (read, write) = socket.split(tokio::io::split);
        let writer = Arc::new(Mutex::new(write));
        let ended = Arc::new(OnceLock::new());
        let (told, replies) = mpsc::channel(MOST_REPLIES);
        let (wanted, demand) = watch::channel(None);
        let reader = {
            let (writer, ended) = (writer.clone(), ended.clone());
            Owned::spawn(async move {
                let end = listen(FragmentCollectorRead::new(read), writer, told, wanted).await;
                // Only this task sets it.
                let _ = ended.set(end);
            })
        };
        Publisher { url, writer, replies, demand, ended, reader }
    }

    /// `http://…/publish/NAME`, for messages.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Sends one frame, and `meta` in a message before it if it says anything. Returns once the kernel has taken the
    /// frame, which on a slow link is once most of it has left.
    ///
    /// Not cancel-safe: a send that is dropped half-way leaves the connection unusable.
    ///
    /// # Errors
    /// [`Error::Closed`] with the hub's reason where it gave one, [`Error::Timeout`]; the connection is
    /// over in both cases.
    pub async fn send(&mut self, jpeg: Bytes, meta: &Metadata) -> Result<(), Error> {
        if let Some(end) = self.ended.get() {
            return Err(self.closed(end));
        }
        let write = async {
            let mut writer = self.writer.lock().await;
            if *meta != Metadata::default() {
                writer.write_frame(Frame::text(meta.to_json().into_bytes().into())).await?;
            }
            // A client masks what it sends: in place if the frame is ours alone, in a copy otherwise.
            let payload = match jpeg.try_into_mut() {
                Ok(own) => Payload::Bytes(own),
                Err(shared) => Payload::Owned(shared.to_vec()),
            };
            writer.write_frame(Frame::binary(payload)).await
        };
        let written = timeout(SEND_TIMEOUT, write).await;
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.broken(&error).await),
            Err(_) => {
                Err(Error::Timeout { url: self.url.clone(), what: "sending a frame", after: SEND_TIMEOUT })
            }
        }
    }

    /// The next reply; waits for it. `None` once the connection has ended.
    pub async fn reply(&mut self) -> Option<Reply> {
        self.replies.recv().await
    }

    /// The next reply if one has come already.
    pub fn try_reply(&mut self) -> Option<Reply> {
        self.replies.try_recv().ok()
    }

    /// Who reads the stream, as the hub told last; `None` before it did, or where [`Options::demand`] did not ask.
    pub fn demand(&self) -> Option<Demand> {
        *self.demand.borrow()
    }

    /// Waits until the hub tells who reads the stream; an error once the connection has ended. Cancel-safe.
    pub async fn next_demand(&mut self) -> Result<Demand, Error> {
        loop {
            if self.demand.changed().await.is_err() {
                // The reader has dropped its end; it sets why right after.
                self.reader.finished(FAREWELL_TIMEOUT).await;
                return Err(match self.ended.get() {
                    Some(end) => self.closed(end),
                    None => Error::Closed {
                        url: self.url.clone(),
                        close_code: None,
                        reason: "it is no longer read".to_owned(),
                    },
                });
            }
            if let Some(demand) = *self.demand.borrow_and_update() {
                return Ok(demand);
            }
        }
    }

    /// Says farewell, so that the hub knows that the publisher meant to go.
    pub async fn close(mut self) {
        let farewell = async {
            let mut writer = self.writer.lock().await;
            writer.write_frame(Frame::close(1000, b"")).await
        };
        // Whether it arrives changes nothing for us any more.
        let _ = timeout(FAREWELL_TIMEOUT, farewell).await;
        self.reader.finished(FAREWELL_TIMEOUT).await;
    }

    /// The error of a failed write: the reason the hub gave is better than the kernel's "broken pipe".
    async fn broken(&mut self, error: &WebSocketError) -> Error {
        self.reader.finished(FAREWELL_TIMEOUT).await;
        match self.ended.get() {
            Some(end) => self.closed(end),
            None => Error::Closed { url: self.url.clone(), close_code: None, reason: error.to_string() },
        }
    }

    fn closed(&self, end: &End) -> Error {
        Error::Closed { url: self.url.clone(), close_code: end.close_code, reason: end.reason.clone() }
    }
}

fn with_query(path: String, options: &Options) -> String {
    let acks = options.acks.then_some("ack=1");
    let demand = options.demand.then_some("demand=1");
    let takeover = options.takeover.then_some("takeover=1");
    let query: Vec<&str> =
        options.query.as_deref().into_iter().chain(takeover).chain(acks).chain(demand).collect();
    if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
}

async fn upgrade(endpoint: &Endpoint, path: &str, url: &str) -> Result<WebSocket<Stream>, Error> {
    let request = connect::request(endpoint, Method::GET, path)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_KEY, handshake::generate_key())
        .body(Empty::<Bytes>::new())
        .map_err(|error| Error::BadUrl { url: url.to_owned(), reason: error.to_string() })?;
    let (mut sender, _driver) = connect::open(endpoint, Purpose::Send).await?;
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

/// Reads until the connection ends: replies are handed on, pings answered.
async fn listen(
    mut socket: FragmentCollectorRead<ReadHalf<Stream>>,
    writer: Writer,
    told: mpsc::Sender<Reply>,
    wanted: watch::Sender<Option<Demand>>,
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
                // Words we do not know are no error: a later hub may say more.
                let text = str::from_utf8(&frame.payload).unwrap_or_default();
                if let Some(demand) = Demand::parse(text) {
                    wanted.send_replace(Some(demand));
                } else if let Some(reply) = Reply::parse(text) {
                    // Nobody reads replies, or too slowly: see MOST_REPLIES.
                    let _ = told.try_send(reply);
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
