//! Names: `<stream>/<stream>_YYYYmmdd_HHMMSS.mp4` below the recordings' folder (document 001, 'Recording Structure').

use hub::StreamName;
use serde::{Deserialize, Serialize};

/// What a file is a recording of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A part of the stream's continuous recording.
    #[default]
    Segment,
    /// Saved on request: the last minute, say. Its name ends in `_clip`.
    Clip,
}

/// The name of a recording's file, checked: it can be nothing but a file in its stream's folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName(pub(crate) String);

/// Which recording.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordingId {
    pub stream: StreamName,
    pub file: FileName,
}

impl RecordingId {
    /// From the two segments of a path. The file's name has to begin with the stream's.
    pub fn parse(_stream: &StreamName, _file: &str) -> Result<Self, crate::Error> {
        Err(crate::Error::BadFileName { shown: _file.to_owned() })
    }
}

impl FileName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
