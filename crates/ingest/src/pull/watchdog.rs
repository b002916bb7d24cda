//! Notices when a source falls silent.

use std::{sync::Arc, time::Duration};

use net::Lock;
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

/// When the last good picture came. Clones share it.
#[derive(Debug, Clone)]
pub struct Watchdog(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    heard: Lock<Heard>,
    next: Notify,
}

#[derive(Debug, Clone, Copy)]
struct Heard {
    last: Instant,
    /// How far pictures may lie apart by the source's own settings.
    gap: Duration,
}

impl Watchdog {
    pub fn new(gap: Duration) -> Self {
        let heard = Lock::new(Heard { last: Instant::now(), gap });
        Self(Arc::new(Shared { heard, next: Notify::new() }))
    }

    /// Pictures may lie so far apart without the source counting as silent.
    pub fn allow_gap(&self, gap: Duration) {
        self.0.heard.lock().gap = gap;
    }

    /// Notes that something has come.
    pub fn note(&self) {
        self.0.heard.lock().last = Instant::now();
        self.0.next.notify_waiters();
    }

    /// Ready when something comes.
    pub async fn next(&self) {
        self.0.next.notified().await;
    }

    /// Ready when nothing has come for `limit`; gives the time that has passed without anything. A source that is slow
    /// by its own settings is not silent.
    pub async fn silence(&self, limit: Duration) -> Duration {
        loop {
            let Heard { last, gap } = *self.0.heard.lock();
            let limit = limit.max(gap.saturating_mul(3));
            if last.elapsed() >= limit {
                return limit;
            }
            sleep_until(last + limit).await;
        }
    }
}
