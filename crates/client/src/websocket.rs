//! One WebSocket to a hub, as publishing and uploading need it: opening it, writing whole messages, keeping what the hub
//! says until it is read, and knowing why the connection ended. What the messages mean is the caller's.

use crate::connect::{self, ANSWER_TIMEOUT, Purpose};
use crate::{Endpoint, Error};
use bytes::Bytes;
use http::uri::InvalidUri;
use http::{Method, Uri};
use net::AbortOnDrop;
use net::ws::{self, Close, Ended, Inbox, Kind, Outbox};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;
use wire::fragments::{self, Assembler, Part};

/// How long closing waits for the hub, and how long a failed write waits for the hub's reason.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// What is kept of the hub's texts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Texts {
    /// Texts that wait to be read.
    pub(crate) room: usize,
    pub(crate) longest_bytes: usize,
    pub(crate) when_full: WhenFull,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhenFull {
    /// A caller that needs the texts reads them.
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

/// An open connection. Dropping it closes the socket without a close frame.
pub(crate) struct Socket {
    url: String,
    sender: Sender,
    texts: mpsc::Receiver<String>,
    reader: AbortOnDrop,
}

/// The sending half; clones share it.
#[derive(Clone)]
pub(crate) struct Sender {
    outbox: Arc<Mutex<Outbox>>,
    /// Set by the reader when the connection has ended.
    ended: Arc<OnceLock<End>>,
}

impl Socket {
    /// Opens it. Texts for which `sift` is true are used up by it; the others wait to be read. The hub's refusal is
    /// [`Error::Refused`] with its status and message.
    pub(crate) async fn open(
        endpoint: &Endpoint,
        path: &str,
        purpose: Purpose,
        kept: Texts,
        sift: impl FnMut(&str) -> bool + Send + 'static,
    ) -> Result<Socket, Error> {
        // A query may hold a key.
        let url = endpoint.url(path.split('?').next().unwrap_or(path));
        let socket = upgrade(endpoint, path, &url, purpose).await?;
        let (inbox, mut outbox) = ws::split(socket, ws::Peer::Server, kept.longest_bytes);
        let mut obligations = outbox.take_obligations();
        let sender = Sender { outbox: Arc::new(Mutex::new(outbox)), ended: Arc::default() };
        let (received, texts) = mpsc::channel(kept.room);
        let Sender { outbox, ended } = sender.clone();
        let reader = AbortOnDrop::spawn(async move {
            let answering = async {
                while let Some(obligation) = obligations.next().await {
                    // Where the hub has closed its side already, its reason is worth more than the failure to answer.
                    let _ = outbox.lock().await.fulfil(obligation).await;
                }
            };
            let (end, ()) = tokio::join!(listen(inbox, kept, received, sift), answering);
            // Only this task sets it.
            let _ = ended.set(end);
        });
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
            Ok(Err(net::Error::Broken { reason })) => Err(self.end(&reason).await),
            Ok(Err(error)) => Err(Error::at(&self.url, error)),
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

    /// Closes in order, so that the hub knows that we meant to go.
    pub(crate) async fn close(mut self) {
        let closing = async { self.sender.outbox.lock().await.close(ws::close::NORMAL, "").await };
        // Whether it arrives changes nothing for us any more.
        let _ = timeout(CLOSE_TIMEOUT, closing).await;
        self.reader.finished(CLOSE_TIMEOUT).await;
    }

    /// Why the connection has ended: the reason the hub gave is better than `otherwise`, the kernel's "broken pipe".
    pub(crate) async fn end(&mut self, otherwise: &str) -> Error {
        self.reader.finished(CLOSE_TIMEOUT).await;
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
    pub(crate) async fn write(&self, messages: impl IntoIterator<Item = Message>) -> Result<(), net::Error> {
        let mut outbox = self.outbox.lock().await;
        for message in messages {
            match message {
                Message::Text(text) => outbox.text(&text).await?,
                Message::Binary(bytes) => outbox.binary_owned(bytes).await?,
            }
        }
        Ok(())
    }
}

async fn upgrade(endpoint: &Endpoint, path: &str, url: &str, purpose: Purpose) -> Result<ws::Socket, Error> {
    let bad = |error: InvalidUri| Error::BadUrl { url: url.to_owned(), reason: error.to_string() };
    endpoint.request_path(path).parse::<Uri>().map_err(bad)?;
    let request = connect::request(endpoint, Method::GET, path);
    let mut http = connect::open(endpoint, purpose).await?;
    match ws::open(&mut http, request, ANSWER_TIMEOUT).await {
        Ok(ws::Answer::Open(socket)) => Ok(socket),
        Ok(ws::Answer::Refused(answer)) if answer.status().is_success() => {
            let reason = format!("{} instead of a WebSocket; is this a Framehub?", answer.status());
            Err(Error::BadReply { url: url.to_owned(), reason })
        }
        Ok(ws::Answer::Refused(answer)) => Err(connect::refusal(url, answer).await),
        Err(error) => Err(Error::at(url, error)),
    }
}

/// Reads texts until the connection ends.
async fn listen(
    mut inbox: Inbox,
    kept: Texts,
    received: mpsc::Sender<String>,
    mut sift: impl FnMut(&str) -> bool,
) -> End {
    let mut assembler = Assembler::joining(kept.longest_bytes);
    loop {
        let message = match next(&mut inbox, &mut assembler).await {
            Ok(message) => message,
            Err(end) => return end,
        };
        let is_text = message.is_text();
        let Ok(text) = String::from_utf8(message.into_bytes().into()) else { continue };
        if !is_text || sift(&text) {
            continue;
        }
        // A receiver that is gone takes the socket with it.
        match kept.when_full {
            WhenFull::Drop => drop(received.try_send(text)),
            WhenFull::Wait => drop(received.send(text).await),
        }
    }
}

async fn next(inbox: &mut Inbox, assembler: &mut Assembler) -> Result<fragments::Message, End> {
    let assemble = |piece: ws::Piece<'_>| {
        let part = match piece.kind {
            Kind::Text => Part::Text,
            Kind::Binary => Part::Binary,
            Kind::Continuation => Part::Continuation,
        };
        let whole = assembler.push(part, piece.is_last, piece.payload);
        whole.map_err(|error| End { close_code: None, reason: error.to_string() })
    };
    inbox.next(assemble).await
}

impl From<Ended> for End {
    fn from(ended: Ended) -> End {
        let (close_code, reason) = match ended {
            Ended::Closed(Close { code: None, .. }) => (None, "the hub closed it".to_owned()),
            Ended::Closed(Close { code: Some(code), reason }) => {
                let reason = match reason.trim() {
                    "" => format!("the hub closed it with code {code}"),
                    said => format!("the hub closed it: {said} (code {code})"),
                };
                (Some(code), reason)
            }
            Ended::Gone => (None, "the hub closed it without a reason".to_owned()),
            other => (None, other.to_string()),
        };
        End { close_code, reason }
    }
}
