//! The interface of analyses: what a session gives to a pipeline, and what it expects back.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use serde_json::{Map, Value};

/// An analysis, chosen by its name.
pub trait Pipeline: Send + Sync {
    /// As clients write it in `session_start`, such as `referee`.
    fn name(&self) -> &'static str;

    /// Begins a run. Called on the run's own thread, with the first frame at hand.
    ///
    /// # Errors
    /// What is missing for it, and how to mend that.
    fn begin(&self, job: Job) -> Result<Box<dyn Analysis>, Failure>;
}

/// One run. It lives on one thread of low priority.
pub trait Analysis {
    /// Takes the next frame. They come in the order of their numbers, each once, missing ones left out, while the
    /// upload goes on.
    ///
    /// # Errors
    /// What ends the run; a frame that cannot be read is better passed over.
    fn frame(&mut self, frame: &InputFrame) -> Result<(), Failure>;

    /// All frames have come, and the signal log if there is one: gives the result, a JSON object.
    ///
    /// # Errors
    /// Why there is none.
    fn finish(
        self: Box<Self>,
        signal: Option<&Signal>,
        report: &mut dyn FnMut(Progress),
    ) -> Result<Map<String, Value>, Failure>;
}

/// What a run gets at its start.
#[derive(Debug, Clone)]
pub struct Job {
    /// The session's.
    pub id: String,
    /// Frames a second, by the client's word.
    pub fps: f64,
    /// Pixels of the first frame.
    pub width: u32,
    pub height: u32,
    /// For artifacts. It exists.
    pub folder: PathBuf,
    pub options: Options,
    /// To be checked between frames and within long steps.
    pub stop: Stop,
}

/// What a client may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    pub include_keypoints: bool,
    pub save_overlay: bool,
}

/// Set when the result is no longer wanted. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A frame as the client sent it.
#[derive(Debug, Clone)]
pub struct InputFrame {
    /// The client's, from 0.
    pub number: u64,
    /// Unix seconds by the client's clock.
    pub timestamp: Option<f64>,
    pub picture: Picture,
    /// The payload. Of a raw frame the pixels are its last `height * width * channels` bytes.
    pub bytes: Bytes,
}

/// How a frame's bytes are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Picture {
    /// Walked through marker by marker, not decoded.
    Jpeg { width: u32, height: u32 },
    /// Its header was read.
    Png { width: u32, height: u32 },
    /// `channels` is 3 (BGR) or 1 (grey).
    Raw { width: u32, height: u32, channels: u32 },
}

impl Picture {
    /// Width and height, in pixels.
    pub fn size(self) -> (u32, u32) {
        match self {
            Self::Jpeg { width, height } | Self::Png { width, height } | Self::Raw { width, height, .. } => {
                (width, height)
            }
        }
    }
}

impl InputFrame {
    /// Of a raw frame the pixels, without the header; of others the whole file.
    pub fn body(&self) -> &[u8] {
        let Picture::Raw { width, height, channels } = self.picture else { return &self.bytes };
        let length = width as usize * height as usize * channels as usize;
        &self.bytes[self.bytes.len().saturating_sub(length)..]
    }
}

/// The scoring apparatus's log, as it was sent.
#[derive(Debug, Clone)]
pub struct Signal {
    /// Its name alone, without folders.
    pub filename: String,
    pub bytes: Bytes,
}

/// How far a stage is.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// `video_reconstruction`, `fisheye`, `yolo`, `decision` or `overlay`.
    pub stage: &'static str,
    /// 0 to 1.
    pub progress: f64,
    pub message: String,
}

/// Why there is no result: what is wrong and how to mend it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    #[error("this hub has no analysis: the frames were received, and that is all")]
    NoPipeline,
    #[error("no frame was received")]
    NoFrames,
    #[error("no thread for the analysis: {0}")]
    Thread(io::Error),
    #[error("frame {number} cannot be read from the spool: {source}")]
    Spool { number: u64, source: io::Error },
    /// Names the folder.
    #[error("{0}")]
    Artifacts(io::Error),
    #[error("the result cannot be written to {}: {source}", folder.display())]
    Result { folder: PathBuf, source: io::Error },
    #[error("the analysis broke off: see the hub's log")]
    Panicked,
    /// The pipeline's own reason.
    #[error(transparent)]
    Pipeline(Box<dyn std::error::Error + Send + Sync>),
}
