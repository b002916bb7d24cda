//! What can be wrong with the line that describes a source.

/// Each message says what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    #[error(
        "a source is NAME=URL, such as door=http://10.0.0.7/video.mjpg; the URL begins with one of {SCHEMES}"
    )]
    NoScheme,
    #[error("there is no source '{scheme}:'; there are {SCHEMES}")]
    UnknownScheme { scheme: String },
    #[error("'{scheme}:' needs {what}")]
    Empty { scheme: String, what: &'static str },
    #[error("'testsrc:' has no address; write its options behind a #: testsrc:#width=640&height=480")]
    TestTakesOptions,
    #[error("'{found}' is no camera: write its number or its device, v4l2:0 or v4l2:/dev/video0")]
    Device { found: String },
    #[error("'{url}' is no address: {reason}")]
    Url { url: String, reason: String },
    #[error("'{url}' cannot be read: {}", wire::address::STRAY_AT)]
    StrayAt { url: String },
    #[error(transparent)]
    Name(#[from] hub::InvalidName),
    #[error(transparent)]
    Option(#[from] wire::options::Error),
}

const SCHEMES: &str = "v4l2:, file:, http://, https://, ws://, wss://, rtsp://, testsrc:, exec:";

impl SpecError {
    /// A stable name of the kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoScheme => "NO_SCHEME",
            Self::UnknownScheme { .. } => "UNKNOWN_SCHEME",
            Self::Empty { .. }
            | Self::TestTakesOptions
            | Self::Device { .. }
            | Self::Url { .. }
            | Self::StrayAt { .. } => "BAD_ADDRESS",
            Self::Name(_) => hub::InvalidName::CODE,
            Self::Option(error) => error.code(),
        }
    }
}
