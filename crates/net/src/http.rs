//! One HTTP/1.1 connection to another machine: requests go out one after the other, each answer within a time limit.

use std::{net::IpAddr, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{Request, Response, header, request::Builder};
use http_body_util::BodyExt;
use hyper::{
    body::{Body, Incoming},
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use url::Url;

use crate::{AbortOnDrop, Connection, Error, connect, socket_of};

/// How this program names itself.
pub const USER_AGENT: &str = concat!("framehub/", env!("CARGO_PKG_VERSION"));

/// An open connection. It must be kept until the body of its last answer has been read.
#[derive(Debug)]
pub struct Http<B> {
    sender: SendRequest<B>,
    /// None where the connection has none any more.
    pub peer: Option<IpAddr>,
    _driver: AbortOnDrop,
}

impl<B> Http<B>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// Connects to the host of a URL within `limit`; `https` and `wss` are secure.
    ///
    /// # Errors
    /// As [`connect`].
    pub async fn open(url: &Url, limit: Duration) -> Result<Self, Error> {
        let secure = matches!(url.scheme(), "https" | "wss");
        let port = url.port_or_known_default().unwrap_or(if secure { 443 } else { 80 });
        let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        Self::over(connect(host, port, secure, limit).await?, None).await
    }

    /// Speaks HTTP over a connection. `buffer_bytes` bounds the read buffer.
    ///
    /// # Errors
    /// [`Error::Broken`].
    pub async fn over(connection: Connection, buffer_bytes: Option<usize>) -> Result<Self, Error> {
        let mut builder = http1::Builder::new();
        if let Some(bytes) = buffer_bytes {
            builder.max_buf_size(bytes);
        }
        let peer = socket_of(&connection).peer_addr().ok().map(|peer| peer.ip().to_canonical());
        let handshake = builder.handshake(TokioIo::new(connection)).await;
        let (sender, connection) = handshake.map_err(|error| Error::broken(&error))?;
        // The connection's error reaches the caller with the answer or the body.
        let driver = AbortOnDrop::spawn(async move { drop(connection.with_upgrades().await) });
        Ok(Self { sender, peer, _driver: driver })
    }

    /// Whether the other side has closed the connection while it was idle.
    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Sends a request and waits for the head of the answer.
    ///
    /// # Errors
    /// [`Error::Slow`], [`Error::Broken`].
    pub async fn ask(&mut self, request: Request<B>, limit: Duration) -> Result<Response<Incoming>, Error> {
        let answer = async {
            self.sender.ready().await?;
            self.sender.send_request(request).await
        };
        let answer = timeout(limit, answer).await;
        let answer = answer.map_err(|_| Error::Slow { what: "the answer", after: limit })?;
        answer.map_err(|error| Error::broken(&error))
    }
}

/// A `GET` request for a URL, with the headers that every request has.
pub fn get(url: &Url) -> Builder {
    Request::get(target(url)).header(header::HOST, authority(url)).header(header::USER_AGENT, USER_AGENT)
}

/// `host:port` as the `Host` header has it.
pub fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Path and query.
pub fn target(url: &Url) -> String {
    url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
}

/// The whole body, which may have at most `limit` bytes.
///
/// # Errors
/// [`Error::BodyTooLarge`], [`Error::Broken`].
pub async fn read_body(mut body: Incoming, limit: usize) -> Result<Bytes, Error> {
    let mut whole = BytesMut::new();
    while let Some(piece) = body.frame().await {
        let piece = piece.map_err(|error| Error::broken(&error))?;
        let Ok(data) = piece.into_data() else { continue };
        if whole.len() + data.len() > limit {
            return Err(Error::BodyTooLarge { limit });
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

#[cfg(test)]
mod tests;
