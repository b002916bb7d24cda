//! What a worker has made, and what it cost.

use std::{sync::Arc, time::Duration};

use net::Lock;

/// Of one derived stream, or of several together.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Frames made anew, however many watch.
    pub made: u64,
    /// Frames passed over for newer ones.
    pub skipped: u64,
    /// Frames that could not be read.
    pub errors: u64,
    pub last_error: Option<String>,
    /// Time spent on all of them.
    pub busy: Duration,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    counts: Lock<Counts>,
    /// Counts the same again, over all that there ever were.
    total: Option<Arc<Counters>>,
}

impl Counters {
    pub(crate) fn counted_in(total: &Arc<Counters>) -> Self {
        Self { total: Some(Arc::clone(total)), ..Self::default() }
    }

    pub(crate) fn read(&self) -> Counts {
        self.counts.lock().clone()
    }

    pub(crate) fn count_skipped(&self, frames: u64) {
        self.counts.lock().skipped += frames;
    }

    pub(crate) fn count(&self, outcome: Result<(), &str>, busy: Duration) {
        if let Some(total) = &self.total {
            total.count(outcome, busy);
        }
        let mut counts = self.counts.lock();
        counts.busy += busy;
        match outcome {
            Ok(()) => counts.made += 1,
            Err(why) => {
                counts.errors += 1;
                counts.last_error = Some(why.to_owned());
            }
        }
    }
}
