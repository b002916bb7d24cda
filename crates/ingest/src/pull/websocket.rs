//! The WebSocket of a camera or a simulator: opened, and read message by message.

use std::time::Duration;

use ::http::{HeaderValue, header};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http_body_util::Empty;
use net::{
    http::{Http, get},
    ws::{self, Answer, Inbox, Kind, Outbox},
};
use url::Url;
use wire::fragments::{Assembler, Message, Part};

use super::{
    connection::{ANSWER_TIMEOUT, CONNECT_TIMEOUT, credentials, refused},
    error::Error,
    watchdog::Watchdog,
};

/// An open WebSocket. A message may have `max_message_bytes`.
///
/// # Errors
/// Why there is none.
pub async fn connect(url: &Url, max_message_bytes: usize) -> Result<(Messages, Outbox), Error> {
    let mut request = get(url);
    let has_password = !url.username().is_empty();
    if has_password {
        let (username, password) = credentials(url);
        let basic = format!("Basic {}", STANDARD.encode(format!("{username}:{password}")));
        let mut basic = HeaderValue::try_from(basic).map_err(|error| net::Error::broken(&error))?;
        basic.set_sensitive(true);
        request = request.header(header::AUTHORIZATION, basic);
    }
    let mut http = Http::open(url, CONNECT_TIMEOUT).await?;
    match ws::open(&mut http, request, ANSWER_TIMEOUT).await? {
        Answer::Open(socket) => {
            let (mut inbox, outbox) = ws::split(socket, ws::Peer::Server, max_message_bytes);
            let alive = Watchdog::new(Duration::ZERO);
            let noted = alive.clone();
            inbox.note_each(move || noted.note());
            Ok((Messages { inbox, assembler: Assembler::new(max_message_bytes), alive, _http: http }, outbox))
        }
        Answer::Refused(answer) if answer.status().is_success() => Err(Error::NoWebSocket),
        Answer::Refused(answer) => Err(refused(answer.status(), has_password)),
    }
}

/// The reading half of a WebSocket.
#[derive(Debug)]
pub struct Messages {
    inbox: Inbox,
    assembler: Assembler,
    alive: Watchdog,
    /// The connection ends with it.
    _http: Http<Empty<Bytes>>,
}

impl Messages {
    /// Notes every frame, pings and pongs too.
    pub fn alive(&self) -> &Watchdog {
        &self.alive
    }

    /// The next whole message. Not cancel-safe.
    ///
    /// # Errors
    /// The WebSocket has ended, or the peer broke its protocol.
    pub async fn next(&mut self) -> Result<Message, Error> {
        let Self { inbox, assembler, .. } = self;
        inbox
            .next(|piece| {
                let part = match piece.kind {
                    Kind::Text => Part::Text,
                    Kind::Binary => Part::Binary,
                    Kind::Continuation => Part::Continuation,
                };
                Ok(assembler.push(part, piece.is_last, piece.payload)?)
            })
            .await
    }
}
