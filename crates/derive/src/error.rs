//! Why a stream cannot be had in the form that is wanted.

use hub::{ClaimError, Codec, StreamName, SubscribeError};

/// Each with a stable [`code`](Self::code).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("stream '{stream}' is {codec}, which cannot be shown here as {}: publish it as {}", names(.accepted), names(.accepted))]
    CodecUnavailable { stream: StreamName, codec: Codec, accepted: &'static [Codec] },
    #[error(
        "{max} renditions are being made already: ask for a size, quality and rate that others watch, leave them \
         out, or raise viewers.max_renditions"
    )]
    RenditionLimit { max: usize },
    #[error("overlay is for live pictures as published: leave out width, height and quality")]
    AnalysisScaled,
    #[error("pipeline {pipeline:?} is unknown: for live streams this hub has {known}")]
    UnknownPipeline { pipeline: String, known: String },
    #[error("{reason}")]
    ModelNotLoaded { reason: String },
    #[error(
        "{max} streams are being analysed already: stop one with DELETE /api/streams/NAME/analysis, or raise \
         referee.live_analyses"
    )]
    AnalysisLimit { max: usize },
    #[error(
        "stream '{stream}' is not being analysed: start it with POST /api/streams/{stream}/analysis \
         {{\"pipeline\": \"{pipeline}\"}}"
    )]
    AnalysisNotRunning { stream: StreamName, pipeline: String },
    #[error(transparent)]
    Claim(#[from] ClaimError),
    #[error(transparent)]
    Subscribe(#[from] SubscribeError),
}

impl Error {
    pub fn code(&self) -> &'static str {
        match self {
            Self::CodecUnavailable { .. } => "CODEC_UNAVAILABLE",
            Self::AnalysisLimit { .. } => "ANALYSIS_LIMIT",
            Self::RenditionLimit { .. } => "RENDITION_LIMIT",
            Self::AnalysisScaled => "BAD_QUERY",
            Self::UnknownPipeline { .. } => "UNKNOWN_PIPELINE",
            Self::ModelNotLoaded { .. } => "MODEL_NOT_LOADED",
            Self::AnalysisNotRunning { .. } => "ANALYSIS_NOT_RUNNING",
            Self::Claim(error) => error.code(),
            Self::Subscribe(error) => error.code(),
        }
    }
}

fn names(codecs: &[Codec]) -> String {
    codecs.iter().map(Codec::to_string).collect::<Vec<_>>().join(" or ")
}
