//! The transport: from a response to the wire. The accept loop is our own because this is where a slow viewer's lag
//! arises: everything that lies unsent between the hub and the network is a frame that was fresh once.
//!
//! Two bounds make it short, and neither helps without the other: what we hand over before the socket has taken the
//! last part (the [`gate`]), and the bytes that the kernel keeps unsent (`TCP_NOTSENT_LOWAT`). With both, a viewer on
//! a 200 kB/s link sees frames a fraction of a second old; with either alone, six seconds and growing.

mod body;
mod connections;
mod gate;
mod holding;
mod http2;
mod intake;
mod limits;
mod per_address;
mod request;
mod socket;
#[cfg(feature = "testing")]
pub mod testing;
mod tls;
mod waits;

use std::{convert::Infallible, fmt, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{body::Body, extract::ConnectInfo, response::Response};
use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use body::{LiveBody, LiveBox, Part, end_with, live_response, take_live};
pub use connections::{Busy, Connections};
pub use limits::ConnectionLimits;
pub use per_address::PerAddress;
pub use request::{GivenUp, receive};
pub use tls::{Tls, TlsError, TlsFiles};

use body::WireBody;
use connections::Connection;
use gate::{Gate, GatedSocket};
use hyper_util::rt::TokioIo;
use socket::Socket;

/// The client at the other end of a connection.
#[derive(Debug, Clone, Copy)]
struct Peer {
    address: SocketAddr,
    is_encrypted: bool,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

/// In a request's extensions: it came over TLS.
#[derive(Debug, Clone, Copy)]
pub struct Encrypted;

/// What holds for every connection.
#[derive(Debug, Clone)]
pub struct Terms {
    /// `None`: plain HTTP.
    pub tls: Option<Tls>,
    pub limits: ConnectionLimits,
    pub per_address: Arc<PerAddress>,
    pub connections: Arc<Connections>,
    pub shutdown: CancellationToken,
}

/// Accepts connections until the shutdown, then lets those that are open end by themselves for a while.
/// `answer` makes the response to a request, and never fails.
pub async fn serve<A, F>(listener: TcpListener, terms: Terms, answer: A)
where
    A: Fn(Request<Body>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let connections = TaskTracker::new();
    if let Some(tls) = terms.tls.clone() {
        let shutdown = terms.shutdown.clone();
        tokio::spawn(async move { shutdown.run_until_cancelled(tls.follow_files()).await });
    }
    let mut trouble = Trouble::default();
    loop {
        let accepted = tokio::select! {
            () = terms.shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => {
                let place = match terms.per_address.count(peer.ip()) {
                    Some(counted) => terms.connections.admit(counted).ok_or(TOO_MANY),
                    None => Err(TOO_MANY_OF_ONE),
                };
                match place {
                    Ok(place) => {
                        let task = converse(socket, peer, place, answer.clone(), terms.clone());
                        connections.spawn(task);
                    }
                    // A client that expects a handshake could not read the answer.
                    Err(_) if terms.tls.is_some() => {}
                    Err(reason) => turn_away(&socket, reason),
                }
            }
            Err(error) => trouble.rest_after(&error, &terms.connections).await,
        }
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(terms.limits.shutdown, connections.wait()).await.is_err() {
        tracing::warn!(open = connections.len(), "connections did not end in time, cutting them");
    }
}

/// All places are taken.
const TOO_MANY: &str = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 2\r\n\
    Connection: close\r\nContent-Length: 118\r\n\r\n\
    {\"error\":\"too many connections are open: try again later, or raise server.max_connections\",\
    \"code\":\"CONNECTION_LIMIT\"}\n";

/// One address has all the places that it may have.
const TOO_MANY_OF_ONE: &str = "HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nRetry-After: 2\r\n\
    Connection: close\r\nContent-Length: 149\r\n\r\n\
    {\"error\":\"too many connections from this address: close some, or raise limits.connections_per_address of the \
    hub\",\"code\":\"ADDRESS_CONNECTION_LIMIT\"}\n";

/// Refuses in one write, without a task: a flood of connections must cost little.
fn turn_away(socket: &TcpStream, answer: &str) {
    if let Err(error) = socket.try_write(answer.as_bytes()) {
        tracing::debug!(%error, "a refusal for the connection limit could not be sent");
    }
}

/// How often it is said that connections cannot be accepted.
const SAY_AGAIN: Duration = Duration::from_secs(60);

/// Connections cannot be accepted.
#[derive(Debug, Default)]
struct Trouble {
    said: Option<tokio::time::Instant>,
}

impl Trouble {
    /// A peer that left while it was being accepted is no error. Where files have run out, a connection that rests makes
    /// room, and the loop pauses until it has.
    async fn rest_after(&mut self, error: &io::Error, connections: &Connections) {
        if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
            return;
        }
        let has_shed = connections.shed_one();
        if self.said.is_none_or(|said| said.elapsed() >= SAY_AGAIN) {
            self.said = Some(tokio::time::Instant::now());
            tracing::error!(%error, open = connections.open(), "cannot accept connections: raise the limit of open files (ulimit -n)");
        }
        let pause = if has_shed { Duration::from_millis(2) } else { Duration::from_millis(100) };
        tokio::time::sleep(pause).await;
    }
}

/// One connection, from its first request to its last.
async fn converse<A, F>(socket: TcpStream, address: SocketAddr, place: Connection, answer: A, terms: Terms)
where
    A: Fn(Request<Body>) -> F + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let Terms { tls, limits, shutdown, .. } = terms;
    let peer = Peer { address, is_encrypted: tls.is_some() };
    if let Err(error) = tune(&socket, &limits) {
        tracing::debug!(%peer, %error, "cannot set socket options");
    }
    let place = Arc::new(place);
    let socket = match tls {
        None => Socket::Plain(socket),
        Some(tls) => {
            let greeting = tokio::time::timeout(limits.header_timeout, tls.accept(socket));
            let greeted = tokio::select! {
                greeted = greeting => greeted,
                () = place.given_up() => return,
                () = shutdown.cancelled() => return,
            };
            match greeted {
                Ok(Ok(Some(socket))) => socket,
                Ok(Ok(None)) => return,
                Ok(Err(error)) => return tracing::debug!(%peer, %error, "the TLS handshake failed"),
                Err(_late) => return tracing::debug!(%peer, "the TLS handshake took too long"),
            }
        }
    };
    if socket.is_http2() {
        return http2::converse(socket, peer, place, answer, shutdown).await;
    }
    let gate = Gate::default();
    let service = service_fn(|request| respond(&answer, &place, peer, Some(gate.clone()), request));
    let connection = http1::Builder::new()
        // `Connection::given_up` has its own limit, which distinguishes a pause from a head that does not end.
        .header_read_timeout(None)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(GatedSocket::new(socket, gate.clone(), Arc::clone(&place))), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let outcome = tokio::select! {
        biased;
        outcome = connection.as_mut() => outcome,
        () = place.given_up() => return,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%peer, %error, "connection ended");
    }
}

/// Answers one request. `socket`: the gate of a connection that answers one at a time.
fn respond<A, F>(
    answer: &A,
    place: &Arc<Connection>,
    peer: Peer,
    socket: Option<Gate>,
    request: Request<Incoming>,
) -> impl Future<Output = Result<http::Response<WireBody>, Infallible>> + Send + use<A, F>
where
    A: Fn(Request<Body>) -> F,
    F: Future<Output = Response> + Send + 'static,
{
    let own_bytes = if socket.is_some() { intake::OWN_BYTES } else { intake::OWN_BYTES_HTTP2 };
    let busy = place.begin_request(own_bytes);
    let mut request = receive(request, &busy);
    request.extensions_mut().insert(ConnectInfo(peer.address));
    if peer.is_encrypted {
        request.extensions_mut().insert(Encrypted);
    }
    request.extensions_mut().insert(Arc::clone(&busy));
    let (response, place) = (answer(request), Arc::clone(place));
    async move {
        place.turn().await;
        let response = response.await;
        busy.release();
        Ok(body::for_wire(response, busy, socket))
    }
}

/// What one connection may hold by itself, frames that are large excepted: those have room among all.
pub const fn connection_bytes(is_encrypted: bool) -> usize {
    // hyper's two queues, a body or message that is small, what a client still has to take, and the tasks.
    const PLAIN: usize = 2 * BUFFER + intake::OWN_BYTES + holding::OWN_BYTES + 32 * 1024;
    // What TLS holds in both directions.
    const TLS: usize = 160 * 1024;
    const HTTP2: usize = http2::WINDOW as usize
        + http2::REQUESTS as usize
            * (http2::HEADER as usize + intake::OWN_BYTES_HTTP2 + holding::OWN_BYTES_HTTP2);
    if is_encrypted { TLS + if HTTP2 > PLAIN { HTTP2 } else { PLAIN } } else { PLAIN }
}

/// Bounds hyper's reads and its queue of writes. A usual frame comes in with one read; the gate keeps live parts out
/// of the queue, whatever its size.
const BUFFER: usize = 128 * 1024;

fn tune(socket: &TcpStream, limits: &ConnectionLimits) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let socket = socket2::SockRef::from(socket);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let unsent = u32::try_from(limits.send_buffer).unwrap_or(u32::MAX);
        socket.set_tcp_notsent_lowat(unsent)?;
        // Ends the connection of a viewer that has vanished, or that never reads, in the kernel: nothing of ours
        // has to watch its progress.
        socket.set_tcp_user_timeout(Some(limits.stall_timeout))?;
    }
    socket.set_keepalive(true)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_lengths_of_what_is_said_in_one_write_are_right() {
        for answer in [TOO_MANY, TOO_MANY_OF_ONE] {
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            assert!(head.ends_with(&format!("Content-Length: {}", body.len())), "{}", body.len());
        }
    }
}
