//! One session, shared by its connection, its analysis and whoever asks how it goes.

use std::{
    fmt,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use bytes::Bytes;
use hub::StreamName;
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use wire::upload::{AckStatus, FrameHead, ServerMessage, SessionEnd, SessionStart, SignalHead};

use crate::{
    Error, InputFrame, Mailbox, Options, Pipeline, Progress, Signal, Stop,
    check::check,
    lifecycle::{Lifecycle, Next, Phase},
    live::Live,
    registry::Shared,
    spool::{self, Full, Spool},
    stats::{AnalysisStats, SessionStats, megabytes, rounded},
};

/// What a client that does not say has.
const USUAL_FPS: f64 = 30.0;
/// Bytes of a signal log; a long bout's has a hundredth of it.
const MAX_SIGNAL_BYTES: usize = 1 << 20;

pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) stream: StreamName,
    pub(crate) fps: f64,
    pub(crate) options: Options,
    /// `None`: this hub has no analysis.
    pub(crate) pipeline: Option<Arc<dyn Pipeline>>,
    pub(crate) stop: Stop,
    spool: Spool,
    announced: Option<(u32, u32)>,
    started: Instant,
    house: Weak<Shared>,
    live: Live,
    /// Nothing awaits or reads files under it.
    inner: Mutex<Inner>,
    /// There is something for the analysis.
    changed: Condvar,
}

struct Inner {
    life: Lifecycle,
    last_activity: Instant,
    /// Of the connection that has the session.
    mailbox: Option<Arc<Mailbox>>,
    /// Pixels of the first frame; all others have to have them.
    size: Option<(u32, u32)>,
    /// Whether the analysis has been asked for.
    is_begun: bool,
    is_running: bool,
    analysed: u64,
    progress: Option<Progress>,
    processing_since: Option<Instant>,
    outcome: Option<Outcome>,
    /// Whether the connection that has the session has been told.
    is_told: bool,
}

type Outcome = Result<Map<String, Value>, String>;

/// What the analysis gets.
#[derive(Debug)]
pub(crate) enum Input {
    Frame(InputFrame),
    Finish(Option<Signal>),
    /// Once more from the first frame.
    BeginAgain,
    /// Nobody wants the result any more.
    Stopped,
}

impl Session {
    pub(crate) fn new(
        start: &SessionStart,
        stream: StreamName,
        pipeline: Option<Arc<dyn Pipeline>>,
        house: &Arc<Shared>,
        now: Instant,
    ) -> Arc<Self> {
        let settings = &house.settings;
        let terms = spool::Terms {
            folder: settings.folder.clone(),
            share: settings.share(),
            min_free_bytes: settings.min_free_bytes,
        };
        let inner = Inner {
            life: Lifecycle::new(start.expected_frames),
            last_activity: now,
            mailbox: None,
            size: None,
            is_begun: false,
            is_running: false,
            analysed: 0,
            progress: None,
            processing_since: None,
            outcome: None,
            is_told: false,
        };
        let sides = start.width.zip(start.height);
        Arc::new(Self {
            id: start.session_id.clone(),
            fps: start.fps.filter(|&fps| fps > 0.0).unwrap_or(USUAL_FPS),
            options: Options {
                include_keypoints: start.include_keypoints,
                save_overlay: start.save_overlay.unwrap_or(true),
            },
            pipeline,
            stop: Stop::default(),
            spool: Spool::new(terms, Arc::clone(&house.budget)),
            announced: sides.filter(|&(width, height)| width > 0 && height > 0),
            started: now,
            house: Arc::downgrade(house),
            live: Live::new(house.hub.clone(), stream.clone(), settings.jpeg_quality),
            stream,
            inner: Mutex::new(inner),
            changed: Condvar::new(),
        })
    }

    // ---- its connection ----

    /// Gives the session to a connection; another one that has it is told so.
    pub(crate) fn attach(&self, mailbox: &Arc<Mailbox>, now: Instant) {
        let mut inner = self.inner();
        inner.last_activity = now;
        inner.is_told = false;
        let before = inner.mailbox.replace(Arc::clone(mailbox));
        drop(inner);
        if let Some(before) = before.filter(|before| !Arc::ptr_eq(before, mailbox)) {
            let error = Error::TakenOver { id: self.id.clone() };
            before.say(error_message(Some(&self.id), &error));
            before.part(error.to_string());
        }
    }

    /// The connection is gone; the session waits for another.
    pub(crate) fn detach(&self, mailbox: &Arc<Mailbox>, now: Instant) {
        let mut inner = self.inner();
        if inner.is_held_by(mailbox) {
            inner.mailbox = None;
            inner.last_activity = now;
        }
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.inner().mailbox.is_some()
    }

    /// Notes that its client is there.
    ///
    /// # Errors
    /// Another connection has it, or it has ended.
    pub(crate) fn touch(&self, mailbox: &Arc<Mailbox>, now: Instant) -> Result<(), Error> {
        let mut inner = self.inner();
        if !inner.is_held_by(mailbox) {
            return Err(Error::TakenOver { id: self.id.clone() });
        }
        inner.last_activity = now;
        Ok(())
    }

    /// What a client that resumes is told; then what has happened since.
    pub(crate) fn resumed(&self, mailbox: &Arc<Mailbox>) {
        let inner = self.inner();
        mailbox.say(ServerMessage::SessionStarted {
            session_id: self.id.clone(),
            resumed: Some(true),
            next_frame: Some(inner.life.order().next_missing()),
            state: Some(inner.life.phase().as_str().to_owned()),
        });
        if inner.processing_since.is_some() {
            mailbox.say(ServerMessage::ProcessStart { session_id: self.id.clone() });
        }
        drop(inner);
        self.deliver();
    }

    // ---- what its client does ----

    /// Keeps a frame, as soon as there is room for it.
    pub(crate) async fn frame(self: &Arc<Self>, head: &FrameHead, bytes: Bytes) -> Result<AckStatus, Error> {
        let number = head.frame_number;
        if self.is_known(number)? {
            return Ok(AckStatus::Duplicate);
        }
        self.warn_of_size("frame", head.size, bytes.len());
        let encoding = head.encoding.as_deref().unwrap_or("jpeg");
        let bad = |reason| Error::BadFrame { number, reason };
        let picture = check(encoding, &bytes, self.announced).map_err(bad)?;
        self.check_sides(picture.size()).map_err(bad)?;
        let frame = InputFrame { number, timestamp: head.timestamp, picture, bytes };
        self.spool.keep(&frame).await.map_err(|full| self.not_kept(&frame, full))?;
        let begins = {
            let mut inner = self.inner();
            if !inner.life.frame(number) {
                return Ok(AckStatus::Duplicate);
            }
            inner.size = Some(picture.size());
            !std::mem::replace(&mut inner.is_begun, true)
        };
        self.changed.notify_one();
        if begins {
            self.warn_of_sides(picture.size());
        }
        if begins && let Some(house) = self.house.upgrade() {
            house.scheduler.begin(Arc::clone(self));
        }
        self.live.show(frame);
        Ok(AckStatus::Received)
    }

    fn is_known(&self, number: u64) -> Result<bool, Error> {
        let mut inner = self.inner();
        inner.life.check_frame()?;
        Ok(inner.life.order().contains(number) && !inner.life.frame(number))
    }

    /// Document 003, 'Common Issues': usually not fatal.
    fn warn_of_size(&self, what: &str, said: Option<u64>, came: usize) {
        if let Some(said) = said.filter(|&said| said != came as u64) {
            tracing::warn!(session = %self.id, said, came, "Frame size mismatch: the {what} is kept as it came");
        }
    }

    /// A video has one size.
    fn check_sides(&self, (width, height): (u32, u32)) -> Result<(), String> {
        match self.inner().size {
            Some((w, h)) if (w, h) != (width, height) => {
                Err(format!("it has {width} × {height} pixels, the session's first frame has {w} × {h}"))
            }
            _ => Ok(()),
        }
    }

    fn warn_of_sides(&self, (width, height): (u32, u32)) {
        if let Some((w, h)) = self.announced.filter(|&announced| announced != (width, height)) {
            tracing::warn!(session = %self.id, "Frame size mismatch: {width} × {height} pixels, announced were {w} × {h}");
        }
    }

    fn not_kept(&self, frame: &InputFrame, full: Full) -> Error {
        let number = frame.number;
        match full {
            Full::Memory => Error::MemoryLimit { number, bytes: frame.bytes.len() },
            Full::Index => Error::TooManyFrames { number, max: spool::MAX_FRAMES },
            Full::Disk(source) => {
                let folder = self.house.upgrade().map(|house| house.settings.folder.clone());
                Error::Disk { number, folder: folder.unwrap_or_default(), source }
            }
        }
    }

    /// All frames are sent.
    pub(crate) fn end(&self, end: &SessionEnd) -> Result<ServerMessage, Error> {
        let validation = self.inner().life.end(end.total_frames)?;
        for issue in &validation.issues {
            tracing::warn!(session = %self.id, "{issue}");
        }
        self.changed.notify_one();
        Ok(ServerMessage::SessionEnded { session_id: self.id.clone(), validation })
    }

    pub(crate) fn signal(&self, head: &SignalHead, bytes: Bytes) -> Result<(), Error> {
        if bytes.len() > MAX_SIGNAL_BYTES {
            return Err(Error::SignalTooLarge { bytes: bytes.len(), max: MAX_SIGNAL_BYTES });
        }
        self.warn_of_size("signal", head.size, bytes.len());
        let filename = file_name(head.filename.as_deref().unwrap_or_default());
        self.inner().life.signal(Signal { filename, bytes })
    }

    /// Goes on to the processing, once all that it needs is there.
    pub(crate) fn process(&self, now: Instant) {
        let mut inner = self.inner();
        if !inner.life.process() {
            return;
        }
        inner.processing_since = Some(now);
        if let Some(mailbox) = &inner.mailbox {
            mailbox.say(ServerMessage::ProcessStart { session_id: self.id.clone() });
        }
        drop(inner);
        tracing::info!(session = %self.id, "all frames and the signal are there");
        self.changed.notify_one();
        self.deliver();
    }

    // ---- its analysis ----

    /// Waits for what the analysis is to do next.
    pub(crate) fn next_input(&self) -> Result<Input, String> {
        let number = {
            let mut inner = self.inner();
            inner.is_running = true;
            loop {
                if self.stop.is_stopped() {
                    return Ok(Input::Stopped);
                }
                match inner.life.next() {
                    Next::Frame(number) => break number,
                    Next::Finish(signal) => return Ok(Input::Finish(signal)),
                    Next::BeginAgain => {
                        inner.analysed = 0;
                        return Ok(Input::BeginAgain);
                    }
                    Next::Wait => {
                        inner = self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
                    }
                }
            }
        };
        let frame = self.spool.read(number);
        frame
            .map(Input::Frame)
            .map_err(|error| format!("frame {number} cannot be read from the spool: {error}"))
    }

    pub(crate) fn note_analysed(&self) {
        self.inner().analysed += 1;
    }

    pub(crate) fn report(&self, progress: Progress) {
        let progress = Progress { progress: progress.progress.clamp(0.0, 1.0), ..progress };
        let message = ServerMessage::ProcessProgress {
            session_id: self.id.clone(),
            stage: progress.stage.to_owned(),
            progress: progress.progress,
            message: progress.message.clone(),
        };
        let mailbox = {
            let mut inner = self.inner();
            inner.progress = Some(progress);
            inner.mailbox.clone()
        };
        if let Some(mailbox) = mailbox {
            mailbox.say_progress(message);
        }
    }

    pub(crate) fn failed(&self, reason: String) {
        tracing::warn!(session = %self.id, reason, "the analysis failed");
        self.inner().outcome = Some(Err(reason));
        self.deliver();
    }

    pub(crate) fn completed(&self, result: Map<String, Value>) {
        tracing::info!(session = %self.id, "the analysis is done");
        self.inner().outcome = Some(Ok(result));
        self.deliver();
    }

    /// Seconds since all that the analysis needs is there.
    pub(crate) fn processing_secs(&self) -> f64 {
        self.inner().processing_since.map_or(0.0, |since| rounded(since.elapsed().as_secs_f64()))
    }

    /// Tells its client the outcome once there is one and it is due; the session ends when that is sent.
    fn deliver(&self) {
        let (mailbox, outcome) = {
            let mut inner = self.inner();
            if inner.processing_since.is_none() || inner.is_told {
                return;
            }
            let (Some(mailbox), Some(outcome)) = (inner.mailbox.clone(), inner.outcome.clone()) else {
                return;
            };
            inner.is_told = true;
            (mailbox, outcome)
        };
        let message = match outcome {
            Ok(mut result) => {
                result.insert("streaming_stats".into(), self.streaming_stats());
                ServerMessage::ProcessComplete { session_id: self.id.clone(), result }
            }
            Err(reason) => error_message(Some(&self.id), &Error::Processing(reason)),
        };
        let (house, id) = (self.house.clone(), self.id.clone());
        let receipt = move || {
            if let Some(house) = house.upgrade() {
                house.forget(&id);
            }
        };
        mailbox.say_with_receipt(message, Box::new(receipt));
    }

    fn streaming_stats(&self) -> Value {
        let inner = self.inner();
        let order = inner.life.order();
        let (memory, disk) = self.spool.bytes();
        json!({
            "frames_received": order.count(),
            "duplicate_frames": order.duplicates(),
            "out_of_order_frames": order.out_of_order(),
            "missing_frames": order.missing(),
            "bytes_received": memory + disk,
            "duration_seconds": rounded(self.started.elapsed().as_secs_f64()),
        })
    }

    // ---- its end ----

    /// How long nothing has come from a client that is waited for.
    pub(crate) fn idle(&self, now: Instant) -> Duration {
        let inner = self.inner();
        let is_served = inner.life.phase() == Phase::Processing && inner.mailbox.is_some();
        if is_served { Duration::ZERO } else { now.saturating_duration_since(inner.last_activity) }
    }

    /// Ends it: the analysis stops, everything that is kept goes. With a reason, its client is told.
    pub(crate) fn clean_up(&self, reason: Option<&Error>) {
        self.stop.stop();
        let mailbox = {
            let mut inner = self.inner();
            inner.life.clean_up();
            inner.mailbox.take()
        };
        self.changed.notify_all();
        self.spool.close();
        self.live.end();
        if let (Some(mailbox), Some(reason)) = (mailbox, reason) {
            mailbox.say(error_message(Some(&self.id), reason));
            mailbox.part(reason.to_string());
        }
    }

    pub(crate) fn stats(&self, now: Instant) -> SessionStats {
        let (memory, disk) = self.spool.bytes();
        let inner = self.inner();
        let order = inner.life.order();
        let secs = |since: Instant| rounded(now.saturating_duration_since(since).as_secs_f64());
        SessionStats {
            session_id: self.id.clone(),
            frames_received: order.count(),
            memory_mb: megabytes(memory),
            duration_seconds: secs(self.started),
            state: inner.life.phase().as_str(),
            stream: self.stream.to_string(),
            connected: inner.mailbox.is_some(),
            spooled_mb: megabytes(disk),
            missing_frames: order.missing(),
            duplicate_frames: order.duplicates(),
            out_of_order_frames: order.out_of_order(),
            idle_seconds: secs(inner.last_activity),
            analysis: AnalysisStats::new(
                self.pipeline.as_ref().map(|pipeline| pipeline.name()),
                inner.is_running,
                inner.analysed,
                inner.progress.as_ref(),
            ),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn is_held_by(&self, mailbox: &Arc<Mailbox>) -> bool {
        self.mailbox.as_ref().is_some_and(|held| Arc::ptr_eq(held, mailbox))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("id", &self.id).finish_non_exhaustive()
    }
}

pub(crate) fn error_message(session_id: Option<&str>, error: &Error) -> ServerMessage {
    ServerMessage::Error {
        session_id: session_id.map(str::to_owned),
        error_code: error.code(),
        error_message: error.to_string(),
        recoverable: error.is_recoverable(),
    }
}

/// The last part of whatever path a client's system has, in characters that every system takes.
fn file_name(said: &str) -> String {
    let last = said.rsplit(['/', '\\']).next().unwrap_or_default();
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || "._-".contains(*c);
    let name: String = last.chars().filter(is_plain).take(100).collect();
    let name = name.trim_start_matches('.');
    if name.is_empty() { "signal.txt".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_signals_name_is_a_name() {
        for (said, name) in [
            ("phrase.txt", "phrase.txt"),
            ("C:\\data\\phrase 1.txt", "phrase1.txt"),
            ("../../etc/passwd", "passwd"),
            ("..", "signal.txt"),
            (".hidden", "hidden"),
            ("", "signal.txt"),
        ] {
            assert_eq!(super::file_name(said), name);
        }
    }
}
