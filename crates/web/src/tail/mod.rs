//! The tail: the way from a response to the wire. The accept loop is ours because a slow viewer's lag is decided
//! here: whatever lies unsent between the hub and the network is a frame that was fresh once.
//!
//! Two bounds make it short, and neither helps without the other: hyper's write buffer (`max_buf_size`), and the
//! bytes that the kernel keeps unsent (`TCP_NOTSENT_LOWAT`). With both at 16 kB a viewer on a 200 kB/s link sees
//! frames a fraction of a second old; with either alone, six seconds and growing. Fast viewers pay nothing.

mod body;
mod connections;

use std::{convert::Infallible, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo};
use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

pub(crate) use body::{LiveBody, Part, live_response};
pub(crate) use connections::{Busy, Connections};

use crate::ConnectionLimits;
use connections::Connection;

/// Accepts connections until `shutdown`, then lets those that are open end by themselves for `limits.shutdown`.
pub async fn serve(listener: TcpListener, app: Arc<crate::App>, router: Router, shutdown: CancellationToken) {
    let limits = app.settings().connections;
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => match app.connections().admit() {
                Some(place) => {
                    let task = converse(socket, peer, place, router.clone(), limits, shutdown.clone());
                    connections.spawn(task);
                }
                None => turn_away(&socket),
            },
            Err(error) => rest_after(&error).await,
        }
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(limits.shutdown, connections.wait()).await.is_err() {
        tracing::warn!(open = connections.len(), "connections did not end in time, cutting them");
    }
}

/// Says so in one write, without a task: who floods must not be served at length.
fn turn_away(socket: &TcpStream) {
    const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 2\r\n\
        Connection: close\r\nContent-Length: 118\r\n\r\n\
        {\"error\":\"too many connections are open: try again later, or raise server.max_connections\",\
        \"code\":\"CONNECTION_LIMIT\"}\n";
    if let Err(error) = socket.try_write(BUSY.as_bytes()) {
        tracing::debug!(%error, "cannot tell a client that the connection limit is reached");
    }
}

/// A peer that left while it was being accepted concerns nobody; running out of file descriptors passes only if the
/// loop rests.
async fn rest_after(error: &io::Error) {
    if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
        return;
    }
    tracing::error!(%error, "cannot accept connections: raise the limit of open files (ulimit -n)");
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// One connection, from its first request to its last.
async fn converse(
    socket: TcpStream,
    peer: SocketAddr,
    place: Connection,
    router: Router,
    limits: ConnectionLimits,
    shutdown: CancellationToken,
) {
    if let Err(error) = tune(&socket, &limits) {
        tracing::debug!(%peer, %error, "cannot set socket options");
    }
    let place = Arc::new(place);
    let service = service_fn(|request: Request<Incoming>| {
        let busy = place.begin_request();
        let router = router.clone();
        async move {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            request.extensions_mut().insert(Arc::clone(&busy));
            let response = match router.oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            Ok::<_, Infallible>(body::for_wire(response, busy))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(limits.send_buffer.max(MIN_BUFFER))
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = place.shed() => return,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%peer, %error, "connection ended");
    }
}

/// hyper panics below this.
const MIN_BUFFER: usize = 8192;

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
