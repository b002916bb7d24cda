//! Frames into one stream over one WebSocket, `GET /publish/NAME`: each frame is a binary message, its
//! metadata (if it has any) a text message before it. The fastest way in: no request per frame.
//!
//! A [`Publisher`] is one connection and ends with it; `reconnect::Reconnecting` is one that comes back.

use crate::connect::Purpose;
use crate::websocket::{Message, Socket, Texts, WhenFull};
use crate::{Endpoint, Error};
use bytes::Bytes;
use std::time::Duration;
use tokio::sync::watch;

/// What is known about a frame beside its picture, and what the hub says about a frame.
pub use wire::publish::{Demand, Metadata, Reply};

/// One frame may take this long to be sent. What is slower is not live video, and a hub that stopped
/// reading must be noticed.
const SEND_TIMEOUT: Duration = Duration::from_secs(15);

/// A caller that asks for acks reads them; a reply is a line of JSON.
const REPLIES: Texts = Texts { room: 256, longest_bytes: 64 * 1024, when_full: WhenFull::Drop };

#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Ask for a JSON reply to each frame; [`Publisher::reply`] hands them over.
    pub acks: bool,
    /// Ask who reads the stream ([`Publisher::demand`]), and which frames were refused.
    pub demand: bool,
    /// Replace a publisher that is connected to the stream.
    pub takeover: bool,
    /// Further query of the request, without the leading `?`.
    pub query: Option<String>,
}

/// An open connection to one stream. Dropping it closes the socket without a close frame.
pub struct Publisher {
    socket: Socket,
    demand: watch::Receiver<Option<Demand>>,
}

impl std::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Publisher").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl Publisher {
    /// Opens the WebSocket. The hub's refusal (no right, name taken, too many streams) is
    /// [`Error::Refused`] with its status and message.
    pub async fn connect(endpoint: &Endpoint, stream: &str, options: &Options) -> Result<Publisher, Error> {
        let path = with_query(format!("/publish/{stream}"), options);
        let (wanted, demand) = watch::channel(None);
        // Of the demand only the newest counts, so that it needs no place among the replies.
        let sift = move |text: &str| {
            let demand = Demand::parse(text).map(|demand| wanted.send_replace(Some(demand)));
            demand.is_some()
        };
        let socket = Socket::open(endpoint, &path, Purpose::Send, REPLIES, sift).await?;
        Ok(Publisher { socket, demand })
    }

    /// `http://…/publish/NAME`, for messages.
    pub fn url(&self) -> &str {
        self.socket.url()
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
        let text = (*meta != Metadata::default()).then(|| Message::Text(meta.to_json()));
        let messages = text.into_iter().chain([Message::Binary(jpeg)]);
        self.socket.send(messages, "sending a frame", SEND_TIMEOUT).await
    }

    /// The next reply; waits for it. `None` once the connection has ended.
    pub async fn reply(&mut self) -> Option<Reply> {
        loop {
            // An unknown message is no error: a later hub may send more kinds.
            if let Some(reply) = Reply::parse(&self.socket.text().await?) {
                return Some(reply);
            }
        }
    }

    /// The next reply if one has come already.
    pub fn try_reply(&mut self) -> Option<Reply> {
        std::iter::from_fn(|| self.socket.try_text()).find_map(|text| Reply::parse(&text))
    }

    /// Who reads the stream, as the hub said last; `None` before it did, or without [`Options::demand`].
    pub fn demand(&self) -> Option<Demand> {
        *self.demand.borrow()
    }

    /// Waits until the hub says who reads the stream; an error once the connection has ended. Cancel-safe.
    pub async fn next_demand(&mut self) -> Result<Demand, Error> {
        loop {
            if self.demand.changed().await.is_err() {
                // The reader has dropped its end; it says why right after.
                return Err(self.socket.end("it is no longer read").await);
            }
            if let Some(demand) = *self.demand.borrow_and_update() {
                return Ok(demand);
            }
        }
    }

    /// Closes in order, so that the hub knows that the publisher meant to go.
    pub async fn close(self) {
        self.socket.close().await;
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
