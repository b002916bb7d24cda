//! Publishing over a WebSocket: each binary message is a frame, a text message is the metadata of the next one.

use std::sync::Arc;

use axum::{extract::Request, response::Response};
use fastwebsockets::WebSocketError;
use hub::{CaptureTime, StreamName};
use tokio::sync::mpsc;
use wire::publish::{self, Metadata};

use super::{Arrival, Door, Query, door::Refusal};
use crate::{
    App,
    error::ApiError,
    websocket::{self, Ended, Inbox, Message, Outbox, close},
};

/// Replies waiting to be sent; a client that asks for acknowledgements and does not read them is slowed down.
const REPLIES: usize = 64;

pub(crate) fn response(
    app: Arc<App>,
    name: StreamName,
    query: Query,
    request: Request,
) -> Result<Response, ApiError> {
    let door = Door::open(Arc::clone(&app), name, query.claim())?;
    // One byte more than a frame may have, so that the door can say what is wrong with one that is too large.
    let max_message = app.settings().max_frame_bytes.max(publish::MAX_MESSAGE_BYTES) + 2;
    Ok(websocket::accept(request, max_message, move |inbox, outbox| async move {
        let (replies, to_send) = mpsc::channel(REPLIES);
        let reader = Reader { app: &app, inbox, door, replies: replies.clone(), acks: query.ack };
        let reading = async {
            let goodbye = reader.run().await;
            let _writer_is_gone = replies.send(goodbye).await;
            // The writer ends the conversation, once the last word is said.
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = reading => {}
            result = write(&app, outbox, to_send) => {
                if let Err(error) = result {
                    tracing::debug!(%error, "WebSocket publisher left");
                }
            }
        }
    }))
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

async fn write(
    app: &App,
    mut outbox: Outbox,
    mut replies: mpsc::Receiver<Reply>,
) -> Result<(), WebSocketError> {
    let heartbeat = app.settings().heartbeat;
    loop {
        tokio::select! {
            Some(reply) = replies.recv() => match reply {
                Reply::Text(text) => outbox.text(&text).await?,
                Reply::Goodbye { code, reason } => return outbox.close(code, &reason).await,
            },
            () = app.shutdown().cancelled() => return outbox.close(close::GOING_AWAY, "the hub is shutting down").await,
            Some(obligation) = outbox.obligation() => outbox.fulfil(obligation).await?,
            () = tokio::time::sleep(heartbeat) => outbox.ping().await?,
        }
    }
}

struct Reader<'a> {
    app: &'a App,
    inbox: Inbox,
    door: Door,
    replies: mpsc::Sender<Reply>,
    acks: bool,
}

impl Reader<'_> {
    async fn run(mut self) -> Reply {
        let mut metadata = Metadata::default();
        loop {
            let message =
                match tokio::time::timeout(self.app.settings().publisher_idle, self.inbox.next()).await {
                    Ok(Ok(message)) => message,
                    Ok(Err(ended)) => return self.last_word(&ended),
                    Err(_elapsed) => return Reply::goodbye(close::POLICY, "no frame came for too long"),
                };
            match message {
                Message::Text(text) => match Metadata::parse(&text) {
                    Ok(parsed) => metadata = parsed,
                    Err(error) => self.reply(publish::error(&error.to_string(), error.code())).await,
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
        let arrival = Arrival {
            bytes,
            captured: metadata.captured.and_then(CaptureTime::from_unix_secs),
            source_seq: metadata.seq,
            metadata: metadata.rest,
        };
        match self.door.admit(arrival).await {
            Ok(frame) => self.reply(publish::ack(self.door.name().as_str(), frame.seq, frame_size)).await,
            Err(Refusal::Picture(error)) => self.reply(publish::error(error.message(), error.code())).await,
            Err(Refusal::Stream(error)) => {
                self.reply(publish::error(error.message(), error.code())).await;
                return Err(Reply::goodbye(close::POLICY, error.message()));
            }
        }
        Ok(())
    }

    /// Only a client that asked for replies reads them.
    async fn reply(&mut self, text: String) {
        if self.acks {
            let _writer_is_gone = self.replies.send(Reply::Text(text)).await;
        }
    }

    fn last_word(&self, ended: &Ended) -> Reply {
        let code = match ended {
            Ended::Closed { .. } => close::NORMAL,
            Ended::TooLarge { .. } => {
                self.door.count_rejected();
                close::TOO_LARGE
            }
            Ended::Protocol(_) | Ended::Fragments(_) => close::PROTOCOL,
        };
        Reply::goodbye(code, ended)
    }
}
