//! One connection of an upload. A task of its own writes, so that a wait that is given up never leaves half a message on
//! the wire: an upload that is stopped can still say so.

use crate::connect::Purpose;
use crate::websocket::{Message, Socket, Texts, WhenFull};
use crate::{Endpoint, Error};
use bytes::Bytes;
use net::AbortOnDrop;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;
use wire::upload::ClientMessage;

/// A hub that accepts nothing for so long is gone.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// Room for more answers than frames can be under way, so that the hub can always speak; a result may hold the key
/// points of an hour.
const ANSWERS: Texts = Texts { room: 256, longest_bytes: 256 * 1024 * 1024, when_full: WhenFull::Wait };

/// A text and the bytes that belong to it.
type Queued = (String, Option<Bytes>);

pub(super) struct Link {
    socket: Socket,
    outbox: mpsc::Sender<Queued>,
    writer: AbortOnDrop,
}

impl Link {
    pub(super) async fn open(endpoint: &Endpoint, path: &str) -> Result<Link, Error> {
        let socket = Socket::open(endpoint, path, Purpose::Converse, ANSWERS, |_| false).await?;
        // One is being written, one waits.
        let (outbox, mut queued) = mpsc::channel::<Queued>(1);
        let sender = socket.sender();
        let writer = AbortOnDrop::spawn(async move {
            while let Some((text, bytes)) = queued.recv().await {
                let messages = [Some(Message::Text(text)), bytes.map(Message::Binary)];
                let written = timeout(WRITE_TIMEOUT, sender.write(messages.into_iter().flatten())).await;
                // The reader knows why; without a writer, nothing more is sent.
                if !matches!(written, Ok(Ok(()))) {
                    return;
                }
            }
        });
        Ok(Link { socket, outbox, writer })
    }

    pub(super) fn url(&self) -> &str {
        self.socket.url()
    }

    /// `false` once the connection has ended. Cancel-safe.
    pub(super) async fn say(&self, message: &ClientMessage, bytes: Option<Bytes>) -> bool {
        self.outbox.send((message.to_json(), bytes)).await.is_ok()
    }

    /// The hub's next text; `None` once the connection has ended. Cancel-safe.
    pub(super) async fn text(&mut self) -> Option<String> {
        self.socket.text().await
    }

    pub(super) fn try_text(&mut self) -> Option<String> {
        self.socket.try_text()
    }

    /// Why it has ended.
    pub(super) async fn end(&mut self) -> Error {
        self.socket.end("the hub accepts nothing any more").await
    }

    /// Sends what is queued and a close frame, within `limit`.
    pub(super) async fn close(self, limit: Duration) {
        let Link { socket, outbox, mut writer } = self;
        drop(outbox);
        writer.finished(limit).await;
        socket.close().await;
    }
}
