//! A picture on its way from a source to the upload.

use bytes::Bytes;
use media::Picture;

/// Of what has to be encoded.
pub(super) const DEFAULT_QUALITY: u8 = 85;

/// A picture is decoded only if it is no larger than 8K.
pub(super) const MOST_PIXELS: u64 = 7680 * 4320;

/// A picture as its source has it.
pub(super) enum Still {
    Jpeg(Bytes),
    Pixels(Picture),
}

/// A picture and when it was taken.
pub(super) struct Taken {
    pub(super) still: Still,
    /// Unix seconds. For a file: as if it were played from now on.
    pub(super) timestamp: f64,
    /// Pictures before it that could not be kept.
    pub(super) skipped: u64,
}
