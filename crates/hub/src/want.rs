//! What a reader wants of a stream: in which form, how often, and with which analysis.

use std::sync::Arc;

use crate::Codec;

/// Compared by value, so that readers who want the same can share what is made for them.
///
/// ```
/// use hub::{Codec, Want};
///
/// let want = Want::in_codecs(&[Codec::Jpeg]).scaled_to(640, None).at_quality(80).at_most(12.5);
/// assert!(want.accepts(Codec::Jpeg) && !want.accepts(Codec::H264));
/// assert!(want.is_rendition());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Want {
    /// The codecs that the reader can show.
    pub codecs: &'static [Codec],
    /// Pixels; absent: as published, or in proportion to the other side. No picture is made larger.
    pub width: Option<u32>,
    pub height: Option<u32>,
    /// Of a JPEG, 1 to 100; absent: as published, or the server's default where the picture is encoded anew.
    pub quality: Option<u8>,
    /// Frames a second, in thousandths, since a float cannot be a key.
    max_millihertz: Option<u32>,
    /// Name of an analysis: only the frames that it has seen, with its results in their metadata.
    pub analysis: Option<Arc<str>>,
}

impl Want {
    /// Frames as they were published, in one of these codecs.
    pub fn in_codecs(codecs: &'static [Codec]) -> Self {
        Self { codecs, width: None, height: None, quality: None, max_millihertz: None, analysis: None }
    }

    #[must_use]
    pub fn scaled_to(self, width: impl Into<Option<u32>>, height: impl Into<Option<u32>>) -> Self {
        Self { width: width.into(), height: height.into(), ..self }
    }

    #[must_use]
    pub fn at_quality(self, quality: impl Into<Option<u8>>) -> Self {
        Self { quality: quality.into(), ..self }
    }

    /// Frames a second at most; `None`: as many as are published.
    #[must_use]
    pub fn at_most(self, fps: impl Into<Option<f64>>) -> Self {
        let thousandths = |fps: f64| (fps * 1000.0).round().max(1.0) as u32;
        Self { max_millihertz: fps.into().map(thousandths), ..self }
    }

    #[must_use]
    pub fn analysed_by(self, pipeline: impl Into<Option<Arc<str>>>) -> Self {
        Self { analysis: pipeline.into(), ..self }
    }

    pub fn accepts(&self, codec: Codec) -> bool {
        self.codecs.contains(&codec)
    }

    /// Whether pictures have to be encoded anew for it. A rate alone needs no encoder.
    pub fn is_rendition(&self) -> bool {
        self.width.is_some() || self.height.is_some() || self.quality.is_some()
    }

    pub fn max_fps(&self) -> Option<f64> {
        self.max_millihertz.map(|thousandths| f64::from(thousandths) / 1000.0)
    }
}
