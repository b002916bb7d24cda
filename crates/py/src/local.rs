//! A stream of the hub in this process: the newest of the frames offered is encoded on a thread of the stream's own and
//! published, without a socket between.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant, SystemTime};

use client::pace::Pace;
use client::picture_slot::{Counts, Offer, PictureSlot};
use client::publish::Metadata;
use hub::{CaptureTime, Claim, ClaimError, Format, Hub, Moment, NewFrame, Publisher, StreamName};

use crate::picture::Picture;

/// Ending waits so long for the frame that is being encoded.
const PATIENCE: Duration = Duration::from_secs(1);

/// Dropping it ends the thread without waiting.
#[derive(Debug)]
pub(crate) struct LocalStream {
    shared: Arc<Shared>,
    /// Disconnected when the thread has ended.
    finished: Mutex<mpsc::Receiver<()>>,
}

#[derive(Debug)]
struct Shared {
    hub: Hub,
    name: StreamName,
    slot: PictureSlot<Picture>,
    /// Held for a few assignments.
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The claim; made anew when the stream was deleted or taken over.
    publisher: Option<Arc<Publisher>>,
    published: u64,
    last_error: Option<String>,
}

/// The stream is fed by this process whether or not anybody watches: it is recorded as any publisher's, and never idle.
const CLAIM: Claim = Claim::SteadySource;

impl LocalStream {
    /// Claims the stream, and makes it if it is new.
    ///
    /// # Errors
    /// Where another publishes it, and at the limit of streams.
    pub(crate) fn start(
        hub: &Hub,
        name: StreamName,
        max_fps: Option<f64>,
        quality: u8,
    ) -> Result<Self, Error> {
        let publisher = hub.publisher(&name, CLAIM, now())?;
        let state = State { publisher: Some(Arc::new(publisher)), published: 0, last_error: None };
        let shared = Arc::new(Shared {
            hub: hub.clone(),
            name,
            slot: PictureSlot::new(Pace::new(max_fps)),
            state: Mutex::new(state),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let (ending, finished) = mpsc::sync_channel::<()>(0);
        let worker = shared.clone();
        std::thread::Builder::new().name("framehub-encode".to_owned()).spawn(move || {
            runtime.block_on(worker.work(quality));
            drop(ending);
        })?;
        Ok(Self { shared, finished: Mutex::new(finished) })
    }

    pub(crate) fn admit(&self) -> bool {
        self.shared.slot.admit(Instant::now())
    }

    pub(crate) fn spare(&self) -> Picture {
        self.shared.slot.spare().unwrap_or_default()
    }

    pub(crate) fn offer(&self, picture: Picture, metadata: Metadata) {
        self.shared.slot.put(Offer { picture, metadata });
    }

    /// Whether a picture made now is worth its making: it is due, and somebody watches or records, or it is the first.
    pub(crate) fn wanted(&self) -> bool {
        let state = self.shared.state();
        let is_read = state.publisher.as_ref().is_none_or(|publisher| publisher.demand().is_wanted());
        let is_first = state.published == 0 && self.shared.slot.is_empty();
        drop(state);
        (is_read || is_first) && self.shared.slot.is_due(Instant::now())
    }

    pub(crate) fn counts(&self) -> Counts {
        self.shared.slot.counts()
    }

    pub(crate) fn last_error(&self) -> Option<String> {
        self.shared.state().last_error.clone()
    }

    /// Publishes what waits and ends the thread.
    pub(crate) fn stop(&self) {
        self.shared.slot.close();
        let finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        // Disconnected is the good end; a thread that takes longer ends by itself.
        let _ = finished.recv_timeout(PATIENCE);
    }
}

impl Drop for LocalStream {
    fn drop(&mut self) {
        self.shared.slot.close();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn work(&self, quality: u8) {
        while let Some(Offer { picture, metadata }) = self.slot.next().await {
            let published = self.publish(&picture, metadata, quality);
            self.slot.give_back(picture);
            let mut state = self.state();
            match published {
                Ok(()) => state.published += 1,
                Err(error) => state.last_error = Some(error),
            }
        }
    }

    fn publish(&self, picture: &Picture, metadata: Metadata, quality: u8) -> Result<(), String> {
        let jpeg = picture.to_jpeg(quality)?;
        let format = Format::jpeg(picture.width as u32, picture.height as u32);
        let frame = NewFrame {
            payload: jpeg.into_boxed_slice().into(),
            format,
            captured: metadata.captured.and_then(CaptureTime::from_unix_secs),
            source_seq: metadata.seq,
            metadata: metadata.rest,
        };
        let publisher = self.publisher().map_err(|error| error.to_string())?;
        publisher.publish(frame, now()).map(drop).map_err(|error| {
            // Deleted or taken over: the next frame claims it anew.
            self.state().publisher = None;
            error.to_string()
        })
    }

    fn publisher(&self) -> Result<Arc<Publisher>, ClaimError> {
        if let Some(publisher) = &self.state().publisher {
            return Ok(publisher.clone());
        }
        let publisher = Arc::new(self.hub.publisher(&self.name, CLAIM, now())?);
        self.state().publisher = Some(publisher.clone());
        Ok(publisher)
    }
}

fn now() -> Moment {
    Moment { mono: Instant::now(), wall: SystemTime::now() }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Claim(#[from] ClaimError),
    #[error("no thread that encodes: {0}")]
    Thread(#[from] std::io::Error),
}
