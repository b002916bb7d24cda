//! Requests to a hub: the connection and its socket options, the headers that every request has, and the one place where
//! a hub's refusal (a status and a JSON error) becomes an [`Error`].

use crate::{Endpoint, Error};
use bytes::Bytes;
use http::request::Builder;
use http::{Request, Response, header};
use hyper::body::{Body, Incoming};
use net::http::{Http, read_body};
use std::time::Duration;
use tokio::time::timeout;

/// Opening the connection, DNS included. A hub on a robot's radio answers within a second or not at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a hub may think before its first answer line.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// The kernel takes no more than this of unsent bytes: a frame that the link cannot carry waits in our hands, where it
/// can be skipped, and not in a send buffer of megabytes, where it grows old.
#[cfg(any(target_os = "linux", target_os = "android"))]
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

/// An HTTP/1.1 connection.
pub(crate) async fn open<B>(endpoint: &Endpoint, purpose: Purpose) -> Result<Http<B>, Error>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let failed = |error| Error::at(&endpoint.url(""), error);
    let Endpoint { host, port, secure, .. } = endpoint;
    let connection = net::connect(host, *port, *secure, CONNECT_TIMEOUT).await.map_err(failed)?;
    set_options(net::socket_of(&connection), purpose);
    let buffer_bytes = match purpose {
        Purpose::Receive { buffer_bytes } => buffer_bytes,
        Purpose::Send | Purpose::Converse => None,
    };
    Http::over(connection, buffer_bytes).await.map_err(failed)
}

/// Without these options the connection works, only less well: a kernel that refuses them is no reason to fail.
fn set_options(socket: &tokio::net::TcpStream, purpose: Purpose) {
    let options = socket2::SockRef::from(socket);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if purpose == Purpose::Send {
        let _ = options.set_tcp_notsent_lowat(UNSENT_BYTES);
    }
    // A hub that lost its power says nothing: without probes a viewer, or a publisher at rest, would wait for ever.
    let probes =
        socket2::TcpKeepalive::new().with_time(Duration::from_secs(15)).with_interval(Duration::from_secs(5));
    let _ = options.set_tcp_keepalive(&probes);
}

/// A request line and the headers every request carries.
pub(crate) fn request(endpoint: &Endpoint, method: http::Method, path: &str) -> Builder {
    let mut builder = Request::builder()
        .method(method)
        .uri(endpoint.request_path(path))
        .header(header::HOST, endpoint.authority())
        .header(header::USER_AGENT, net::http::USER_AGENT);
    if let Some(key) = &endpoint.api_key {
        builder = builder.header("X-API-Key", key);
    }
    builder
}

/// The error that a refusing answer stands for, with the hub's own message where it sent one.
pub(crate) async fn refusal(url: &str, answer: Response<Incoming>) -> Error {
    let status = answer.status();
    let body = timeout(ANSWER_TIMEOUT, read_body(answer.into_body(), LONGEST_ERROR_BYTES)).await;
    let body = body.ok().and_then(Result::ok).unwrap_or_default();
    let json: Option<serde_json::Value> = serde_json::from_slice(&body).ok();
    let text = |key: &str| json.as_ref()?.get(key)?.as_str().map(str::to_owned);
    let message = text("error")
        .unwrap_or_else(|| status.canonical_reason().unwrap_or("no reason was given").to_ascii_lowercase());
    Error::Refused { url: url.to_owned(), status: status.as_u16(), hub_code: text("code"), message }
}
