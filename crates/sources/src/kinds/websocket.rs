//! `ws://` and `wss://`: a binary message is a picture, a text message document 002's JSON with one in base64.
//! Whatever else comes is not for us.

use std::{convert::Infallible, time::SystemTime};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use fastwebsockets::{FragmentCollector, OpCode, Role, WebSocket, handshake};
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::Empty;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use url::Url;
use wire::view::Incoming;

use super::http::request::{ANSWER_TIMEOUT, Driver, authority, credentials, open, refused, target};
use crate::{
    Error,
    ingest::{Ingest, taken},
};

pub(super) async fn run(url: &Url, ingest: &mut Ingest<'_>) -> Result<Infallible, Error> {
    let (mut socket, _driver) = connect(url).await?;
    socket.set_max_message_size(max_message_bytes(ingest.max_frame_bytes()));
    let mut socket = FragmentCollector::new(socket);
    loop {
        let frame = socket.read_frame().await.map_err(|error| Error::broken(&error))?;
        let captured = taken(SystemTime::now());
        match frame.opcode {
            OpCode::Binary => ingest.picture(Bytes::from(Vec::from(frame.payload)), captured).await?,
            OpCode::Text => {
                let text = str::from_utf8(&frame.payload).unwrap_or_default();
                match wire::view::parse(text, ingest.max_frame_bytes()) {
                    Ok(Incoming::Frame(bytes)) => ingest.picture(bytes, captured).await?,
                    Ok(Incoming::Other) => {}
                    Err(error) => ingest.skip(&error),
                }
            }
            OpCode::Close => return Err(Error::Ended),
            OpCode::Continuation | OpCode::Ping | OpCode::Pong => {}
        }
    }
}

/// A message with a picture of that size: in base64 it takes a third more; a kilobyte for what stands around it.
pub(crate) fn max_message_bytes(max_frame_bytes: usize) -> usize {
    max_frame_bytes / 3 * 4 + 1024
}

/// An open WebSocket, which ends with its driver.
pub(crate) async fn connect(url: &Url) -> Result<(WebSocket<TokioIo<Upgraded>>, Driver), Error> {
    let mut request = Request::get(target(url))
        .header(header::HOST, authority(url))
        .header(header::USER_AGENT, concat!("framehub/", env!("CARGO_PKG_VERSION")))
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_KEY, handshake::generate_key());
    let has_password = !url.username().is_empty();
    if has_password {
        let (username, password) = credentials(url);
        let basic = format!("Basic {}", STANDARD.encode(format!("{username}:{password}")));
        let mut basic = HeaderValue::try_from(basic).map_err(|error| Error::broken(&error))?;
        basic.set_sensitive(true);
        request = request.header(header::AUTHORIZATION, basic);
    }
    let request = request.body(Empty::<Bytes>::new()).map_err(|error| Error::broken(&error))?;
    let (mut sender, driver) = open(url).await?;
    let upgraded = async {
        let mut answer = sender.send_request(request).await.map_err(|error| Error::broken(&error))?;
        match answer.status() {
            StatusCode::SWITCHING_PROTOCOLS => {}
            status if status.is_success() => {
                return Err(Error::Unusable("there is no WebSocket at this address".to_owned()));
            }
            status => return Err(refused(status, has_password)),
        }
        hyper::upgrade::on(&mut answer).await.map_err(|error| Error::broken(&error))
    };
    let upgraded = timeout(ANSWER_TIMEOUT, upgraded).await;
    let upgraded = upgraded.map_err(|_| Error::Slow { what: "the answer", after: ANSWER_TIMEOUT })??;
    Ok((WebSocket::after_handshake(TokioIo::new(upgraded), Role::Client), driver))
}
