//! A session's frames as a live stream `session_<id>`. JPEGs pass as they are; other frames are made into JPEGs on a
//! thread of their own, the newest first. Neither holds up the upload.

use std::sync::Arc;

use hub::{CaptureTime, Claim, Hub, NewFrame, PublishError, StreamName};
use ingest::{Admission, Ingest, Jpeg};
use media::raw::{Layout, Raw};
use net::{LatestSlot, Lock};

use crate::analysis::{InputFrame, Picture};

#[derive(Debug)]
pub(crate) struct Live {
    output: Arc<Output>,
    /// For what is no JPEG; made with the first of them.
    transcoder: Lock<Option<Arc<LatestSlot<InputFrame>>>>,
    admission: Admission,
}

impl Live {
    pub(crate) fn new(hub: &Hub, name: StreamName, admission: Admission) -> Self {
        let ingest = Ingest::new(hub, name, Claim::Kept, admission.clone());
        let output = Output { hub: hub.clone(), ingest: Lock::new(Some(ingest)) };
        Self { output: Arc::new(output), transcoder: Lock::default(), admission }
    }

    /// Shows a frame, or one that is newer.
    pub(crate) fn show(&self, frame: InputFrame) {
        if matches!(frame.picture, Picture::Jpeg { .. }) {
            return self.output.show(&frame, &self.admission);
        }
        let mut transcoder = self.transcoder.lock();
        let start = || start_transcoder(Arc::clone(&self.output), self.admission.clone());
        transcoder.get_or_insert_with(start).put(frame);
    }

    /// Ends the stream.
    pub(crate) fn end(&self) {
        if let Some(slot) = self.transcoder.lock().take() {
            slot.close();
        }
        self.output.end();
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.end();
    }
}

#[derive(Debug)]
struct Output {
    hub: Hub,
    /// `None`: refused or ended; the upload goes on without being shown.
    ingest: Lock<Option<Ingest>>,
}

impl Output {
    fn show(&self, frame: &InputFrame, admission: &Admission) {
        match to_jpeg(frame, admission) {
            Ok(jpeg) => self.publish(jpeg, frame),
            Err(error) => tracing::debug!(number = frame.number, %error, "a frame is not shown"),
        }
    }

    fn publish(&self, Jpeg { payload, format, .. }: Jpeg, frame: &InputFrame) {
        let mut ingest = self.ingest.lock();
        let Some(open) = &mut *ingest else { return };
        let mut new = NewFrame::new(payload, format);
        new.captured = frame.timestamp.map(CaptureTime::claimed);
        new.source_seq = Some(frame.number);
        let mut published = open.publish(new.clone());
        if matches!(published, Err(ingest::Error::Publish(PublishError::Closed { .. }))) {
            // Removed for being idle while the client paused: it is made again.
            open.release();
            published = open.publish(new);
        }
        if let Err(error) = published {
            tracing::warn!(stream = %open.name(), %error, "an upload is not shown any more");
            *ingest = None;
        }
    }

    fn end(&self) {
        let Some(publisher) = self.ingest.lock().take().and_then(|ingest| ingest.publisher()) else { return };
        let stream = publisher.stream();
        // A stream of that name may be another's by now.
        if self.hub.stream(stream.name()).is_some_and(|live| live.epoch() == stream.epoch()) {
            self.hub.remove(stream.name());
        }
    }
}

/// A thread that transcodes the newest frame of the slot, until that is closed.
fn start_transcoder(output: Arc<Output>, admission: Admission) -> Arc<LatestSlot<InputFrame>> {
    let slot = Arc::new(LatestSlot::new());
    let on_thread = Arc::clone(&slot);
    let thread = std::thread::Builder::new().name("upload-live".into());
    let spawned = thread.spawn(move || {
        net::lower_priority();
        while let Some(frame) = on_thread.next_blocking() {
            output.show(&frame, &admission);
        }
    });
    if let Err(error) = spawned {
        tracing::warn!(%error, "no thread that makes JPEGs: an upload is not shown");
        slot.close();
    }
    slot
}

fn to_jpeg(frame: &InputFrame, admission: &Admission) -> Result<Jpeg, String> {
    let Picture::Raw { width, height, channels } = frame.picture else {
        let admitted = ingest::to_jpeg(frame.bytes.clone(), admission.limits(), admission.quality());
        return admitted.map_err(|error| error.to_string());
    };
    let size = (width, height);
    let (width, height, channels) = (width as usize, height as usize, channels as usize);
    let layout = if channels == 1 { Layout::Grey } else { Layout::Bgr };
    let raw = Raw { bytes: frame.body(), layout, width, height, stride: width * channels };
    let jpeg = raw.to_jpeg(admission.quality()).map_err(|error| error.to_string())?;
    Ok(Jpeg::encoded(jpeg.into(), size))
}
