//! The handle through which frames enter a stream, and the rules of who may hold it.

use std::{
    future::{pending, poll_fn},
    sync::Arc,
    time::Duration,
};

use crate::{Demand, Frame, Moment, NewFrame, PublishError, Stream, stream::HolderId};

/// A connection that has sent nothing for so long no longer keeps another one out: after a cut cable the robot
/// comes back on a new connection while the old one still seems open.
pub const STALE_CLAIM: Duration = Duration::from_secs(5);

/// How a publisher wants to hold a stream (P3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// One frame a request: any number of such clients share the stream, unless a connection holds it.
    Shared,
    /// A connection: refused while another one is active.
    Exclusive,
    /// A connection that replaces the present publisher.
    TakeOver,
    /// A connection whose frames are kept elsewhere (an upload): as [`Exclusive`](Self::Exclusive), and its stream is
    /// recorded on request only.
    Kept,
    /// A source of the hub's own that may rest while it has no readers: never stale, and the stream is never idle.
    Source,
    /// A source of the hub's own that runs whether or not anybody watches (a camera): as [`Source`](Self::Source),
    /// and its stream is recorded as any publisher's.
    SteadySource,
}

impl Claim {
    /// Whether the hub itself makes the pictures.
    pub(crate) fn is_source(self) -> bool {
        matches!(self, Self::Source | Self::SteadySource)
    }
}

/// Publishes into one stream. Dropping it gives the claim back; the stream lives on (P2).
#[derive(Debug)]
pub struct Publisher {
    pub(crate) stream: Stream,
    pub(crate) holder: Option<HolderId>,
}

impl Publisher {
    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    /// Numbers the frame, keeps it and wakes the readers. Synchronous, and no reader can slow it (P1).
    pub fn publish(&self, frame: NewFrame, now: Moment) -> Result<Arc<Frame>, PublishError> {
        self.stream.publish(self.holder, frame, now)
    }

    pub fn demand(&self) -> Demand {
        self.stream.demand()
    }

    /// Waits until someone reads the stream; at once without a claim of its own, since such a publisher never rests.
    /// One wait at a time: of several on the same publisher only the last is woken.
    pub async fn wanted(&self) -> Result<(), PublishError> {
        self.demand_is(true).await
    }

    /// Waits until the stream has no reader; for ever without a claim of its own.
    pub async fn unwanted(&self) -> Result<(), PublishError> {
        self.demand_is(false).await
    }

    async fn demand_is(&self, wanted: bool) -> Result<(), PublishError> {
        match self.holder {
            Some(holder) => {
                let is_so = |demand: Demand| demand.is_wanted() == wanted;
                poll_fn(|cx| self.stream.poll_demand(holder, is_so, cx)).await.map(drop)
            }
            None if wanted => Ok(()),
            None => pending().await,
        }
    }

    /// Waits until demand is another than `seen`, and gives it; for ever without a claim of its own. Shares the one
    /// wait of [`wanted`](Self::wanted).
    pub async fn demand_other_than(&self, seen: Demand) -> Result<Demand, PublishError> {
        match self.holder {
            Some(holder) => poll_fn(|cx| self.stream.poll_demand(holder, |now| now != seen, cx)).await,
            None => pending().await,
        }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        if let Some(id) = self.holder {
            self.stream.release(id);
        }
    }
}
