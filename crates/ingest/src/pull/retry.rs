//! The waits between the attempts at a source.

use std::time::Duration;

use net::Backoff;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);
/// An attempt that was live for so long starts the waits anew; one that ended sooner goes on with longer ones.
const PROVEN: Duration = Duration::from_secs(5);

/// Growing waits, which begin anew after an attempt that went well.
#[derive(Debug)]
pub struct Retry(Backoff);

impl Default for Retry {
    fn default() -> Self {
        Self(Backoff::new(FIRST, LONGEST))
    }
}

impl Retry {
    /// An attempt that was `live_for` so long has ended. Gives the wait before the next one.
    pub fn after(&mut self, live_for: Duration) -> Duration {
        if live_for >= PROVEN {
            self.0.reset();
        }
        self.0.delay()
    }

    /// Nothing is wrong: the next wait is the first again.
    pub fn reset(&mut self) {
        self.0.reset();
    }
}
