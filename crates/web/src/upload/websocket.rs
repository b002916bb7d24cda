//! `GET /stream` as a WebSocket: a client's messages go to its session, those in its mailbox go to the client.

use std::sync::Arc;

use access::{Grant, Scope};
use axum::{extract::Request, response::Response};
use uploads::{CloseReason, Connection, Mailbox};
use wire::upload::MAX_MESSAGE_BYTES;

use super::Uploading;
use crate::{
    error::ApiError,
    websocket::{self, Ended, Inbox, Message, Outbox, close},
};

pub(crate) fn response(
    uploading: Arc<Uploading>,
    grant: Grant,
    request: Request,
) -> Result<Response, ApiError> {
    grant.require_somewhere(Scope::Publish)?;
    // One byte more than a text may have, so that the error can say what is wrong with it.
    let max_message = uploading.uploads.settings().max_frame_bytes.max(MAX_MESSAGE_BYTES + 1);
    Ok(websocket::accept(request, max_message, move |mut inbox, outbox| async move {
        tracing::info!("WebSocket connection accepted");
        let connection = uploading.uploads.connect(move |stream| grant.allows(Scope::Publish, stream));
        let mailbox = connection.mailbox();
        let (closing, closed) = tokio::sync::oneshot::channel();
        let reading = async {
            let goodbye = read(&uploading, &mut inbox, connection).await;
            let _writer_is_gone = closing.send(goodbye);
            // The writer ends the conversation after it has sent the close frame.
            std::future::pending::<()>().await;
        };
        let written = tokio::select! {
            () = reading => return,
            written = write(&uploading, outbox, &mailbox, closed) => written,
        };
        match written {
            Ok(code) if websocket::leaves_unread(code) => inbox.linger().await,
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "an uploading client left"),
        }
    }))
}

/// Why the hub closes the connection.
struct Goodbye {
    code: u16,
    reason: String,
}

/// Dropping the connection leaves its session to a client that resumes.
async fn read(uploading: &Uploading, inbox: &mut Inbox, mut connection: Connection) -> Goodbye {
    let mailbox = connection.mailbox();
    loop {
        mailbox.room().await;
        // A session has a time limit of its own; without one, a client may not keep the connection for longer.
        let next = inbox.next();
        let message = if connection.has_session() {
            next.await
        } else {
            let limit = uploading.uploads.settings().session_timeout;
            match tokio::time::timeout(limit, next).await {
                Ok(message) => message,
                Err(_elapsed) => return goodbye(close::POLICY, "no session was started for too long"),
            }
        };
        match message {
            Ok(Message::Text(text)) => connection.text(&text).await,
            Ok(Message::Binary(bytes)) => connection.payload(bytes).await,
            Err(ended) => return close_for(uploading, &ended),
        }
    }
}

fn close_for(uploading: &Uploading, ended: &Ended) -> Goodbye {
    match ended {
        Ended::Closed(_) => goodbye(close::NORMAL, "the peer closed the WebSocket"),
        Ended::TooLarge { limit } => {
            tracing::debug!(limit, "an upload sent too large a message");
            let megabytes = uploading.uploads.settings().max_frame_bytes / (1024 * 1024);
            goodbye(
                close::TOO_LARGE,
                &format!("a message is larger than {megabytes} MB: raise referee.max_frame_mb"),
            )
        }
        Ended::Protocol(_) | Ended::Fragments(_) => goodbye(close::PROTOCOL, &ended.to_string()),
    }
}

fn goodbye(code: u16, reason: &str) -> Goodbye {
    Goodbye { code, reason: reason.to_owned() }
}

/// Returns the code that it closed with.
async fn write(
    uploading: &Uploading,
    mut outbox: Outbox,
    mailbox: &Mailbox,
    mut closed: tokio::sync::oneshot::Receiver<Goodbye>,
) -> Result<u16, net::Error> {
    let heartbeat = uploading.heartbeat;
    let Goodbye { code, reason } = loop {
        tokio::select! {
            biased;
            queued = mailbox.next() => match queued {
                Ok(queued) => {
                    outbox.text(&queued.message().to_json()).await?;
                    queued.sent();
                }
                Err(CloseReason { reason }) => {
                    let is_stopping = uploading.shutdown.is_cancelled();
                    break goodbye(if is_stopping { close::GOING_AWAY } else { close::POLICY }, &reason);
                }
            },
            Ok(goodbye) = &mut closed => break goodbye,
            () = uploading.shutdown.cancelled() => break goodbye(close::GOING_AWAY, "the hub is shutting down"),
            Some(obligation) = outbox.obligation() => outbox.fulfil(obligation).await?,
            () = tokio::time::sleep(heartbeat) => outbox.ping().await?,
        }
    };
    outbox.close(code, &reason).await?;
    Ok(code)
}
