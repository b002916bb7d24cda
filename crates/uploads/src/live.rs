//! A session's frames as a live stream: `session_<id>`, for whoever may watch it. JPEGs as they are, others made into
//! JPEGs on a thread of their own, newest first; none of it holds up the upload.

use std::sync::Arc;

use bytes::Bytes;
use hub::{CaptureTime, Claim, Format, Hub, Moment, NewFrame, PublishError, Publisher, StreamName};
use media::raw::{Layout, Raw};
use net::{LatestSlot, Lock};

use crate::{InputFrame, Picture};

/// What a PNG's pixels may take: its header was checked when it came.
const MAX_PIXELS: u64 = 7680 * 4320;

#[derive(Debug)]
pub(crate) struct Live {
    output: Arc<Output>,
    /// For what is no JPEG; made with the first of them.
    transcoder: Lock<Option<Arc<LatestSlot<InputFrame>>>>,
    quality: u8,
}

impl Live {
    pub(crate) fn new(hub: Hub, name: StreamName, quality: u8) -> Self {
        let output = Output { hub, name, publisher: Lock::default() };
        Self { output: Arc::new(output), transcoder: Lock::default(), quality }
    }

    /// Shows a frame, or one that is newer.
    pub(crate) fn show(&self, frame: InputFrame) {
        match frame.picture {
            Picture::Jpeg { width, height } => {
                let payload = with_tables(&frame.bytes);
                self.output.publish(payload, (width, height), &frame);
            }
            Picture::Png { .. } | Picture::Raw { .. } => self.transcode(frame),
        }
    }

    fn transcode(&self, frame: InputFrame) {
        let mut transcoder = self.transcoder.lock();
        let slot = transcoder.get_or_insert_with(|| start_transcoder(Arc::clone(&self.output), self.quality));
        slot.put(frame);
    }

    /// Nobody sees anything of it any more.
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

/// Cameras leave the usual tables out of their JPEGs; viewers need them.
fn with_tables(jpeg: &Bytes) -> Bytes {
    match wire::jpeg::probe(jpeg) {
        Ok(info) if !info.has_huffman_tables => wire::jpeg::with_standard_tables(jpeg).into(),
        _ => jpeg.clone(),
    }
}

#[derive(Debug)]
struct Output {
    hub: Hub,
    name: StreamName,
    publisher: Lock<Way>,
}

#[derive(Debug, Default)]
enum Way {
    #[default]
    Unopened,
    Open(Publisher),
    /// Refused or ended; an upload goes on without.
    Shut,
}

impl Output {
    fn publish(&self, payload: Bytes, (width, height): (u32, u32), frame: &InputFrame) {
        let mut new = NewFrame::new(payload, Format::jpeg(width, height));
        new.captured = frame.timestamp.and_then(CaptureTime::from_unix_secs);
        new.source_seq = Some(frame.number);
        let now = Moment::now();
        let mut way = self.publisher.lock();
        if let Way::Open(publisher) = &*way {
            match publisher.publish(new.clone(), now) {
                Ok(_) => return,
                // Removed for being idle while the client paused: it is made again.
                Err(PublishError::Closed { .. }) => {}
                Err(error) => {
                    tracing::warn!(stream = %self.name, %error, "an upload is not shown any more");
                    *way = Way::Shut;
                    return;
                }
            }
        }
        if matches!(*way, Way::Shut) {
            return;
        }
        let opened = self.hub.publisher(&self.name, Claim::Kept, now);
        *way = match opened {
            Ok(publisher) => {
                let _lost_at_once = publisher.publish(new, now);
                Way::Open(publisher)
            }
            Err(error) => {
                tracing::warn!(stream = %self.name, %error, "an upload is not shown");
                Way::Shut
            }
        };
    }

    fn end(&self) {
        let was = std::mem::replace(&mut *self.publisher.lock(), Way::Shut);
        if let Way::Open(publisher) = was {
            let is_ours =
                self.hub.stream(&self.name).is_some_and(|s| s.epoch() == publisher.stream().epoch());
            if is_ours {
                self.hub.remove(&self.name);
            }
        }
    }
}

/// A thread that transcodes the newest frame of the slot, until that is closed.
fn start_transcoder(output: Arc<Output>, quality: u8) -> Arc<LatestSlot<InputFrame>> {
    let slot = Arc::new(LatestSlot::new());
    let on_thread = Arc::clone(&slot);
    let thread = std::thread::Builder::new().name("upload-live".into());
    let spawned = thread.spawn(move || {
        net::lower_priority();
        while let Some(frame) = on_thread.next_blocking() {
            match to_jpeg(&frame, quality) {
                Ok(jpeg) => output.publish(jpeg.into(), frame.picture.size(), &frame),
                Err(error) => tracing::debug!(number = frame.number, %error, "a frame is not shown"),
            }
        }
    });
    if let Err(error) = spawned {
        tracing::warn!(%error, "no thread that makes JPEGs: an upload is not shown");
        slot.close();
    }
    slot
}

fn to_jpeg(frame: &InputFrame, quality: u8) -> media::Result<Vec<u8>> {
    let Picture::Raw { width, height, channels } = frame.picture else {
        return media::jpeg::encode(&media::png::decode(&frame.bytes, MAX_PIXELS)?, quality);
    };
    let (width, height, channels) = (width as usize, height as usize, channels as usize);
    let layout = if channels == 1 { Layout::Grey } else { Layout::Bgr };
    Raw { bytes: frame.body(), layout, width, height, stride: width * channels }.to_jpeg(quality)
}
