//! A reader of the form that was wanted.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll, ready},
};

use hub::{Closed, Codec, Delivery, Frame, Stream, Subscriber};
use tokio::time::Instant;

use crate::Pacer;

/// Gives frames in the codecs that were asked for alone, at the rate that was asked for at most. Dropping it is
/// unsubscribing.
#[derive(Debug)]
pub struct Reader {
    subscriber: Subscriber,
    codecs: &'static [Codec],
    pacer: Pacer,
    /// Frames of other codecs since the last delivery, and frames skipped with them.
    passed_over: u64,
}

impl Reader {
    pub(crate) fn new(subscriber: Subscriber, codecs: &'static [Codec], max_fps: Option<f64>) -> Self {
        Self { subscriber, codecs, pacer: Pacer::new(max_fps, Instant::now()), passed_over: 0 }
    }

    /// The stream that is read: the one asked for, or one derived from it.
    pub fn stream(&self) -> &Stream {
        self.subscriber.stream()
    }

    /// The newest frame of the stream, if it is in a codec that was asked for.
    pub fn newest(&self) -> Option<Arc<Frame>> {
        self.stream().newest().filter(|frame| self.codecs.contains(&frame.format.codec))
    }

    /// Changes the rate from the next frame on. A rendition has the rate at which it is made.
    pub fn set_max_fps(&mut self, max_fps: Option<f64>) {
        self.pacer.set_rate(max_fps);
    }

    /// The next frame. Cancel-safe.
    ///
    /// # Errors
    /// How the stream came to its end.
    pub async fn recv(&mut self) -> Result<Delivery, Closed> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// [`recv`](Self::recv) for hand-written futures.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Delivery, Closed>> {
        ready!(self.pacer.poll_due(cx));
        loop {
            let Delivery { frame, skipped } = ready!(self.subscriber.poll_recv(cx))?;
            if self.codecs.contains(&frame.format.codec) {
                self.pacer.taken(Instant::now());
                let skipped = skipped + std::mem::take(&mut self.passed_over);
                return Poll::Ready(Ok(Delivery { frame, skipped }));
            }
            self.passed_over += skipped + 1;
        }
    }
}
