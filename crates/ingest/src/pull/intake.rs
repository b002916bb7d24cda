//! The way of a source's pictures into its stream: which pass, and what is counted.

use std::{
    fmt,
    sync::atomic::Ordering,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use hub::{CaptureTime, NewFrame, Publisher};
use net::Pace;
use tokio::time::Instant;
use wire::Mended;

use super::{
    Error,
    status::{State, Status},
    watchdog::Watchdog,
};
use crate::{Admission, Jpeg, mended, now};

/// No camera makes more: beyond this a source is broken or hostile, and is thinned out.
const FLOOD_FPS: f64 = 240.0;

/// The pictures of one attempt at a source.
#[derive(Debug)]
pub struct Intake<'a> {
    publisher: &'a Publisher,
    status: &'a Status,
    admission: Admission,
    /// `None`: the source keeps its rate by itself.
    pace: Option<Pace>,
    watchdog: Watchdog,
    has_warned: bool,
    /// When its first picture came.
    live_since: Option<Instant>,
}

impl<'a> Intake<'a> {
    /// For pictures that come as they are made, at any rate but a flood.
    pub fn new(publisher: &'a Publisher, status: &'a Status, admission: Admission) -> Self {
        let pace = Some(Pace::with_burst(Some(FLOOD_FPS), FLOOD_FPS));
        let watchdog = Watchdog::new(Duration::ZERO);
        Self { publisher, status, admission, pace, watchdog, has_warned: false, live_since: None }
    }

    /// At most `fps` pictures a second are taken. Slower ones do not count as silence.
    pub fn with_fps(self, fps: f64) -> Self {
        self.watchdog.allow_gap(Duration::from_secs_f64(1.0 / fps));
        // Sources jitter: two pictures may come close together after a gap.
        Self { pace: Some(Pace::with_burst(Some(fps), 2.0)), ..self }
    }

    /// For a source that keeps its rate by itself.
    pub fn unpaced(self) -> Self {
        Self { pace: None, ..self }
    }

    /// Its pictures are noted there.
    pub fn with_watchdog(self, watchdog: Watchdog) -> Self {
        Self { watchdog, ..self }
    }

    pub fn watchdog(&self) -> &Watchdog {
        &self.watchdog
    }

    /// What a picture must be.
    pub fn admission(&self) -> &Admission {
        &self.admission
    }

    /// For how long pictures have come.
    pub fn live_for(&self) -> Duration {
        self.live_since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// A picture as the source gave it. What cannot be shown is counted and skipped.
    ///
    /// # Errors
    /// Only when the stream takes no more.
    pub async fn picture(&mut self, bytes: Bytes, captured: Option<CaptureTime>) -> Result<(), Error> {
        if !self.wants() {
            return Ok(());
        }
        match self.admission.admit(bytes).await {
            Ok(jpeg) if jpeg.is_encoded => self.encoded(jpeg, captured),
            Ok(jpeg) => self.publish(jpeg, captured),
            Err(error) => {
                self.skip(&error);
                Ok(())
            }
        }
    }

    /// Counts a capture and says whether it is to be used, before any work is put into it.
    pub fn wants(&mut self) -> bool {
        self.status.captures.fetch_add(1, Ordering::Relaxed);
        self.pace.as_mut().is_none_or(|pace| pace.admit(Instant::now().into_std()))
    }

    /// Counts pictures that were left out because their time had passed.
    pub fn count_late(&self, count: u64) {
        self.status.late.fetch_add(count, Ordering::Relaxed);
    }

    /// A picture that was encoded here.
    ///
    /// # Errors
    /// Only when the stream takes no more.
    pub fn encoded(&mut self, jpeg: Jpeg, captured: Option<CaptureTime>) -> Result<(), Error> {
        self.status.encodes.fetch_add(1, Ordering::Relaxed);
        self.publish(jpeg, captured)
    }

    fn publish(&mut self, jpeg: Jpeg, captured: Option<CaptureTime>) -> Result<(), Error> {
        let Jpeg { payload, format, mended, .. } = jpeg;
        let frame = NewFrame { captured, ..NewFrame::new(payload, format) };
        self.publisher.publish(frame, now())?;
        self.note(&mended);
        self.watchdog.note();
        self.live_since.get_or_insert_with(Instant::now);
        if !self.status.is_live() {
            let before = self.status.set(State::Live);
            let stream = self.publisher.stream().name();
            tracing::debug!(%stream, before = before.word(), width = format.width, height = format.height, "source is live");
        }
        Ok(())
    }

    /// Notes what was mended about what the source sends.
    pub fn note(&self, mended: &[Mended]) {
        mended::note(self.publisher.stream(), mended);
    }

    /// Counts a picture that cannot be used. The first of an attempt is logged as well.
    pub fn skip(&mut self, why: &dyn fmt::Display) {
        self.status.frame_errors.fetch_add(1, Ordering::Relaxed);
        if !self.has_warned {
            self.has_warned = true;
            self.status.trouble.send_replace(Some(why.to_string()));
            let stream = self.publisher.stream().name();
            tracing::warn!(%stream, "the source sent a picture that cannot be used, and it was skipped: {why}");
        }
    }
}

/// The present as a capture time.
pub fn captured_now() -> Option<CaptureTime> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    CaptureTime::from_unix_secs(since.as_secs_f64())
}
