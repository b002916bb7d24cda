//! What the tests of this crate share: a clock moved by hand, frames made to order, wakers that count.

// Each test binary uses its own part of this.
#![allow(dead_code, clippy::unwrap_used)]

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use hub::{
    Claim, Codec, Format, Hub, Limits, Moment, NewFrame, Publisher, RingLimits, StreamName, Subscriber,
};

/// Room for everything that a test does not ask about.
pub(crate) const ROOMY: Limits = Limits {
    streams: 8,
    viewers_per_stream: 8,
    ring: RingLimits { frames: 8, history_bytes: 1000, backlog_frames: 8, backlog_bytes: 10_000 },
};

/// Time as the tests tell it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(Moment);

impl Clock {
    pub(crate) fn new() -> Self {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        Self(Moment { mono: Instant::now(), wall })
    }

    pub(crate) fn now(&self) -> Moment {
        self.0
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.0 = Moment { mono: self.0.mono + by, wall: self.0.wall + by };
    }
}

pub(crate) fn name(text: &str) -> StreamName {
    text.parse().unwrap()
}

pub(crate) fn jpeg(bytes: usize) -> NewFrame {
    NewFrame::new(Bytes::from(vec![0; bytes]), Format::jpeg(640, 480))
}

pub(crate) fn h264(bytes: usize, key: bool) -> NewFrame {
    let format = Format { codec: Codec::H264, width: 640, height: 480, key };
    NewFrame::new(Bytes::from(vec![0; bytes]), format)
}

pub(crate) fn key() -> NewFrame {
    h264(1, true)
}

pub(crate) fn delta() -> NewFrame {
    h264(1, false)
}

/// A hub with one stream, named "cam".
pub(crate) fn cam(limits: Limits, clock: &Clock) -> (Hub, Publisher) {
    let hub = Hub::new(limits);
    let publisher = hub.publisher(&name("cam"), Claim::Exclusive, clock.now()).unwrap();
    (hub, publisher)
}

/// Number and skipped count of every frame that the reader gets now.
pub(crate) fn drain(reader: &mut Subscriber) -> Vec<(u64, u64)> {
    std::iter::from_fn(|| reader.try_recv()).map(|d| (d.frame.seq, d.skipped)).collect()
}

/// Counts how often it was woken.
#[derive(Debug, Default)]
pub(crate) struct WakeCount(AtomicUsize);

impl WakeCount {
    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for WakeCount {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Polls a future once and drops it, as a `select!` does whose other arm was faster.
pub(crate) fn poll_once<T>(future: impl Future<Output = T>, wakes: &Arc<WakeCount>) -> Poll<T> {
    let waker = Waker::from(Arc::clone(wakes));
    pin!(future).poll(&mut Context::from_waker(&waker))
}
