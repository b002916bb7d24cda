//! A request's body on its way from the wire: bounded in time and memory for every route, since none can get at it but
//! through here.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{BoxError, body::Body};
use bytes::Bytes;
use http::Request;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use super::{
    connections::Busy,
    waits::{Side, Waiting},
};

/// Why a body is given up.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub enum GivenUp {
    #[error("the body's bytes did not come within {} s: send faster, or raise server.body_timeout_seconds", .0.as_secs_f64())]
    Late(Duration),
    #[error(
        "too much is being received for a body of this size: try again later, send less at once, or raise \
         server.receive_memory_mb"
    )]
    NoRoom,
}

impl GivenUp {
    /// If that is what `error` says.
    pub fn find<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Self> {
        std::iter::successors(Some(error), |error| error.source()).find_map(|error| error.downcast_ref())
    }
}

/// The request as its route gets it.
pub fn receive<B>(request: Request<B>, busy: &Arc<Busy>) -> Request<Body>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: std::error::Error + Send + Sync,
{
    let (head, body) = request.into_parts();
    busy.expect(body.size_hint().exact());
    let deadline = Instant::now() + busy.limits().body_timeout;
    let body = Received { body, busy: Arc::clone(busy), deadline, timer: None, waiting: None };
    Request::from_parts(head, Body::new(body))
}

struct Received<B> {
    body: B,
    busy: Arc<Busy>,
    deadline: Instant,
    /// Once the body keeps its reader waiting.
    timer: Option<Pin<Box<Sleep>>>,
    waiting: Option<Waiting>,
}

impl<B> Received<B>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        ready!(self.busy.poll_room(cx));
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if polled.is_pending() {
            self.busy.inlet().end_turn();
            if self.waiting.is_none() && !self.busy.is_between_frames() {
                self.waiting = Some(self.busy.connection().wait(Side::Sending));
            }
            return Poll::Pending;
        }
        self.waiting = None;
        let frame = ready!(polled).transpose().map_err(BoxError::from);
        if let Ok(Some(data)) = frame.as_ref().map(|frame| frame.as_ref().and_then(Frame::data_ref)) {
            self.busy.inlet().count(data.len());
        }
        Poll::Ready(frame.transpose())
    }
}

impl<B> http_body::Body for Received<B>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        if let Poll::Ready(next) = this.poll_next(cx) {
            return Poll::Ready(next);
        }
        if this.busy.has_own_time() {
            return Poll::Pending;
        }
        let deadline = this.deadline;
        let timer = this.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        ready!(timer.as_mut().poll(cx));
        let given_up = match this.busy.inlet().awaits_room() {
            true => GivenUp::NoRoom,
            false => GivenUp::Late(this.busy.limits().body_timeout),
        };
        Poll::Ready(Some(Err(given_up.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
