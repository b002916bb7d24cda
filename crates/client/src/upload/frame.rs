//! A frame to upload.

use bytes::Bytes;
use wire::upload::Encoding;

/// One frame of a session.
#[derive(Clone, Debug)]
pub struct Frame {
    /// From 0, without holes.
    pub number: u64,
    /// Unix seconds, when it was taken.
    pub timestamp: f64,
    pub encoding: Encoding,
    /// Of a JPEG that was encoded for this; informative.
    pub quality: Option<u8>,
    pub bytes: Bytes,
}
