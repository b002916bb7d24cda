//! The way from a source into its stream: what a picture must be, how many pass, and what is counted.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use hub::{CaptureTime, Format, Moment, NewFrame, Publisher};
use tokio::{sync::Notify, time::Instant};
use wire::image::Kind as Image;

use crate::{
    Error, Kind, Spec,
    pace::Pace,
    state::{State, Status},
};

/// No camera makes more: beyond this a source is broken or hostile, and is thinned out.
const FLOOD_FPS: f64 = 240.0;
/// A picture that claims more pixels would take a viewer's browser down.
const MAX_PIXELS: u64 = 100_000_000;
/// What is decoded here takes three bytes a pixel: 8K UHD is the largest.
pub(crate) const MAX_DECODED_PIXELS: u64 = 7680 * 4320;

/// What holds for all sources.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Bytes of one picture.
    pub max_frame_bytes: usize,
    /// JPEG quality of what is encoded here, 1 to 100, where a source does not say.
    pub quality: u8,
}

/// When the last good picture came; shared with whoever watches for silence, or for its end.
#[derive(Debug, Clone)]
pub(crate) struct Watchdog(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    heard: Mutex<Heard>,
    next: Notify,
}

#[derive(Debug, Clone, Copy)]
struct Heard {
    last: Instant,
    /// How far pictures may lie apart by the source's own settings.
    gap: Duration,
}

impl Watchdog {
    pub(crate) fn new(gap: Duration) -> Self {
        let heard = Mutex::new(Heard { last: Instant::now(), gap });
        Self(Arc::new(Shared { heard, next: Notify::new() }))
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that something has come.
    pub(crate) fn note(&self) {
        self.heard().last = Instant::now();
        self.0.next.notify_waiters();
    }

    /// Ready when something comes.
    pub(crate) async fn next(&self) {
        self.0.next.notified().await;
    }

    /// Ready when no picture has come for `limit`, and tells for how long. A source that is slow by its own settings
    /// is not silent.
    pub(crate) async fn silence(&self, limit: Duration) -> Duration {
        loop {
            let Heard { last, gap } = *self.heard();
            let limit = limit.max(gap.saturating_mul(3));
            if last.elapsed() >= limit {
                return limit;
            }
            tokio::time::sleep_until(last + limit).await;
        }
    }
}

/// One attempt's way into the stream.
#[derive(Debug)]
pub(crate) struct Ingest<'a> {
    publisher: &'a Publisher,
    status: &'a Status,
    settings: Settings,
    /// `None`: the source keeps its rate by itself.
    pace: Option<Pace>,
    watchdog: Watchdog,
    spoke_of_error: bool,
    /// When its first picture came.
    live_since: Option<Instant>,
}

impl<'a> Ingest<'a> {
    pub(crate) fn new(publisher: &'a Publisher, status: &'a Status, spec: &Spec, settings: Settings) -> Self {
        let settings = Settings { quality: spec.quality.unwrap_or(settings.quality), ..settings };
        let gap = spec.fps.map_or(Duration::ZERO, |fps| Duration::from_secs_f64(1.0 / fps));
        let pace = match (&spec.kind, spec.fps) {
            (Kind::Test { .. } | Kind::File { .. } | Kind::Ffmpeg(_) | Kind::Stdin, _) => None,
            (_, Some(fps)) => Some(Pace::new(fps)),
            (_, None) => Some(Pace::flood(FLOOD_FPS)),
        };
        Self { pace, watchdog: Watchdog::new(gap), ..Self::unpaced(publisher, status, settings) }
    }

    /// For pictures that come as they are made, of a source that has no options.
    pub(crate) fn plain(publisher: &'a Publisher, status: &'a Status, settings: Settings) -> Self {
        Self { pace: Some(Pace::flood(FLOOD_FPS)), ..Self::unpaced(publisher, status, settings) }
    }

    /// Its pictures are noted there.
    pub(crate) fn with_watchdog(self, watchdog: Watchdog) -> Self {
        Self { watchdog, ..self }
    }

    fn unpaced(publisher: &'a Publisher, status: &'a Status, settings: Settings) -> Self {
        let watchdog = Watchdog::new(Duration::ZERO);
        Self { publisher, status, settings, pace: None, watchdog, spoke_of_error: false, live_since: None }
    }

    pub(crate) fn watchdog(&self) -> Watchdog {
        self.watchdog.clone()
    }

    /// Pictures may lie so far apart without the source counting as silent.
    pub(crate) fn allow_gap(&self, gap: Duration) {
        self.watchdog.heard().gap = gap;
    }

    pub(crate) fn max_frame_bytes(&self) -> usize {
        self.settings.max_frame_bytes
    }

    pub(crate) fn quality(&self) -> u8 {
        self.settings.quality
    }

    /// For how long pictures have come.
    pub(crate) fn live_for(&self) -> Duration {
        self.live_since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// A picture as the source gave it: JPEG passes byte for byte, PNG is encoded, anything else is counted.
    ///
    /// # Errors
    /// Only when the stream takes no more.
    pub(crate) async fn picture(&mut self, bytes: Bytes, captured: Option<CaptureTime>) -> Result<(), Error> {
        if !self.wants() {
            return Ok(());
        }
        let kind = match self.check(&bytes) {
            Ok(kind) => kind,
            Err(why) => {
                self.skip(&why);
                return Ok(());
            }
        };
        match kind {
            Image::Jpeg(info) => {
                let tables = info.has_huffman_tables;
                let payload = if tables { bytes } else { wire::jpeg::with_standard_tables(&bytes).into() };
                self.publish(payload, Format::jpeg(info.width.into(), info.height.into()), captured)
            }
            Image::Png { .. } => {
                let quality = self.quality();
                let work = move || {
                    let picture = media::png::decode(&bytes, MAX_DECODED_PIXELS)?;
                    Ok(media::jpeg::encode(&picture, quality)?)
                };
                match blocking(work).await {
                    Ok(jpeg) => self.encoded(jpeg, (kind.width(), kind.height()), captured),
                    Err(error) => {
                        self.skip(&error);
                        Ok(())
                    }
                }
            }
        }
    }

    fn check(&self, bytes: &[u8]) -> Result<Image, String> {
        let max = self.settings.max_frame_bytes;
        if bytes.len() > max {
            return Err(format!("it has {} bytes; server.max_frame_size_mb allows {max}", bytes.len()));
        }
        let kind = wire::image::sniff(bytes).map_err(|error| error.to_string())?;
        let pixels = u64::from(kind.width()) * u64::from(kind.height());
        if pixels > MAX_PIXELS {
            return Err(format!("it claims {} × {} pixels", kind.width(), kind.height()));
        }
        Ok(kind)
    }

    /// Counts a capture and says whether it is to be used, before any work is put into it.
    pub(crate) fn wants(&mut self) -> bool {
        self.status.count_capture();
        self.pace.as_mut().is_none_or(|pace| pace.passes(Instant::now().into_std()))
    }

    /// Counts pictures that were left out because their time had passed.
    pub(crate) fn count_late(&self, count: u64) {
        self.status.count_late(count);
    }

    /// A picture that was encoded here.
    ///
    /// # Errors
    /// Only when the stream takes no more.
    pub(crate) fn encoded(
        &mut self,
        jpeg: impl Into<Bytes>,
        (width, height): (u32, u32),
        captured: Option<CaptureTime>,
    ) -> Result<(), Error> {
        self.status.count_encode();
        self.publish(jpeg.into(), Format::jpeg(width, height), captured)
    }

    fn publish(
        &mut self,
        payload: Bytes,
        format: Format,
        captured: Option<CaptureTime>,
    ) -> Result<(), Error> {
        let frame = NewFrame { captured, ..NewFrame::new(payload, format) };
        self.publisher.publish(frame, now())?;
        self.watchdog.note();
        self.live_since.get_or_insert_with(Instant::now);
        if !self.status.is_live() {
            let before = self.status.set(State::Live);
            let stream = self.publisher.stream().name();
            tracing::debug!(%stream, before = before.word(), width = format.width, height = format.height, "source is live");
        }
        Ok(())
    }

    /// Counts a picture that cannot be used. The first of an attempt is told, the others are only counted.
    pub(crate) fn skip(&mut self, why: &dyn fmt::Display) {
        self.status.count_error();
        if !self.spoke_of_error {
            self.spoke_of_error = true;
            self.status.set_trouble(why.to_string());
            let stream = self.publisher.stream().name();
            tracing::warn!(%stream, "the source sent a picture that cannot be used, and it was skipped: {why}");
        }
    }
}

/// The clocks; the monotonic one is tokio's, so that tests can hold it.
pub(crate) fn now() -> Moment {
    Moment { mono: Instant::now().into_std(), wall: SystemTime::now() }
}

/// The present as a capture time.
pub(crate) fn taken(wall: SystemTime) -> Option<CaptureTime> {
    CaptureTime::from_unix_secs(wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64())
}

/// Runs work that waits, or keeps a processor busy, off the async threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(Error::Panicked))
}
