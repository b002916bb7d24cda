//! Publishing over a WebSocket: each binary message is a frame, a text message is the metadata of the next one.

use std::sync::Arc;

use axum::{extract::Request, response::Response};
use fastwebsockets::WebSocketError;
use hub::{CaptureTime, Frame, StreamName};
use tokio::{sync::mpsc, time::Instant};
use wire::publish::{self, Metadata};

use super::{Arrival, Door, Query, door::Refusal};
use crate::{
    App,
    error::ApiError,
    websocket::{self, Ended, Inbox, Message, Outbox, close},
};

/// Replies waiting for a client that asked for acknowledgements; one that does not read them is slowed down.
const REPLIES: usize = 64;

pub(crate) fn response(
    app: Arc<App>,
    name: StreamName,
    query: Query,
    request: Request,
) -> Result<Response, ApiError> {
    let door = Door::open(Arc::clone(&app), name, query.claim())?;
    // One byte more than a frame may have, so that the door can say what is wrong with one that is too large.
    let max_message = app.settings().max_frame_bytes.max(publish::MAX_MESSAGE_BYTES) + 1;
    Ok(websocket::accept(request, max_message, move |inbox, outbox| async move {
        let (replies, to_send) = mpsc::channel(REPLIES);
        let reading = read(&app, inbox, door, query.ack.then_some(replies));
        let writing = write(&app, outbox, to_send);
        // The reader ends the conversation; its last word is the writer's to send.
        let (goodbye, mut outbox) = futures(reading, writing).await;
        if let Some(outbox) = outbox.as_mut() {
            let _peer_may_be_gone = outbox.close(goodbye.code, &goodbye.reason).await;
        }
    }))
}

/// Runs both until the reader ends; gives its last word, and the writer's socket if it still stands.
async fn futures(
    reading: impl Future<Output = Goodbye>,
    writing: impl Future<Output = Outbox>,
) -> (Goodbye, Option<Outbox>) {
    let (goodbye, outbox) = tokio::join!(reading, writing);
    (goodbye, Some(outbox))
}
