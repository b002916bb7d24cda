//! Why an attempt at a source ended. All of these are tried again; the texts are shown in the stream's statistics,
//! so they name no secret.

use std::{io, path::PathBuf, time::Duration};

use crate::{play::CutError, simulators::Close};

/// The end of one attempt.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The stream itself no longer takes frames from this source.
    #[error(transparent)]
    Stream(#[from] hub::PublishError),

    #[error(transparent)]
    Connect(#[from] net::Error),

    #[error("{what} took longer than {after:?}")]
    Slow { what: &'static str, after: Duration },

    #[error("no picture came for {0:?}")]
    Silent(Duration),

    #[error("the connection broke: {reason}")]
    Broken { reason: String },

    #[error("the other side ended the stream")]
    Ended,

    /// Of a WebSocket.
    #[error("it closed the connection{0}")]
    Closed(Close),

    #[error("it sent what is no message: {0}")]
    Message(#[from] wire::fragments::Error),

    #[error("it answered {status}{hint}")]
    Refused { status: u16, hint: &'static str },

    /// What came is nothing that this kind of source can show.
    #[error("{0}")]
    Unusable(String),

    #[error("cannot read {path}: {source}", path = path.display())]
    Read { path: PathBuf, source: io::Error },

    #[error("cannot start {program}: {source}")]
    Start { program: String, source: io::Error },

    #[error("it has no picture that can be used: {why}")]
    NoPicture { why: String },

    #[error("ffmpeg found no video frame: {said}")]
    NoFrame { said: String },

    #[error("{}", crate::play::ffmpeg::missing(program))]
    NoFfmpeg { program: String },

    #[error(transparent)]
    Cut(#[from] CutError),

    #[error("the command ended ({status}){said}")]
    Exited { status: String, said: String },

    #[error(transparent)]
    Picture(#[from] media::Error),

    /// Of a codec or a driver; the panic itself is in the log.
    #[error("a defect in this program met something unexpected in the source")]
    Panicked,
}

impl Error {
    /// From anything that hides its cause behind a general word: the chain is told whole.
    pub(crate) fn broken(error: &(dyn std::error::Error + 'static)) -> Self {
        let mut reason = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            reason = format!("{reason}: {inner}");
            cause = inner.source();
        }
        Self::Broken { reason }
    }
}
