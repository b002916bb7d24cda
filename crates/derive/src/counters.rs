//! What a worker has made, and what it cost.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use net::Lock;

/// Of one derived stream, or of several together.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    made: AtomicU64,
    skipped: AtomicU64,
    errors: AtomicU64,
    busy_micros: AtomicU64,
    last_error: Lock<Option<String>>,
    /// Counts the same again, over all that there ever were.
    total: Option<Arc<Counters>>,
}

impl Counters {
    pub(crate) fn counted_in(total: &Arc<Counters>) -> Self {
        Self { total: Some(Arc::clone(total)), ..Self::default() }
    }

    /// Frames that were made anew.
    pub(crate) fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    /// Frames passed over for newer ones.
    pub(crate) fn skipped(&self) -> u64 {
        self.skipped.load(Ordering::Relaxed)
    }

    /// Frames that could not be read.
    pub(crate) fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }

    /// Time spent on all of them.
    pub(crate) fn busy(&self) -> Duration {
        Duration::from_micros(self.busy_micros.load(Ordering::Relaxed))
    }

    pub(crate) fn last_error(&self) -> Option<String> {
        self.last_error.lock().clone()
    }

    pub(crate) fn count_skipped(&self, frames: u64) {
        self.skipped.fetch_add(frames, Ordering::Relaxed);
    }

    pub(crate) fn count(&self, outcome: Result<(), &str>, busy: Duration) {
        if let Some(total) = &self.total {
            total.count(outcome, busy);
        }
        let counter = if outcome.is_ok() { &self.made } else { &self.errors };
        counter.fetch_add(1, Ordering::Relaxed);
        self.busy_micros.fetch_add(u64::try_from(busy.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        if let Err(why) = outcome {
            *self.last_error.lock() = Some(why.to_owned());
        }
    }
}
