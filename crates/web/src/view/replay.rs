//! Recordings as a source of frames: paced by the time at which they were taken, in step with the viewer's clock.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use derive::Pacer;
use http::StatusCode;
use hub::{Frame, StreamName};
use jiff::Timestamp;
use record::{RecordingId, Recordings, Replay, Replayed};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep},
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::{Offset, Past, Source, Speed, read_ahead::ReadAhead};
use crate::{disk::Disk, error::ApiError};

/// Recordings that are being watched at once: each holds two batches, 8 MB, and a share of the disk.
pub const MAX_REPLAYS: usize = 64;
/// Pictures a second that are worth reading, however fast a recording is played.
const RATE: f64 = 60.0;
/// A frame this late is not shown if a newer one is being read.
const LATE: Duration = Duration::from_secs(1);

/// Opens recordings for viewers, a bounded number at a time.
#[derive(Debug, Clone)]
pub(crate) struct Replays {
    recordings: Recordings,
    disk: Disk,
    places: Arc<Semaphore>,
    shutdown: CancellationToken,
}

impl Replays {
    pub(crate) fn new(recordings: Recordings, disk: Disk, shutdown: CancellationToken) -> Self {
        Self { recordings, disk, places: Arc::new(Semaphore::new(MAX_REPLAYS)), shutdown }
    }

    /// A recording, from `from` to its end, for as long as it grows.
    pub(crate) async fn recording(
        &self,
        id: RecordingId,
        from: Offset,
        speed: Speed,
        fps: Option<f64>,
    ) -> Result<Source, ApiError> {
        let place = self.place()?;
        let replay = self.open(id, from).await?;
        Ok(Source::Replay(ReplaySource::new(self, replay, None, speed, fps, place)))
    }

    /// A live stream as it was, staying that far behind.
    pub(crate) async fn past(
        &self,
        stream: &StreamName,
        past: Past,
        fps: Option<f64>,
    ) -> Result<Source, ApiError> {
        let place = self.place()?;
        let replay = self.rewind(stream, past).await?;
        let past_of = Some(stream.clone());
        Ok(Source::Replay(ReplaySource::new(self, replay, past_of, Speed::default(), fps, place)))
    }

    pub(super) async fn open(&self, id: RecordingId, at: Offset) -> Result<Replay, ApiError> {
        let store = self.recordings.store().clone();
        self.disk.ask(move || Replay::open(&store, &id, at.0)).await
    }

    /// Finds a live stream's past among its recordings.
    pub(super) async fn rewind(&self, stream: &StreamName, past: Past) -> Result<Replay, ApiError> {
        let time = past.before(Timestamp::now())?;
        let running = self.recordings.activity(stream).and_then(|activity| activity.current);
        let (store, stream) = (self.recordings.store().clone(), stream.clone());
        self.disk.ask(move || Replay::rewind(&store, &stream, time, running.as_ref())).await
    }

    /// The one frame that a replay begins with.
    pub(super) async fn still(&self, replay: Replay) -> Result<Arc<Frame>, ApiError> {
        let found = self.disk.read(move || replay.still()).await?;
        found.map(|shown| shown.frame).ok_or_else(|| {
            let message =
                "the recording has no frame that can be read: try again shortly if it has just begun";
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "NO_FRAME", message)
        })
    }

    fn place(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        Arc::clone(&self.places).try_acquire_owned().map_err(|_none_left| {
            let message =
                format!("{MAX_REPLAYS} recordings are being watched, which is the limit: try again later");
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "REPLAY_LIMIT", message)
        })
    }
}

pub(crate) struct ReplaySource {
    recordings: Recordings,
    /// The live stream whose past this is: while it is recorded, there is no end.
    past_of: Option<StreamName>,
    reading: ReadAhead,
    playhead: Playhead,
    pacer: Pacer,
    frames: VecDeque<Replayed>,
    /// A late frame, while a newer one is being read.
    held: Option<Replayed>,
    /// Nothing was left to show, since nothing more has been written.
    ran_dry: bool,
    due: Pin<Box<Sleep>>,
    shown: Option<Arc<Frame>>,
    shutdown: Pin<Box<WaitForCancellationFutureOwned>>,
    _place: OwnedSemaphorePermit,
}

impl ReplaySource {
    fn new(
        replays: &Replays,
        replay: Replay,
        past_of: Option<StreamName>,
        speed: Speed,
        fps: Option<f64>,
        place: OwnedSemaphorePermit,
    ) -> Box<Self> {
        // None at its own speed, and about `RATE` a second at any other.
        let step = Duration::from_secs_f64((speed.0 - 1.0).max(0.0) / RATE);
        Box::new(Self {
            past_of,
            playhead: Playhead::at(replay.begins_at(), speed),
            pacer: Pacer::new(fps, Instant::now()),
            reading: ReadAhead::new(replays.disk.clone(), replay.thinned(step)),
            frames: VecDeque::new(),
            held: None,
            ran_dry: false,
            due: Box::pin(tokio::time::sleep(Duration::ZERO)),
            shown: None,
            shutdown: Box::pin(replays.shutdown.clone().cancelled_owned()),
            recordings: replays.recordings.clone(),
            _place: place,
        })
    }

    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Arc<Frame>>> {
        if self.shutdown.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        ready!(self.pacer.poll_due(cx));
        loop {
            if let Some(Replayed { frame, .. }) = self.newest_due(cx) {
                self.pacer.taken(Instant::now());
                self.shown = Some(Arc::clone(&frame));
                return Poll::Ready(Some(frame));
            }
            let Some(next) = self.frames.front() else {
                let over = self.reading.has_ended();
                return if over { Poll::Ready(None) } else { Poll::Pending };
            };
            self.due.as_mut().reset(self.playhead.due(next.time, Instant::now()));
            ready!(self.due.as_mut().poll(cx));
        }
    }

    pub(super) fn newest(&self) -> Option<Arc<Frame>> {
        self.shown.clone()
    }

    fn newest_due(&mut self, cx: &mut Context<'_>) -> Option<Replayed> {
        let mut newest = None;
        loop {
            self.read_on(cx);
            let now = Instant::now();
            while self.frames.front().is_some_and(|frame| self.playhead.due(frame.time, now) <= now) {
                newest = self.frames.pop_front();
            }
            if !(self.frames.is_empty() && self.refill()) {
                return self.hold_if_late(newest, now);
            }
        }
    }

    fn read_on(&mut self, cx: &mut Context<'_>) {
        // What comes after a drought is shown from its beginning.
        let from = if self.ran_dry { Duration::ZERO } else { self.playhead.position(Instant::now()) };
        let (recordings, past_of) = (&self.recordings, &self.past_of);
        let is_recorded = |stream: &StreamName| recordings.activity(stream).is_some();
        self.reading.poll(cx, from, || past_of.as_ref().is_some_and(is_recorded));
        self.ran_dry |= self.frames.is_empty() && self.reading.is_resting();
    }

    /// False if nothing has been read ahead.
    fn refill(&mut self) -> bool {
        let Some(batch) = self.reading.take() else { return false };
        let now = Instant::now();
        self.playhead.start(now);
        if let Some(first) = batch.first().filter(|_| std::mem::take(&mut self.ran_dry)) {
            self.playhead.fall_back(first.time, now);
        }
        self.frames = batch.into();
        true
    }

    /// Once a frame was held, the next one is shown however late it is: a slow disk must not stop the picture.
    fn hold_if_late(&mut self, newest: Option<Replayed>, now: Instant) -> Option<Replayed> {
        let is_late = |frame: &Replayed| self.playhead.due(frame.time, now) + LATE < now;
        let newer_may_come = self.frames.is_empty() && self.reading.is_reading();
        match (newest, self.held.take()) {
            (Some(frame), None) if newer_may_come && is_late(&frame) => {
                self.held = Some(frame);
                None
            }
            (None, Some(held)) if newer_may_come => {
                self.held = Some(held);
                None
            }
            (newest, held) => newest.or(held),
        }
    }
}

/// Where a replay stands: media time that runs with the clock, `speed` times as fast, once it has been started.
#[derive(Debug, Clone, Copy)]
struct Playhead {
    media: Duration,
    since: Option<Instant>,
    speed: f64,
}

impl Playhead {
    fn at(media: Duration, speed: Speed) -> Self {
        Self { media, since: None, speed: speed.0 }
    }

    fn start(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    fn position(&self, now: Instant) -> Duration {
        let run = self.since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        self.media + run.mul_f64(self.speed)
    }

    /// When a frame of that time is to be shown. Until it runs, the present is when it begins.
    fn due(&self, time: Duration, now: Instant) -> Instant {
        self.since.unwrap_or(now) + time.saturating_sub(self.media).div_f64(self.speed)
    }

    /// Goes on from `media` if that has been passed: what comes late from the recorder comes evenly then.
    fn fall_back(&mut self, media: Duration, now: Instant) {
        if media < self.position(now) {
            (self.media, self.since) = (media, Some(now));
        }
    }
}
