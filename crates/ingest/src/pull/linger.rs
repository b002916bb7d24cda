//! How long a source stays open for no viewer.

use std::time::Duration;

use hub::{PublishError, Publisher};
use tokio::{select, time::sleep};

/// A source stays open for so long after its last viewer: people reload pages, and opening a camera takes seconds.
pub const LINGER: Duration = Duration::from_secs(5);

/// Ready once the stream has had no reader for [`LINGER`].
///
/// # Errors
/// The stream takes no frames of this publisher any more.
pub async fn unwanted(publisher: &Publisher) -> Result<(), PublishError> {
    loop {
        publisher.unwanted().await?;
        select! {
            wanted = publisher.wanted() => wanted?,
            () = sleep(LINGER) => return Ok(()),
        }
    }
}
