//! Why a picture did not become a frame.

use hub::{ClaimError, PublishError};
use wire::image::Refused;

#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Its header is good, its pixels are not.
    #[error("the picture cannot be decoded: {0}")]
    Undecodable(#[from] media::Error),
    #[error("the picture cannot be decoded: the decoder gave up")]
    DecoderPanicked,
    #[error(transparent)]
    Claim(#[from] ClaimError),
    #[error(transparent)]
    Publish(#[from] PublishError),
}

impl Error {
    /// Stable name for JSON errors.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(refused) => refused.code(),
            Self::Undecodable(media::Error::BadJpeg(_)) => "BAD_JPEG",
            Self::Undecodable(_) | Self::DecoderPanicked => "BAD_PNG",
            Self::Claim(error) => error.code(),
            Self::Publish(error) => error.code(),
        }
    }

    /// Whether the stream takes no more frames from this publisher. Otherwise the picture alone is at fault, and the
    /// next one may be good.
    pub fn ends_stream(&self) -> bool {
        matches!(self, Self::Claim(_) | Self::Publish(_))
    }
}
