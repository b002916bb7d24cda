//! How long to wait before the hub is tried again.

use std::time::Duration;

use net::Backoff;

const FIRST_DELAY: Duration = Duration::from_millis(200);

/// The longest delay where the caller asks for no other.
pub(crate) const LONGEST_DELAY: Duration = Duration::from_secs(5);

pub(crate) fn backoff(longest: Duration) -> Backoff {
    Backoff::new(FIRST_DELAY, longest)
}
