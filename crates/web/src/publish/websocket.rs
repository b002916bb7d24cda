//! Publishing over a WebSocket: each binary message is a frame, a text message is the metadata of the next one. A
//! publisher that asks (`?demand=1`) learns who reads its stream, so that it need not make pictures for no one.

use std::sync::Arc;

use axum::{extract::Request, response::Response};
use hub::{CaptureTime, Demand, Publisher, StreamName};
use ingest::{IncomingFrame, Ingest};
use tokio::sync::{mpsc, oneshot};
use wire::publish::{self, Metadata};

use super::{Publishing, Query, open};
use crate::{
    error::ApiError,
    websocket::{self, Ended, Inbox, Message, Outbox, close},
};

/// Replies waiting to be sent; a client that asks for acknowledgements and does not read them is slowed down.
const REPLIES: usize = 64;

pub(crate) fn response(
    publishing: Arc<Publishing>,
    name: StreamName,
    query: Query,
    request: Request,
) -> Result<Response, ApiError> {
    let ingest = open(&publishing, name, query.claim())?;
    // One byte more than a frame may have, so that the ingest can say what is wrong with one that is too large.
    let max_message = publishing.admission.limits().max_bytes.max(publish::MAX_MESSAGE_BYTES) + 2;
    Ok(websocket::accept(request, max_message, move |mut inbox, outbox| async move {
        let (replies, to_send) = mpsc::channel(REPLIES);
        let (announce, announced) = oneshot::channel();
        let demand = query.demand.then(|| demand_now(&publishing, ingest.name()));
        let following = async {
            if let Some(demand) = demand {
                follow_demand(demand, announced, replies.clone()).await;
            }
            std::future::pending::<()>().await;
        };
        let reader = Reader {
            publishing: &publishing,
            inbox: &mut inbox,
            ingest,
            replies: replies.clone(),
            acks: query.ack,
            errors: query.ack || query.demand,
            announce: query.demand.then_some(announce),
        };
        let reading = async {
            let goodbye = reader.run().await;
            let _writer_is_gone = replies.send(goodbye).await;
            // The writer ends the conversation after it has sent the close frame.
            std::future::pending::<()>().await;
        };
        let written = tokio::select! {
            () = reading => return,
            () = following => return,
            written = write(&publishing, outbox, to_send) => written,
        };
        match written {
            Ok(code) if websocket::leaves_unread(code) => inbox.linger().await,
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "WebSocket publisher left"),
        }
    }))
}

/// What readers want of a stream that may have another connection's frames, or none.
fn demand_now(publishing: &Publishing, name: &StreamName) -> Demand {
    publishing.hub.stream(name).map(|stream| stream.demand()).unwrap_or_default()
}

/// Sends the publisher who reads its stream: at once, and after the first frame whenever it changes. Changes that come
/// faster than the publisher reads become one. A publisher that has lost its stream (deleted, taken over) is closed:
/// otherwise it might wait in vain for a reader.
async fn follow_demand(
    mut sent: Demand,
    announced: oneshot::Receiver<Arc<Publisher>>,
    replies: mpsc::Sender<Reply>,
) {
    let send = async |demand: Demand| {
        let Demand { viewers, services } = demand;
        let message = publish::Demand { viewers: viewers as u64, services: services as u64 };
        replies.send(Reply::Text(message.to_json())).await.is_ok()
    };
    if !send(sent).await {
        return;
    }
    let Ok(publisher) = announced.await else { return };
    loop {
        match publisher.demand_other_than(sent).await {
            Ok(demand) => {
                if !send(demand).await {
                    return;
                }
                sent = demand;
            }
            Err(lost) => {
                let _writer_is_gone = replies.send(Reply::goodbye(close::POLICY, lost)).await;
                return;
            }
        }
    }
}

enum Reply {
    Text(String),
    Goodbye { code: u16, reason: String },
}

impl Reply {
    fn goodbye(code: u16, reason: impl ToString) -> Self {
        Self::Goodbye { code, reason: reason.to_string() }
    }
}

/// Returns the code that it closed with.
async fn write(
    publishing: &Publishing,
    mut outbox: Outbox,
    mut replies: mpsc::Receiver<Reply>,
) -> Result<u16, net::Error> {
    let heartbeat = publishing.heartbeat;
    let (code, reason) = loop {
        tokio::select! {
            Some(reply) = replies.recv() => match reply {
                Reply::Text(text) => outbox.text(&text).await?,
                Reply::Goodbye { code, reason } => break (code, reason),
            },
            () = publishing.shutdown.cancelled() => break (close::GOING_AWAY, "the hub is shutting down".to_owned()),
            Some(obligation) = outbox.obligation() => outbox.fulfil(obligation).await?,
            () = tokio::time::sleep(heartbeat) => outbox.ping().await?,
        }
    };
    outbox.close(code, &reason).await?;
    Ok(code)
}

struct Reader<'a> {
    publishing: &'a Publishing,
    inbox: &'a mut Inbox,
    ingest: Ingest,
    replies: mpsc::Sender<Reply>,
    acks: bool,
    errors: bool,
    /// Hands the claim to the future that follows its demand.
    announce: Option<oneshot::Sender<Arc<Publisher>>>,
}

impl Reader<'_> {
    async fn run(mut self) -> Reply {
        let mut metadata = Metadata::default();
        loop {
            let message = match tokio::time::timeout(self.publishing.idle, self.inbox.next()).await {
                Ok(Ok(message)) => message,
                Ok(Err(ended)) => return self.last_word(&ended),
                Err(_elapsed) => return Reply::goodbye(close::POLICY, "no frame came for too long"),
            };
            match message {
                Message::Text(text) => match Metadata::parse(&text) {
                    Ok(parsed) => metadata = parsed,
                    Err(error) => self.refuse(&error.to_string(), error.code()).await,
                },
                Message::Binary(bytes) => {
                    if let Err(goodbye) = self.take(bytes, std::mem::take(&mut metadata)).await {
                        return goodbye;
                    }
                }
            }
        }
    }

    async fn take(&mut self, bytes: bytes::Bytes, metadata: Metadata) -> Result<(), Reply> {
        let frame_size = bytes.len();
        let frame = IncomingFrame {
            bytes,
            captured: metadata.captured.map(CaptureTime::claimed),
            source_seq: metadata.seq,
            metadata: metadata.rest,
        };
        match self.ingest.frame(frame).await {
            Ok(frame) => {
                if self.acks {
                    self.reply(publish::ack(self.ingest.name().as_str(), frame.seq, frame_size)).await;
                }
                self.announce();
            }
            Err(error) => {
                self.refuse(&error.to_string(), error.code()).await;
                if error.ends_stream() {
                    return Err(Reply::goodbye(close::POLICY, error));
                }
            }
        }
        Ok(())
    }

    /// The stream is there: its demand can be followed.
    fn announce(&mut self) {
        let Some(announce) = self.announce.take() else { return };
        if let Some(publisher) = self.ingest.publisher() {
            let _none_follows = announce.send(publisher);
        }
    }

    async fn refuse(&mut self, error: &str, code: &str) {
        if self.errors {
            self.reply(publish::error(error, code)).await;
        }
    }

    /// For a client that asked: another reads no replies.
    async fn reply(&mut self, text: String) {
        let _writer_is_gone = self.replies.send(Reply::Text(text)).await;
    }

    fn last_word(&self, ended: &Ended) -> Reply {
        let code = match ended {
            Ended::Closed(_) => close::NORMAL,
            Ended::TooLarge { .. } => {
                self.ingest.count_rejected();
                close::TOO_LARGE
            }
            Ended::Protocol(_) | Ended::Fragments(_) => close::PROTOCOL,
        };
        Reply::goodbye(code, ended)
    }
}
