//! Everything that can go wrong with recordings, each with its address and a stable code.

use std::{
    io,
    path::{Path, PathBuf},
};

use hub::StreamName;
use jiff::Timestamp;
use media::fmp4::WriteError;

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("no recording {stream}/{file}: GET /api/recordings lists them")]
    NotFound { stream: StreamName, file: String },
    #[error("{shown:?} is not the name of a recording: they look like camera1_20260121_103000.mp4")]
    BadFileName { shown: String },
    #[error("{shown:?} is not a cursor: take `next` of the page before as it is, or begin without one")]
    BadCursor { shown: String },
    #[error("{stream}/{file} is being written: stop the recording first, or wait until it is finished")]
    Active { stream: StreamName, file: String },
    #[error("no stream named '{stream}': GET /api/streams lists those that are live")]
    NoStream { stream: StreamName },
    #[error("stream '{stream}' is not being recorded")]
    NotRecording { stream: StreamName },
    #[error("{}", not_recorded_then(stream, *since))]
    NotRecordedThen { stream: StreamName, since: Option<Timestamp> },
    #[error("stream '{stream}' has no frame of the last {seconds} s to save: publish to it first")]
    NothingToSave { stream: StreamName, seconds: u64 },
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("the index of recordings: {0}")]
    Index(#[from] rusqlite::Error),
    #[error(transparent)]
    Media(#[from] media::Error),
    #[error("this recording cannot be read, and stays so: {0}; download it to see what it is, or delete it")]
    Damaged(media::Error),
    #[error(transparent)]
    NoRoom(#[from] net::NoRoom),
    #[error("the hub is shutting down")]
    ShuttingDown,
}

impl Error {
    /// A fragment that cannot be read again stays unfit; what the disk refuses can be tried again.
    pub(crate) fn writing(path: &Path, error: WriteError) -> Self {
        match error {
            WriteError::Unfit(error) => Self::Media(error),
            WriteError::Io(source) => Self::Io { path: path.to_owned(), source },
        }
    }

    /// What is wrong inside a file stays wrong; what the disk refuses can be tried again.
    pub(crate) fn reading(error: media::Error) -> Self {
        match error {
            media::Error::Io { .. } => Self::Media(error),
            _ => Self::Damaged(error),
        }
    }

    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "RECORDING_NOT_FOUND",
            Self::BadFileName { .. } => "BAD_FILE_NAME",
            Self::BadCursor { .. } => "BAD_QUERY",
            Self::Active { .. } => "RECORDING_ACTIVE",
            Self::NoStream { .. } => "STREAM_NOT_FOUND",
            Self::NotRecording { .. } => "NOT_RECORDING",
            Self::NotRecordedThen { .. } => "NOT_RECORDED",
            Self::NothingToSave { .. } => "NOTHING_TO_SAVE",
            Self::Damaged(_) => "RECORDING_DAMAGED",
            Self::Io { .. } | Self::Index(_) | Self::Media(_) | Self::NoRoom(_) => "RECORDINGS_UNAVAILABLE",
            Self::ShuttingDown => "SHUTTING_DOWN",
        }
    }
}

fn not_recorded_then(stream: &StreamName, since: Option<Timestamp>) -> String {
    match since {
        Some(since) => format!("stream '{stream}' is recorded from {since:.3} on: ask for a later time"),
        None => format!(
            "stream '{stream}' is not being recorded: POST {{\"action\":\"start\"}} to \
             /api/streams/{stream}/recording, or set recording.enabled"
        ),
    }
}
