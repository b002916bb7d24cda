//! A WebSocket client of a hub that serves on a real socket.

use std::time::Duration;

use http::{Request, StatusCode};
use net::{
    http::Http,
    ws::{self, Answer, Ended, Kind},
};
use serde_json::Value;
use tokio::time::timeout;

use super::support::House;

/// Longer than anything here takes; a message that does not come fails its test.
const PATIENCE: Duration = Duration::from_secs(20);
const MAX_MESSAGE: usize = 16 << 20;

#[derive(Debug)]
pub(super) struct Socket {
    inbox: ws::Inbox,
    outbox: ws::Outbox,
}

#[derive(Debug, PartialEq)]
pub(super) enum Message {
    Text(String),
    Binary(Vec<u8>),
    /// The hub's close frame: its code and reason.
    Close(u16, String),
}

impl House {
    pub(super) async fn open(&self, uri: &str) -> Socket {
        self.handshake(uri).await.unwrap_or_else(|status| panic!("{uri}: {status}"))
    }

    /// The open WebSocket, or the status of the refusal.
    pub(super) async fn handshake(&self, uri: &str) -> Result<Socket, StatusCode> {
        let port = self.listen().await;
        let connection = net::connect("127.0.0.1", port, false, PATIENCE).await.unwrap();
        let mut http = Http::over(connection, None).await.unwrap();
        let request = Request::get(uri).header("Host", "localhost");
        match ws::open(&mut http, request, PATIENCE).await.unwrap() {
            Answer::Open(socket) => {
                let (inbox, outbox) = ws::split(socket, ws::Peer::Server, MAX_MESSAGE);
                Ok(Socket { inbox, outbox })
            }
            Answer::Refused(answer) => Err(answer.status()),
        }
    }
}

impl Socket {
    pub(super) async fn next(&mut self) -> Message {
        let (mut kind, mut whole) = (Kind::Continuation, Vec::new());
        let reading = self.inbox.next(|piece| {
            if piece.kind != Kind::Continuation {
                kind = piece.kind;
            }
            whole.extend_from_slice(piece.payload);
            Ok::<_, Ended>(piece.is_last.then_some(()))
        });
        match timeout(PATIENCE, reading).await.expect("a message") {
            Ok(()) if kind == Kind::Text => Message::Text(String::from_utf8(whole).unwrap()),
            Ok(()) => Message::Binary(whole),
            Err(Ended::Closed(close)) => Message::Close(close.code.unwrap(), close.reason),
            Err(other) => panic!("{other}"),
        }
    }

    pub(super) async fn text(&mut self) -> Value {
        match self.next().await {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("no text: {other:?}"),
        }
    }

    pub(super) async fn binary(&mut self) -> Vec<u8> {
        match self.next().await {
            Message::Binary(bytes) => bytes,
            other => panic!("not binary: {other:?}"),
        }
    }

    pub(super) async fn say(&mut self, text: &str) {
        self.outbox.text(text).await.unwrap();
    }

    pub(super) async fn close(&mut self, code: u16, reason: &str) {
        self.outbox.close(code, reason).await.unwrap();
    }
}
