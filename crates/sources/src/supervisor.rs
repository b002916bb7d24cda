//! Keeps the sources going: claims their streams, opens them on demand, closes them when the last viewer has left, and
//! tries again when they fail.
//!
//! A source ends by being dropped, so none of them knows of demand, of shutdown or of retries.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::FutureExt;
use hub::{Claim, ClaimError, Closed, Hub, PublishError, Publisher, StreamName};
use ingest::{
    Admission, now,
    pull::{self, Report, Retry, State, Status, unwanted},
};
use tokio::{select, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{Error, Spec, kinds};

/// The running sources. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Sources(Arc<BTreeMap<StreamName, Arc<Status>>>);

impl Sources {
    /// Starts a task for each source, within a tokio runtime. Sources that rest have their streams, too.
    pub fn start(hub: &Hub, specs: Vec<Spec>, admission: &Admission, shutdown: &CancellationToken) -> Self {
        let mut sources = BTreeMap::new();
        for spec in specs {
            let status = Arc::new(Status::new(spec.kind.word()));
            sources.insert(spec.name.clone(), status.clone());
            let source = Source { hub: hub.clone(), spec, admission: admission.clone(), status };
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
    admission: Admission,
    status: Arc<Status>,
}

impl Source {
    /// Until the stream is deleted or the hub shuts down.
    async fn run(self) {
        let mut retry = Retry::default();
        let claim = if self.spec.on_demand { Claim::Source } else { Claim::SteadySource };
        loop {
            let why = match self.hub.publisher(&self.spec.name, claim, now()) {
                Ok(publisher) => match self.hold(&publisher, &mut retry).await {
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
            self.wait(why, retry.after(Duration::ZERO)).await;
        }
    }

    /// One attempt after the other, for as long as the stream is this source's.
    async fn hold(&self, publisher: &Publisher, retry: &mut Retry) -> PublishError {
        loop {
            let (end, live_for) = match self.wanted(publisher).await {
                Ok(()) => self.attempt(publisher).await,
                Err(lost) => return lost,
            };
            match end {
                Ok(()) => {
                    retry.reset();
                    tracing::debug!(stream = %self.spec.name, "no viewers: the source rests");
                }
                Err(error) => match error.lost_stream() {
                    Some(lost) => return lost.clone(),
                    None => self.wait(error.to_string(), retry.after(live_for)).await,
                },
            }
        }
    }

    /// Ready when the source is to be opened.
    async fn wanted(&self, publisher: &Publisher) -> Result<(), PublishError> {
        if self.spec.on_demand {
            if !publisher.demand().is_wanted() {
                self.status.set(State::Resting);
            }
            return publisher.wanted().await;
        }
        // The stream may have been deleted while nothing could be published.
        publisher.wanted().now_or_never().unwrap_or(Ok(()))
    }

    /// Opens the source. Gives the reason why it was closed (none: the last viewer has left), and for how long pictures came.
    async fn attempt(&self, publisher: &Publisher) -> (Result<(), Error>, Duration) {
        self.status.count_attempt();
        self.status.set(State::Connecting);
        let mut intake = kinds::intake(&self.spec, publisher, &self.status, &self.admission);
        let watchdog = intake.watchdog().clone();
        let end = select! {
            Err(error) = kinds::run(&self.spec, &mut intake) => Err(error),
            silence = watchdog.silence(self.spec.timeout) => Err(pull::Error::Silent(silence).into()),
            end = unwanted(publisher), if self.spec.on_demand => end.map_err(Error::from),
        };
        (end, intake.live_for())
    }

    async fn wait(&self, why: String, retry_in: Duration) {
        let stream = &self.spec.name;
        let state = State::Failed { why: why.clone(), retry_in };
        match self.status.set(state) {
            // Logged once; while it stays away there is nothing new to say.
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

#[cfg(test)]
mod tests;
