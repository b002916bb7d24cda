//! The frames of one session: checked as they come, kept in the spool for the analysis, shown as a live stream.

use std::sync::OnceLock;

use bytes::Bytes;
use wire::upload::FrameHead;

use crate::{
    analysis::InputFrame,
    check::{BadFrame, check},
    error::Error,
    live::Live,
    spool::{self, Full, Spool},
};

#[derive(Debug)]
pub(crate) struct Frames {
    pub(crate) spool: Spool,
    live: Live,
    /// Width and height, announced in `session_start`.
    announced: Option<(u32, u32)>,
    /// Of the first frame; all others must have it.
    size: OnceLock<(u32, u32)>,
}

impl Frames {
    pub(crate) fn new(spool: Spool, live: Live, announced: Option<(u32, u32)>) -> Self {
        Self { spool, live, announced, size: OnceLock::new() }
    }

    pub(crate) fn check(&self, head: &FrameHead, bytes: Bytes) -> Result<InputFrame, Error> {
        let number = head.frame_number;
        let encoding = head.encoding.as_deref().unwrap_or("jpeg");
        let checked = check(encoding, &bytes, self.announced).and_then(|picture| {
            let size = picture.size();
            match self.size.get() {
                // A video has one size.
                Some(&first) if first != size => Err(BadFrame::OtherSize { size, first }),
                _ => Ok(picture),
            }
        });
        let picture = checked.map_err(|reason| Error::BadFrame { number, reason })?;
        Ok(InputFrame { number, timestamp: head.timestamp, picture, bytes })
    }

    /// Keeps a frame, as soon as there is room for it.
    pub(crate) async fn keep(&self, frame: &InputFrame) -> Result<(), Error> {
        let number = frame.number;
        self.spool.keep(frame).await.map_err(|full| match full {
            Full::Memory => Error::MemoryLimit { number, bytes: frame.bytes.len() },
            Full::Index => Error::TooManyFrames { number, max: spool::MAX_FRAMES },
            Full::Disk(source) => Error::Disk { number, folder: self.spool.folder().to_owned(), source },
        })
    }

    /// Shows a frame that is kept to those who watch the session.
    pub(crate) fn show(&self, session: &str, frame: InputFrame) {
        let size @ (width, height) = frame.picture.size();
        let is_first = self.size.set(size).is_ok();
        if let Some((w, h)) = self.announced.filter(|&announced| is_first && announced != size) {
            tracing::warn!(
                session,
                "Frame size mismatch: {width} × {height} pixels, announced were {w} × {h}"
            );
        }
        self.live.show(frame);
    }

    /// Forgets them, and ends the live stream.
    pub(crate) fn close(&self) {
        self.spool.close();
        self.live.end();
    }
}
