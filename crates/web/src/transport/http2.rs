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

use super::{Peer, connections::Connection, respond, socket::Socket};
use crate::ConnectionLimits;

/// RFC 9113 section 6.5.2 advises to allow no fewer.
const REQUESTS: u32 = 100;
/// Of one request's header. HTTP/1.1 has the same bound by its buffer.
const HEADER: u32 = 64 * 1024;
/// A response's queue takes more only when it is empty.
const QUEUE: usize = 1;
/// How long a connection without requests may take to end after it was asked to.
const GOODBYE: Duration = Duration::from_secs(1);

pub(super) async fn converse<A, F>(
    socket: Socket,
    peer: Peer,
    place: Arc<Connection>,
    answer: A,
    limits: ConnectionLimits,
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
        .serve_connection(TokioIo::new(socket), service);
    let mut connection = pin!(connection);
    let outcome = tokio::select! {
        biased;
        outcome = connection.as_mut() => outcome,
        () = place.shed() => return,
        () = place.outstayed(limits.idle_timeout, limits.header_timeout) => {
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
