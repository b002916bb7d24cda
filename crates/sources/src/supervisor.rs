//! Keeps the sources going: claims their streams, opens them when they are wanted, closes them when nobody watches,
//! and tries again when they fail.
//!
//! A source ends by being dropped, so none of them knows of demand, of shutdown or of retries.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::FutureExt;
use hub::{Claim, ClaimError, Closed, Hub, PublishError, Publisher, StreamName};
use tokio::{select, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    Error, Report, Settings, Spec, State,
    backoff::{PROVEN, backoff},
    ingest::{Ingest, now},
    kinds,
    state::Status,
};

/// A source stays open for so long after its last reader: people reload pages, and opening a camera takes seconds.
const LINGER: Duration = Duration::from_secs(5);

/// The running sources. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Sources(Arc<BTreeMap<StreamName, Arc<Status>>>);

impl Sources {
    /// Starts a task a source, within a tokio runtime. Streams are there from now on, also of sources that rest.
    pub fn start(hub: &Hub, specs: Vec<Spec>, settings: Settings, shutdown: &CancellationToken) -> Self {
        let mut sources = BTreeMap::new();
        for spec in specs {
            let status = Arc::new(Status::new(spec.kind.word()));
            sources.insert(spec.name.clone(), status.clone());
            let source = Source { hub: hub.clone(), spec, settings, status };
            let shutdown = shutdown.clone();
            tokio::spawn(async move {
                select! {
                    () = shutdown.cancelled() => {}
                    () = source.run() => {}
                }
            });
        }
        Self(Arc::new(sources))
    }

    /// What the source of this stream is doing; `None` if it has none.
    pub fn report(&self, name: &StreamName) -> Option<Report> {
        self.0.get(name).map(|status| status.report())
    }
}

struct Source {
    hub: Hub,
    spec: Spec,
    settings: Settings,
    status: Arc<Status>,
}

/// How an attempt ended without an error.
enum Outcome {
    /// Nobody watches any more.
    Unwanted,
}

impl Source {
    /// Until the stream is deleted or the hub shuts down.
    async fn run(self) {
        let mut backoff = backoff();
        let claim = if self.spec.on_demand { Claim::Source } else { Claim::SteadySource };
        loop {
            let why = match self.hub.publisher(&self.spec.name, claim, now()) {
                Ok(publisher) => match self.hold(&publisher, &mut backoff).await {
                    PublishError::Closed {
                        reason: reason @ (Closed::Deleted | Closed::ShuttingDown),
                        ..
                    } => {
                        return self.end(reason);
                    }
                    lost => lost.to_string(),
                },
                Err(ClaimError::ShuttingDown) => return self.end(Closed::ShuttingDown),
                Err(error) => error.to_string(),
            };
            self.wait(why, &mut backoff).await;
        }
    }

    /// One attempt after the other, for as long as the stream is this source's.
    async fn hold(&self, publisher: &Publisher, backoff: &mut net::Backoff) -> PublishError {
        loop {
            let why = match self.attempt(publisher, backoff).await {
                Ok(Outcome::Unwanted) => {
                    tracing::debug!(stream = %self.spec.name, "nobody watches: the source rests");
                    continue;
                }
                Err(Error::Stream(lost)) => return lost,
                Err(error) => error.to_string(),
            };
            self.wait(why, backoff).await;
        }
    }

    async fn attempt(&self, publisher: &Publisher, backoff: &mut net::Backoff) -> Result<Outcome, Error> {
        if self.spec.on_demand {
            if !publisher.demand().is_wanted() {
                self.status.set(State::Resting);
            }
            publisher.wanted().await?;
        } else if let Some(Err(lost)) = publisher.wanted().now_or_never() {
            // The stream may have been deleted while nothing could be published.
            return Err(lost.into());
        }
        self.status.count_attempt();
        self.status.set(State::Connecting);
        let mut ingest = Ingest::new(publisher, &self.status, &self.spec, self.settings);
        let watchdog = ingest.watchdog();
        let end = select! {
            Err(error) = kinds::run(&self.spec, &mut ingest) => Err(error),
            silence = watchdog.silence(self.spec.timeout) => Err(Error::Silent(silence)),
            end = unwanted(publisher), if self.spec.on_demand => end.map(|()| Outcome::Unwanted).map_err(Error::from),
        };
        if ingest.live_for() >= PROVEN || end.is_ok() {
            backoff.reset();
        }
        end
    }

    async fn wait(&self, why: String, backoff: &mut net::Backoff) {
        let retry_in = backoff.delay();
        let stream = &self.spec.name;
        let state = State::Failed { why: why.clone(), retry_in };
        match self.status.set(state) {
            // Told once; while it stays away there is nothing new to say.
            State::Connecting if self.status.report().attempts > 1 => {
                tracing::debug!(%stream, ?retry_in, "the source failed again: {why}");
            }
            _ => tracing::warn!(%stream, kind = self.spec.kind.word(), ?retry_in, "the source failed: {why}"),
        }
        sleep(retry_in).await;
    }

    fn end(&self, reason: Closed) {
        self.status.set(State::Ended { why: reason.to_string() });
        tracing::debug!(stream = %self.spec.name, %reason, "the source has ended");
    }
}

/// Ready once nobody has read the stream for a while.
pub(crate) async fn unwanted(publisher: &Publisher) -> Result<(), PublishError> {
    loop {
        publisher.unwanted().await?;
        select! {
            wanted = publisher.wanted() => wanted?,
            () = sleep(LINGER) => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
