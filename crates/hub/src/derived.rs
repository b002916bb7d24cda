//! Derived streams: the same pictures in another form (smaller, coarser), made from a stream's frames by the
//! holder of the [`Derived`]. They are not listed and claim no name; their viewers are their parent's viewers.

use std::sync::Arc;

use bytes::Bytes;

use crate::{Closed, Format, Frame, Moment, PublishError, Publisher, Stream};

/// Publishes into a derived stream. Dropping it ends the stream: no reader waits for frames that do not come.
#[derive(Debug)]
pub struct Derived {
    pub(crate) publisher: Publisher,
    pub(crate) parent: Stream,
}

impl Derived {
    /// The derived stream itself, to be read like any other.
    pub fn stream(&self) -> &Stream {
        self.publisher.stream()
    }

    pub fn parent(&self) -> &Stream {
        &self.parent
    }

    /// Publishes `frame` of the parent in another form: with its number, times and metadata (D1). `None` if it is not
    /// newer than the last one, or the stream has ended.
    pub fn relay(&self, frame: &Frame, payload: Bytes, format: Format, now: Moment) -> Option<Arc<Frame>> {
        self.stream().relay(Frame { payload, format, ..frame.clone() }, now)
    }

    /// Waits until the stream has a reader.
    pub async fn wanted(&self) -> Result<(), PublishError> {
        self.publisher.wanted().await
    }

    /// Waits until the stream has no reader.
    pub async fn unwanted(&self) -> Result<(), PublishError> {
        self.publisher.unwanted().await
    }
}

impl Drop for Derived {
    fn drop(&mut self) {
        let reason = self.parent.closed().unwrap_or(Closed::Retired);
        let (_totals, aftermath) = self.stream().close(reason);
        aftermath.wake();
    }
}
