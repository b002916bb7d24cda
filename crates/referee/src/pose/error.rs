//! Why a pose model cannot be used.

use std::path::PathBuf;

use super::Source;

/// Each message says which model is meant and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is not there, or may not be read.
    #[error("cannot read the pose model {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    /// The engine cannot make a model of the file.
    #[error("{model} is not a model that can be loaded: {reason}; export it again as ONNX")]
    NotAModel { model: Source, reason: String },
    /// A model, but not of poses.
    #[error(
        "{model} is not a pose model as Ultralytics exports it: {reason}; export a -pose model with format=onnx and without nms"
    )]
    Unfit { model: Source, reason: String },
    /// It worked when it was loaded, but not on this picture.
    #[error("the pose model failed: {0}")]
    Failed(String),
}

impl Error {
    /// Stable, for clients.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "MODEL_UNREADABLE",
            Self::NotAModel { .. } => "BAD_MODEL",
            Self::Unfit { .. } => "UNFIT_MODEL",
            Self::Failed(_) => "MODEL_FAILED",
        }
    }
}
