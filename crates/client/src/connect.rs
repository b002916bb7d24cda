//! Opening a connection: name to socket, socket options, HTTP/1.1 on top. Also the one place where a
//! hub's refusal (a status and a JSON error) becomes an [`Error`].

use crate::{Endpoint, Error};
use bytes::{Bytes, BytesMut};
use http::request::Builder;
use http::{Request, Response, header};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use net::{AbortOnDrop, Connection};
use std::time::Duration;
use tokio::time::timeout;

/// Opening the connection, DNS included. A hub on a robot's radio answers within a second or not at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a hub may think before its first answer line.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// The kernel takes no more than this of unsent bytes: a frame that the link cannot carry waits in our
/// hands, where it can be skipped, and not in a send buffer of megabytes, where it grows old.
const UNSENT_BYTES: u32 = 16 * 1024;

/// The most of an error's body that is read; the hub's are one line of JSON.
const LONGEST_ERROR_BYTES: usize = 64 * 1024;

/// What a connection is for; settles the socket's options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Requests and frames go out.
    Send,
    /// Messages go both ways, each of them waited for: what is in the kernel's buffers does not grow old.
    Converse,
    /// A long answer comes in. `buffer_bytes` bounds hyper's read buffer, `None` leaves its default.
    Receive { buffer_bytes: Option<usize> },
}

/// An HTTP/1.1 connection; the second part drives it and must be kept.
pub(crate) async fn open<B>(
    endpoint: &Endpoint,
    purpose: Purpose,
) -> Result<(SendRequest<B>, AbortOnDrop), Error>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let socket = dial(endpoint, purpose).await?;
    let mut builder = http1::Builder::new();
    if let Purpose::Receive { buffer_bytes: Some(bytes) } = purpose {
        builder.max_buf_size(bytes);
    }
    let handshake = builder.handshake(TokioIo::new(socket)).await;
    let (sender, connection) = handshake.map_err(|error| broken(&endpoint.url(""), &error))?;
    // The connection's error is told to whoever waits for the answer or the body.
    let driver = AbortOnDrop::spawn(async move { drop(connection.with_upgrades().await) });
    Ok((sender, driver))
}

async fn dial(endpoint: &Endpoint, purpose: Purpose) -> Result<Connection, Error> {
    let (host, port) = endpoint.socket_address();
    let connected = net::connect(host, port, endpoint.is_secure(), CONNECT_TIMEOUT).await;
    let connection = connected.map_err(|error| not_connected(endpoint.url(""), error))?;
    // Without these the connection works, only less well: a kernel that refuses them is no reason to fail.
    let options = socket2::SockRef::from(connection.socket());
    match purpose {
        Purpose::Send => {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            let _ = options.set_tcp_notsent_lowat(UNSENT_BYTES);
        }
        Purpose::Converse | Purpose::Receive { .. } => {}
    }
    // A hub that lost its power says nothing: without probes a viewer, or a publisher at rest, would wait for ever.
    let probes =
        socket2::TcpKeepalive::new().with_time(Duration::from_secs(15)).with_interval(Duration::from_secs(5));
    let _ = options.set_tcp_keepalive(&probes);
    Ok(connection)
}

fn not_connected(url: String, error: net::Error) -> Error {
    match error {
        net::Error::Connect { reason, .. } => Error::Connect { url, reason },
        net::Error::Timeout { after, .. } => Error::Timeout { url, what: "connecting", after },
        net::Error::Tls { reason, .. } => Error::Tls { url, reason },
        error => Error::Tls { url, reason: error.to_string() },
    }
}

/// A request line and the headers every request carries.
pub(crate) fn request(endpoint: &Endpoint, method: http::Method, path: &str) -> Builder {
    let mut builder = Request::builder()
        .method(method)
        .uri(endpoint.request_path(path))
        .header(header::HOST, endpoint.authority())
        .header(header::USER_AGENT, concat!("framehub/", env!("CARGO_PKG_VERSION")));
    if let Some(key) = endpoint.api_key() {
        builder = builder.header("X-API-Key", key);
    }
    builder
}

/// Sends one request and waits for the answer's head.
pub(crate) async fn ask<B>(
    sender: &mut SendRequest<B>,
    request: Request<B>,
    url: &str,
    limit: Duration,
) -> Result<Response<Incoming>, Error>
where
    B: Body<Data = Bytes> + Send + 'static,
{
    let answer = async {
        sender.ready().await?;
        sender.send_request(request).await
    };
    timeout(limit, answer)
        .await
        .map_err(|_| Error::Timeout { url: url.to_owned(), what: "the answer", after: limit })?
        .map_err(|error| broken(url, &error))
}

/// The error that a refusing answer stands for, with the hub's own words where it sent any.
pub(crate) async fn refusal(url: &str, answer: Response<Incoming>) -> Error {
    let status = answer.status();
    let body = timeout(ANSWER_TIMEOUT, read_body(url, answer, LONGEST_ERROR_BYTES)).await;
    let body = body.ok().and_then(Result::ok).unwrap_or_default();
    let json: Option<serde_json::Value> = serde_json::from_slice(&body).ok();
    let text = |key: &str| json.as_ref()?.get(key)?.as_str().map(str::to_owned);
    let message = text("error")
        .unwrap_or_else(|| status.canonical_reason().unwrap_or("no reason was given").to_ascii_lowercase());
    Error::Refused { url: url.to_owned(), status: status.as_u16(), hub_code: text("code"), message }
}

/// The whole body, at most `limit` bytes of it.
pub(crate) async fn read_body(url: &str, answer: Response<Incoming>, limit: usize) -> Result<Bytes, Error> {
    let mut body = answer.into_body();
    let mut whole = BytesMut::new();
    while let Some(piece) = body.frame().await {
        let piece = piece.map_err(|error| broken(url, &error))?;
        let Ok(data) = piece.into_data() else { continue };
        if whole.len() + data.len() > limit {
            let reason = format!("its body is longer than {limit} bytes");
            return Err(Error::BadReply { url: url.to_owned(), reason });
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

/// hyper's errors hide the cause behind a general word: the chain is told whole.
pub(crate) fn broken(url: &str, error: &(dyn std::error::Error + 'static)) -> Error {
    let mut reason = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        reason = format!("{reason}: {inner}");
        cause = inner.source();
    }
    Error::Closed { url: url.to_owned(), close_code: None, reason }
}
