//! The picture that the default stream shows until its first frame: drawn once, when it is first needed.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use hub::{Format, Frame, Moment};

const WIDTH: u32 = 640;
const HEIGHT: u32 = 360;
const QUALITY: u8 = 80;

#[derive(Debug, Default)]
pub(crate) struct Placeholder(OnceLock<Option<Bytes>>);

impl Placeholder {
    /// A frame with the number 0, which no published frame has.
    pub(crate) fn frame(&self, now: Moment) -> Option<Arc<Frame>> {
        let payload = self.0.get_or_init(draw).clone()?;
        let format = Format::jpeg(WIDTH, HEIGHT);
        Some(Arc::new(Frame {
            seq: 0,
            received: now,
            payload,
            format,
            captured: None,
            source_seq: None,
            metadata: None,
        }))
    }
}

fn draw() -> Option<Bytes> {
    let picture = media::placeholder::waiting(WIDTH, HEIGHT, "Waiting for frames…");
    match media::jpeg::encode(&picture, QUALITY) {
        Ok(jpeg) => Some(jpeg.into()),
        Err(error) => {
            tracing::error!(%error, "cannot draw the waiting picture");
            None
        }
    }
}
