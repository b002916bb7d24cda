//! The room's handle: which streams are being recorded, and everything that is on the shelf.

use std::{sync::Arc, time::Duration};

use hub::{Hub, StreamName};
use jiff::Timestamp;

use crate::{Config, Error, Metadata, RecordingId, Shelf};

/// Starts, stops and knows the recorders. Clones share them.
#[derive(Debug, Clone)]
pub struct Recordings(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    config: Config,
    shelf: Shelf,
}

/// What a stream's recorder is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Frames are being written.
    Recording,
    /// It is ready, and no frame has come yet.
    Waiting,
    /// It cannot write, says why, and tries again by itself.
    Failed,
}

/// A stream's recorder at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Activity {
    pub stream: StreamName,
    pub state: State,
    /// Why it failed, in words.
    pub error: Option<String>,
    /// The file being written.
    pub current: Option<RecordingId>,
    /// Since this recorder began; all of its files together.
    pub started: Timestamp,
    pub frames: u64,
    pub bytes: u64,
    pub frames_lost: u64,
}

impl Recordings {
    /// Begins to record what `config` says. Nothing on the disk can make this fail: it is told by [`Activity`].
    pub fn start(_hub: Hub, config: Config) -> Self {
        let shelf = Shelf::new(&config.directory);
        Self(Arc::new(Shared { config, shelf }))
    }

    pub fn config(&self) -> &Config {
        &self.0.config
    }

    pub fn shelf(&self) -> &Shelf {
        &self.0.shelf
    }

    /// Begins to record a live stream; if it is being recorded already, that goes on.
    pub fn begin(&self, stream: &StreamName) -> Result<Activity, Error> {
        Err(Error::NoStream { stream: stream.clone() })
    }

    /// Ends a stream's recording, until it is begun again or the stream is made anew. Gives how it ended.
    pub fn end(&self, stream: &StreamName) -> Result<Activity, Error> {
        Err(Error::NotRecording { stream: stream.clone() })
    }

    /// Whether and how a stream is being recorded. Does not block on the disk.
    pub fn activity(&self, _stream: &StreamName) -> Option<Activity> {
        None
    }

    /// Of all recorders. Does not block on the disk.
    pub fn activities(&self) -> Vec<Activity> {
        Vec::new()
    }

    /// Saves the last `span` of a stream as a file of its own: from its running recording, or else from what the ring
    /// still holds.
    pub fn clip(&self, stream: &StreamName, span: Duration) -> Result<Metadata, Error> {
        Err(Error::NothingToSave { stream: stream.clone(), seconds: span.as_secs() })
    }

    /// Finishes all recordings; waits for them at most so long.
    pub fn shut_down(&self, _patience: Duration) {}
}
