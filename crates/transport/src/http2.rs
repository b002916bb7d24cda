//! A connection that speaks HTTP/2: many requests at a time, each answered in a task of its own.
//!
//! A live body's next part is asked for when the last one has left the response's queue (see [`super::gate`]). What
//! lies beyond is small: one frame of 16 kB in the codec, two in TLS, and what the kernel holds unsent.

use std::{pin::pin, sync::Arc, time::Duration};

use axum::{body::Body, response::Response};
use http::Request;
use hyper::{server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio_util::sync::CancellationToken;

use super::{
    Peer,
    connections::Connection,
    gate::{Gate, GatedSocket},
    respond,
    socket::Socket,
};

/// RFC 9113 section 6.5.2 advises to allow no fewer.
pub(crate) const REQUESTS: u32 = 100;
/// Of one request.
pub(crate) const HEADER: u32 = 16 * 1024;
/// What may come before it is read, of one request and of all. A reader that waits for room lets it fill.
pub(crate) const WINDOW: u32 = 256 * 1024;
/// A response's queue takes more only when it is empty.
const QUEUE: usize = 1;
/// How long a connection that is given up may take to end after it was asked to.
const GOODBYE: Duration = Duration::from_secs(1);

pub(super) async fn converse<A, F>(
    socket: Socket,
    peer: Peer,
    place: Arc<Connection>,
    answer: A,
    shutdown: CancellationToken,
) where
    A: Fn(Request<Body>) -> F + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let service = service_fn(|request| respond(&answer, &place, peer, None, request));
    let connection = http2::Builder::new(TokioExecutor::new())
        .max_concurrent_streams(REQUESTS)
        .max_header_list_size(HEADER)
        .max_send_buf_size(QUEUE)
        .initial_connection_window_size(WINDOW)
        .initial_stream_window_size(WINDOW)
        .serve_connection(
            TokioIo::new(GatedSocket::new(socket, Gate::default(), Arc::clone(&place))),
            service,
        );
    let mut connection = pin!(connection);
    let outcome = tokio::select! {
        biased;
        outcome = connection.as_mut() => outcome,
        () = place.given_up() => {
            connection.as_mut().graceful_shutdown();
            tokio::time::timeout(GOODBYE, connection).await.unwrap_or(Ok(()))
        }
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%peer, %error, "connection ended");
    }
}
