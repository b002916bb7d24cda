//! What is told of a stream's analysis.

use std::sync::Arc;

use serde::Serialize;
use utoipa::ToSchema;

use super::{Analyser, Run};
use crate::{clock, stats::round};

/// Whether a stream is being analysed, how fast, and what could be.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AnalysisState {
    running: bool,
    pipeline: Option<&'static str>,
    /// When it began.
    since: Option<String>,
    frames_analyzed: u64,
    /// Frames that were passed over for newer ones.
    frames_skipped: u64,
    /// Frames that could not be looked at.
    frame_errors: u64,
    last_error: Option<String>,
    /// Number of the last frame with a result.
    last_seq: Option<u64>,
    /// Results a second.
    current_fps: f64,
    /// Mean time to decode a picture and look at it.
    analysis_ms: f64,
    /// What this hub has for live streams.
    pipelines: Vec<PipelineState>,
}

#[derive(Debug, Serialize, ToSchema)]
struct PipelineState {
    name: &'static str,
    ready: bool,
    /// Why it is not ready.
    reason: Option<String>,
}

impl AnalysisState {
    pub(super) fn new(run: Option<&Run>, analysers: &[Arc<dyn Analyser>]) -> Self {
        let stats = run.map(|run| run.stream.stats(clock::now()));
        let counters = run.map(|run| run.counters.as_ref());
        let looked = counters.map_or(0, |counters| counters.looked());
        let millis = counters.map_or(0.0, |counters| counters.busy().as_secs_f64() * 1000.0);
        Self {
            running: run.is_some(),
            pipeline: run.map(|run| run.pipeline),
            since: run.map(|run| clock::rfc3339(run.since)),
            frames_analyzed: looked,
            frames_skipped: counters.map_or(0, |counters| counters.skipped()),
            frame_errors: counters.map_or(0, |counters| counters.errors()),
            last_error: counters.and_then(|counters| counters.last_error()),
            last_seq: run.and_then(|run| run.stream.newest()).map(|frame| frame.seq),
            current_fps: stats.map_or(0.0, |stats| round(stats.fps, 1)),
            analysis_ms: round(millis / looked.max(1) as f64, 2),
            pipelines: analysers.iter().map(|it| PipelineState::of(it.as_ref())).collect(),
        }
    }
}

impl PipelineState {
    fn of(analyser: &dyn Analyser) -> Self {
        let reason = analyser.ready().err();
        Self { name: analyser.name(), ready: reason.is_none(), reason }
    }
}
