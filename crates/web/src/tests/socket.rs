//! A WebSocket client of a hub that serves on a real socket.

use std::time::Duration;

use fastwebsockets::{FragmentCollector, Frame, OpCode, Payload, Role, WebSocket};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use super::support::House;

/// Longer than anything here takes; a message that does not come fails its test.
const PATIENCE: Duration = Duration::from_secs(20);

/// Closed when it is dropped.
pub(super) struct Socket(FragmentCollector<TcpStream>);

#[derive(Debug, PartialEq)]
pub(super) enum Message {
    Text(String),
    Binary(Vec<u8>),
    /// The hub's close frame: its code and reason.
    Close(u16, String),
}

impl House {
    /// The address at which it serves from now on.
    pub(super) async fn serve(&self) -> std::net::SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(crate::serve(listener, self.app.clone()));
        address
    }

    pub(super) async fn open(&self, uri: &str) -> Socket {
        match self.handshake(uri).await {
            (head, stream) if head.starts_with("HTTP/1.1 101") => {
                let mut socket = WebSocket::after_handshake(stream, Role::Client);
                socket.set_auto_close(false);
                Socket(FragmentCollector::new(socket))
            }
            (head, _) => panic!("{uri}: {head}"),
        }
    }

    /// The response's head, and the connection as it stands after it.
    pub(super) async fn handshake(&self, uri: &str) -> (String, TcpStream) {
        let address = self.serve().await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET {uri} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        // Byte by byte: what follows the head is the socket's.
        while !head.ends_with(b"\r\n\r\n") {
            head.push(timeout(PATIENCE, stream.read_u8()).await.expect("a response").unwrap());
        }
        (String::from_utf8(head).unwrap(), stream)
    }
}

impl Socket {
    pub(super) async fn next(&mut self) -> Message {
        loop {
            let frame = timeout(PATIENCE, self.0.read_frame()).await.expect("a message").unwrap();
            match frame.opcode {
                OpCode::Text => return Message::Text(String::from_utf8(frame.payload.to_vec()).unwrap()),
                OpCode::Binary => return Message::Binary(frame.payload.to_vec()),
                OpCode::Close => {
                    let (code, reason) = frame.payload.split_at(2);
                    let code = u16::from_be_bytes(code.try_into().unwrap());
                    return Message::Close(code, String::from_utf8(reason.to_vec()).unwrap());
                }
                _ => {}
            }
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
        self.0.write_frame(Frame::text(Payload::Borrowed(text.as_bytes()))).await.unwrap();
    }

    pub(super) async fn close(&mut self, code: u16, reason: &[u8]) {
        self.0.write_frame(Frame::close(code, reason)).await.unwrap();
    }
}
