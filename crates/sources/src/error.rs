//! Why an attempt at a source ended. All of these are tried again; the texts are shown in the stream's statistics,
//! so they name no secret.

use std::{io, path::PathBuf};

use hub::PublishError;
use ingest::pull;

use crate::play::{CutError, ffmpeg};

/// The end of one attempt.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Of the stream or a connection.
    #[error(transparent)]
    Pull(#[from] pull::Error),

    #[error("cannot read {path}: {error}", path = path.display())]
    Read { path: PathBuf, error: io::Error },

    #[error("the folder {path} holds no .jpg, .jpeg or .png file", path = path.display())]
    EmptyFolder { path: PathBuf },

    #[error("{path} is no picture to show: {reason}", path = path.display())]
    NotAPicture { path: PathBuf, reason: ingest::Error },

    #[error("there is no picture {index}")]
    NoSuchPicture { index: usize },

    #[error("{why}")]
    UnusablePicture { why: String },

    #[error("it has no picture that can be used: {why}")]
    NoPicture { why: String },

    #[error(transparent)]
    Media(#[from] media::Error),

    #[error(transparent)]
    Cut(#[from] CutError),

    #[error("cannot start {program}: {error}")]
    Start { program: String, error: io::Error },

    #[error("the command ended ({status}){said}")]
    Exited { status: String, said: String },

    #[error("ffmpeg found no video frame: {said}")]
    NoFrame { said: String },

    #[error("{}", ffmpeg::missing())]
    NoFfmpeg,

    #[error(
        "the camera sends {offered}; H.264 and JPEG are read here: choose one of them in the camera's settings, or its \
         second stream"
    )]
    RtspCodec { offered: String },

    #[error("{device} offers none of {known}", device = device.display())]
    CameraOffers { device: PathBuf, known: String },

    #[error("{device} was set to {format}", device = device.display())]
    CameraFormat { device: PathBuf, format: String },

    #[cfg(not(target_os = "linux"))]
    #[error("cameras are opened on Linux only; elsewhere use exec: with ffmpeg")]
    NoCameras,

    /// Of a codec or a driver; the panic itself is in the log.
    #[error("a defect in this program met something unexpected in the source")]
    Panicked,
}

impl Error {
    /// The stream takes no more frames from this source: why.
    pub(crate) fn lost_stream(&self) -> Option<&PublishError> {
        match self {
            Self::Pull(pull::Error::Stream(lost)) => Some(lost),
            _ => None,
        }
    }

    pub(crate) fn no_thread(source: io::Error) -> Self {
        Self::Start { program: "a thread".to_owned(), error: source }
    }

    /// It came to its end by itself.
    pub(crate) fn ended() -> Self {
        pull::Error::Ended.into()
    }

    /// Whether the source came to its end by itself.
    pub(crate) fn is_end(&self) -> bool {
        matches!(self, Self::Pull(pull::Error::Ended))
    }
}

impl From<PublishError> for Error {
    fn from(lost: PublishError) -> Self {
        pull::Error::Stream(lost).into()
    }
}

impl From<net::Error> for Error {
    fn from(error: net::Error) -> Self {
        pull::Error::Net(error).into()
    }
}
