//! Derived streams as JSON: the renditions of a stream, and its analysis.

use derive::{Analyser, Report};
use hub::Stream;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{clock, stats::round};

/// One rendition of a stream.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RenditionInfo {
    /// As asked for; absent: as published, or in proportion.
    width: Option<u32>,
    height: Option<u32>,
    quality: Option<u8>,
    fps: Option<f64>,
    viewers: usize,
    current_fps: f64,
    /// Pictures encoded for it, however many watch.
    frames_encoded: u64,
    /// Frames that could not be read.
    frame_errors: u64,
    frames_served: u64,
    /// Mean time to decode, scale and encode a picture.
    encode_ms: f64,
    frame_bytes: Option<usize>,
}

impl RenditionInfo {
    /// Of the stream of this epoch.
    pub(crate) fn all(derive: &derive::Registry, epoch: u64) -> Vec<Self> {
        derive.renditions(epoch).iter().map(Self::new).collect()
    }

    fn new(report: &Report) -> Self {
        let Report { want, stream, counts, .. } = report;
        Self {
            width: want.width,
            height: want.height,
            quality: want.quality,
            fps: want.max_fps(),
            viewers: stream.demand.viewers,
            current_fps: round(stream.fps, 1),
            frames_encoded: counts.made,
            frame_errors: counts.errors,
            frames_served: stream.totals.served,
            encode_ms: round(report.mean_millis(), 2),
            frame_bytes: stream.frame_bytes,
        }
    }
}

/// Whether a stream is being analysed, how fast, and what could be.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct AnalysisState {
    running: bool,
    pipeline: Option<String>,
    /// When it began.
    since: Option<String>,
    frames_analyzed: u64,
    /// Frames that were passed over for newer ones.
    frames_skipped: u64,
    /// Frames that could not be analysed.
    frame_errors: u64,
    last_error: Option<String>,
    /// Number of the last frame with a result.
    last_seq: Option<u64>,
    /// Results a second.
    current_fps: f64,
    /// Mean time to decode a picture and analyse it.
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
    pub(crate) fn of(derive: &derive::Registry, stream: &Stream) -> Self {
        let pipelines = derive.analysers().iter().map(|it| PipelineState::of(it.as_ref())).collect();
        let running = derive.analysis(stream).map(Self::running).unwrap_or_default();
        Self { pipelines, ..running }
    }

    fn running(report: Report) -> Self {
        Self {
            running: true,
            pipeline: report.want.analysis.as_deref().map(str::to_owned),
            since: Some(clock::rfc3339(report.since)),
            frames_analyzed: report.counts.made,
            frames_skipped: report.counts.skipped,
            frame_errors: report.counts.errors,
            last_seq: report.stream.format.map(|_| report.stream.newest_seq),
            current_fps: round(report.stream.fps, 1),
            analysis_ms: round(report.mean_millis(), 2),
            last_error: report.counts.last_error,
            pipelines: Vec::new(),
        }
    }
}

impl PipelineState {
    fn of(analyser: &dyn Analyser) -> Self {
        let reason = analyser.ready().err();
        Self { name: analyser.name(), ready: reason.is_none(), reason }
    }
}
