//! A stream of the hub in this process: the newest of the frames offered is encoded on a thread of the stream's own, and
//! then goes the way of every picture into the hub, without a socket between.

use std::sync::Arc;
use std::time::{Duration, Instant};

use client::picture_slot::{Offer, PictureSlot};
use client::publish::Metadata;
use hub::{CaptureTime, ClaimError, Publisher};
use ingest::{IncomingFrame, Ingest};
use net::{Lock, Thread};

use crate::picture::Picture;

/// Ending waits so long for the frame that is being encoded.
const PATIENCE: Duration = Duration::from_secs(1);

/// Dropping it ends the thread without waiting.
#[derive(Debug)]
pub(crate) struct LocalStream {
    shared: Arc<Shared>,
    thread: Thread,
}

#[derive(Debug)]
struct Shared {
    slot: PictureSlot<Picture>,
    /// Held for a few assignments.
    state: Lock<State>,
}

#[derive(Debug)]
struct State {
    /// The claim; made anew when the stream was deleted or taken over.
    publisher: Option<Arc<Publisher>>,
    published: u64,
    last_error: Option<String>,
}

impl LocalStream {
    /// Claims the stream, and makes it if it is new.
    ///
    /// # Errors
    /// Where another publishes it, and at the limit of streams.
    pub(crate) fn start(mut ingest: Ingest, max_fps: Option<f64>, quality: u8) -> Result<Self, Error> {
        let publisher = Some(ingest.claim()?.clone());
        let shared = Arc::new(Shared {
            slot: PictureSlot::new(max_fps),
            state: Lock::new(State { publisher, published: 0, last_error: None }),
        });
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let worker = shared.clone();
        let work = move || runtime.block_on(worker.work(ingest, quality));
        let thread = Thread::start("framehub-encode", work)?;
        Ok(Self { shared, thread })
    }

    /// Where frames are left for the thread.
    pub(crate) fn slot(&self) -> &PictureSlot<Picture> {
        &self.shared.slot
    }

    /// Whether a picture made now is worth its making: it is due, and it is watched or recorded, or the first.
    pub(crate) fn wanted(&self) -> bool {
        let state = self.shared.state.lock();
        let is_read = state.publisher.as_ref().is_none_or(|publisher| publisher.demand().is_wanted());
        let is_first = state.published == 0 && self.shared.slot.is_empty();
        drop(state);
        (is_read || is_first) && self.shared.slot.is_due(Instant::now())
    }

    pub(crate) fn last_error(&self) -> Option<String> {
        self.shared.state.lock().last_error.clone()
    }

    /// Publishes what waits and ends the thread.
    pub(crate) fn stop(&self) {
        self.shared.slot.close();
        // A thread that takes longer ends by itself.
        self.thread.join(PATIENCE);
    }
}

impl Drop for LocalStream {
    fn drop(&mut self) {
        self.shared.slot.close();
    }
}

impl Shared {
    async fn work(&self, mut ingest: Ingest, quality: u8) {
        while let Some(Offer { picture, metadata }) = self.slot.next().await {
            let published = publish(&mut ingest, &picture, metadata, quality).await;
            self.slot.give_back(picture);
            let mut state = self.state.lock();
            state.publisher = ingest.publisher();
            match published {
                Ok(()) => state.published += 1,
                Err(error) => state.last_error = Some(error),
            }
        }
    }
}

async fn publish(
    ingest: &mut Ingest,
    picture: &Picture,
    metadata: Metadata,
    quality: u8,
) -> Result<(), String> {
    let frame = IncomingFrame {
        bytes: picture.to_jpeg(quality)?.into_boxed_slice().into(),
        captured: metadata.captured.map(CaptureTime::claimed),
        source_seq: metadata.seq,
        metadata: metadata.rest,
    };
    let Err(error) = ingest.frame(frame).await else { return Ok(()) };
    if error.ends_stream() {
        // Deleted or taken over: the next frame claims it anew.
        ingest.release();
    }
    Err(error.to_string())
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Claim(#[from] ClaimError),
    #[error("no thread that encodes: {0}")]
    Thread(#[from] std::io::Error),
}
