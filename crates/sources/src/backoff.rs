//! How long to wait before a source is tried again.

use std::time::Duration;

use net::Backoff;

/// An attempt that was live for so long starts the waits anew; one that ended sooner goes on with longer ones.
pub(crate) const PROVEN: Duration = Duration::from_secs(5);

pub(crate) fn backoff() -> Backoff {
    Backoff::new(Duration::from_millis(500), Duration::from_secs(30))
}
