//! Live analyses: what a model finds in a stream's newest pictures, told with exactly the pictures that it was found in.
//!
//! An analysis is started by request and runs until it is stopped or its stream ends, whether or not somebody watches:
//! somebody asked for it. It takes the newest frame whenever it has done with one, and publishes that frame again in a
//! derived stream, with what was found in its metadata. What looks at pictures is handed in by the house ([`Analyser`]).

mod looker;
mod state;

use std::{
    collections::BTreeMap,
    fmt::Debug,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use http::StatusCode;
use hub::{Class, Derived, Hub, Rule, Start, Stream};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{clock, error::ApiError};
use looker::{Counters, Looker};
pub(crate) use state::AnalysisState;

/// Looks at pictures. One picture of a stream at a time, several streams at once.
pub trait Analyser: Debug + Send + Sync {
    /// As it is asked for, and as its results are called in the metadata; such as `pose`.
    fn name(&self) -> &'static str;

    /// Whether it can be used.
    ///
    /// # Errors
    /// What is missing, and how to mend that.
    fn ready(&self) -> Result<(), String>;

    /// What is found in a JPEG; a few kilobytes. Called on a thread of low priority.
    ///
    /// # Errors
    /// Why this picture cannot be looked at.
    fn look(&self, jpeg: &[u8]) -> Result<Value, String>;
}

/// What looks at live streams, and at how many.
#[derive(Debug, Clone, Default)]
pub struct LiveAnalysis {
    pub analysers: Vec<Arc<dyn Analyser>>,
    /// Streams at the same time; each keeps a processor busy.
    pub max: usize,
}

/// All that run now.
#[derive(Debug)]
pub(crate) struct Analyses {
    hub: Hub,
    with: LiveAnalysis,
    /// By the epoch of the stream. Taken before the hub's locks, and never across an await.
    runs: Mutex<BTreeMap<u64, Run>>,
}

/// One stream's.
#[derive(Debug, Clone)]
struct Run {
    pipeline: &'static str,
    since: SystemTime,
    /// With the results.
    stream: Stream,
    counters: Arc<Counters>,
    stop: CancellationToken,
}

impl Analyses {
    pub(crate) fn new(hub: Hub, with: LiveAnalysis) -> Arc<Self> {
        Arc::new(Self { hub, with, runs: Mutex::default() })
    }

    /// Starts the analysis of that name, in place of another. One that runs already goes on.
    pub(crate) fn start(self: &Arc<Self>, stream: &Stream, pipeline: &str) -> Result<(), ApiError> {
        let analyser = self.find(pipeline)?;
        let missing = |why| ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "MODEL_NOT_LOADED", why);
        analyser.ready().map_err(missing)?;
        let mut runs = self.lock();
        let running = runs.get(&stream.epoch());
        if running.is_some_and(|run| run.pipeline == analyser.name()) {
            return Ok(());
        }
        if running.is_none() && runs.len() >= self.with.max {
            return Err(self.at_limit());
        }
        let derived = self.hub.derive(stream, clock::now())?;
        let run = Run {
            pipeline: analyser.name(),
            since: SystemTime::now(),
            stream: derived.stream().clone(),
            counters: Arc::default(),
            stop: CancellationToken::new(),
        };
        let looker = Looker::start(Arc::clone(analyser), Arc::clone(&run.counters)).map_err(|error| {
            let message = format!("no thread can be started for the analysis: {error}");
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "ANALYSIS_LIMIT", message)
        })?;
        tokio::spawn(Worker { analyses: Arc::clone(self), derived, looker, stop: run.stop.clone() }.run());
        if let Some(before) = runs.insert(stream.epoch(), run) {
            before.stop.cancel();
        }
        Ok(())
    }

    fn find(&self, pipeline: &str) -> Result<&Arc<dyn Analyser>, ApiError> {
        self.with.analysers.iter().find(|analyser| analyser.name() == pipeline).ok_or_else(|| {
            let shown: String = pipeline.chars().take(40).collect();
            let known: Vec<_> = self.with.analysers.iter().map(|it| it.name()).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let message = format!("pipeline {shown:?} is unknown: for live streams this hub has {known}");
            ApiError::bad_request("UNKNOWN_PIPELINE", message)
        })
    }

    fn at_limit(&self) -> ApiError {
        let max = self.with.max;
        let message = format!(
            "{max} streams are being analysed already: stop one with DELETE /api/streams/NAME/analysis, or raise \
             referee.live_analyses"
        );
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "ANALYSIS_LIMIT", message)
    }

    /// Whether there was one.
    pub(crate) fn stop(&self, stream: &Stream) -> bool {
        let run = self.lock().remove(&stream.epoch());
        run.map(|run| run.stop.cancel()).is_some()
    }

    /// The stream with the results of that analysis.
    pub(crate) fn stream(&self, of: &Stream, pipeline: &str) -> Result<Stream, ApiError> {
        self.find(pipeline)?;
        let runs = self.lock();
        let run = runs.get(&of.epoch()).filter(|run| run.pipeline == pipeline);
        run.map(|run| run.stream.clone()).ok_or_else(|| {
            let name = of.name();
            let message = format!(
                "stream '{name}' is not being analysed: start it with POST /api/streams/{name}/analysis \
                 {{\"pipeline\": \"{pipeline}\"}}"
            );
            ApiError::new(StatusCode::CONFLICT, "ANALYSIS_NOT_RUNNING", message)
        })
    }

    pub(crate) fn state(&self, stream: &Stream) -> AnalysisState {
        let run = self.lock().get(&stream.epoch()).cloned();
        AnalysisState::new(run.as_ref(), &self.with.analysers)
    }

    /// Takes a run off the list that has ended by itself.
    fn forget(&self, derived: &Derived) {
        let mut runs = self.lock();
        let epoch = derived.parent().epoch();
        if runs.get(&epoch).is_some_and(|run| run.stream.epoch() == derived.stream().epoch()) {
            runs.remove(&epoch);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Run>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hands the newest frame to the looker, and what comes of it to the derived stream.
struct Worker {
    analyses: Arc<Analyses>,
    derived: Derived,
    looker: Looker,
    stop: CancellationToken,
}

impl Worker {
    async fn run(self) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = self.work() => {}
        }
        self.analyses.forget(&self.derived);
    }

    /// Until the stream ends, or the thread does.
    async fn work(&self) {
        let subscribed = self.derived.parent().subscribe(Rule::Latest, Class::Service, Start::Newest);
        let Ok(mut frames) = subscribed else { return };
        while let Ok(delivery) = frames.recv().await {
            let Ok(looked) = self.looker.look(&delivery).await else { return };
            if let Some(frame) = looked {
                self.derived.relay(&frame, frame.payload.clone(), frame.format, clock::now());
            }
        }
    }
}
