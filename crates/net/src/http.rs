//! One HTTP/1.1 connection to another machine: requests go out one after the other, each answer within a time limit.

mod head;
mod lenient;

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::{Request, Response, header, request::Builder};
use http_body_util::BodyExt;
use hyper::{
    body::{Body, Incoming},
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use url::Url;

use crate::{AbortOnDrop, Connection, Error, connect, socket_of};
use lenient::Lenient;

/// How this program names itself.
pub const USER_AGENT: &str = concat!("framehub/", env!("CARGO_PKG_VERSION"));

/// An open connection. It must be kept until the body of its last answer has been read.
#[derive(Debug)]
pub struct Http<B> {
    sender: SendRequest<B>,
    /// None where the connection has none any more, or where it was not opened here.
    pub peer: Option<IpAddr>,
    was_odd: Arc<AtomicBool>,
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
        let connection = dial(url, limit).await?;
        let peer = peer_of(&connection);
        Ok(Self { peer, ..Self::over(connection, None).await? })
    }

    /// The same to a camera, for one request: the head of its answer is read as it is meant.
    ///
    /// # Errors
    /// As [`connect`].
    pub async fn open_lenient(url: &Url, limit: Duration) -> Result<Self, Error> {
        let was_odd = Arc::default();
        let connection = dial(url, limit).await?;
        let peer = peer_of(&connection);
        let connection = Lenient::new(connection, Arc::clone(&was_odd));
        Ok(Self { peer, was_odd, ..Self::over(connection, None).await? })
    }

    /// Whether the head of an answer had to be mended.
    pub fn was_odd(&self) -> bool {
        self.was_odd.load(Ordering::Relaxed)
    }

    /// Speaks HTTP over a connection. `buffer_bytes` bounds the read buffer.
    ///
    /// # Errors
    /// [`Error::Broken`].
    pub async fn over<C>(connection: C, buffer_bytes: Option<usize>) -> Result<Self, Error>
    where
        C: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = http1::Builder::new();
        if let Some(bytes) = buffer_bytes {
            builder.max_buf_size(bytes);
        }
        let handshake = builder.handshake(TokioIo::new(connection)).await;
        let (sender, connection) = handshake.map_err(|error| Error::broken(&error))?;
        // The connection's error reaches the caller with the answer or the body.
        let driver = AbortOnDrop::spawn(async move { drop(connection.with_upgrades().await) });
        Ok(Self { sender, peer: None, was_odd: Arc::default(), _driver: driver })
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

/// Connects to the host of a URL within `limit`; `https` and `wss` are secure.
async fn dial(url: &Url, limit: Duration) -> Result<Connection, Error> {
    let secure = matches!(url.scheme(), "https" | "wss");
    let port = url.port_or_known_default().unwrap_or(if secure { 443 } else { 80 });
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    connect(host, port, secure, limit).await
}

/// Whom a connection leads to: loopback where that is this machine, by whichever of its addresses.
fn peer_of(connection: &Connection) -> Option<IpAddr> {
    let socket = socket_of(connection);
    let (peer, own) = (socket.peer_addr().ok()?.ip(), socket.local_addr().ok()?.ip());
    Some(if peer == own { Ipv4Addr::LOCALHOST.into() } else { peer.to_canonical() })
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
