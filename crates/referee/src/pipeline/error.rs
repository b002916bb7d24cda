//! Why a run has no result.

use std::path::PathBuf;

/// Each message says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error(
        "both lights are on, so right of way decides, which needs a pose model: set referee.yolo_model (REFEREE_YOLO_MODEL) to builtin or to an ONNX file"
    )]
    NoModel,
    #[error(
        "poses need a pose model: set referee.yolo_model (REFEREE_YOLO_MODEL) to builtin or to an ONNX file"
    )]
    NoModelForPoses,
    #[error("there is no signal log, which says who has hit: send the apparatus's .txt file")]
    NoSignal,
    #[error("none of the {frames} frames could be read")]
    NoPicture { frames: u64 },
    #[error(
        "a frame has {width}x{height} pixels, the first one had {first_width}x{first_height}: send one size"
    )]
    OtherSize { width: u32, height: u32, first_width: u32, first_height: u32 },
    #[error("the run was stopped")]
    Stopped,
    #[error("cannot write {}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Media(#[from] media::Error),
    #[error(transparent)]
    Model(#[from] crate::pose::Error),
    #[error(transparent)]
    Signal(#[from] crate::signal::Error),
    #[error(transparent)]
    KeyPoints(#[from] crate::tracks::Error),
    #[error("the result cannot be written: {0}")]
    Result(#[from] serde_json::Error),
}

impl From<crate::decision::Error> for Error {
    fn from(error: crate::decision::Error) -> Self {
        match error {
            crate::decision::Error::NoKeyPoints => Self::NoModel,
        }
    }
}
