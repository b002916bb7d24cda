//! The handle through which frames leave a stream.

use std::{
    future::poll_fn,
    task::{Context, Poll},
};

use crate::{Closed, Delivery, Stream, ring::RowId, stream::Guest};

/// Reads one stream by the rule it subscribed with. Dropping it is unsubscribing (S3).
#[derive(Debug)]
pub struct Subscriber {
    pub(crate) stream: Stream,
    pub(crate) row: RowId,
    /// Of a viewer of a derived stream: leaves the parent's count after the row is gone.
    pub(crate) _guest: Option<Guest>,
}

impl Subscriber {
    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    /// The next frame by the reader's rule. Frames that are still there are handed out before the end is reported.
    /// Cancel-safe: a frame is taken in the same step in which it is returned (S1).
    pub async fn recv(&mut self) -> Result<Delivery, Closed> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// [`recv`](Self::recv) for hand-written futures. Only the last waker is kept.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Delivery, Closed>> {
        self.stream.poll_take(self.row, cx)
    }

    /// What `recv` would give at once.
    pub fn try_recv(&mut self) -> Option<Delivery> {
        self.stream.try_take(self.row)
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.stream.leave(self.row);
    }
}
