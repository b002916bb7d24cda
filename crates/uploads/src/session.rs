//! One session, shared by its connection, its analysis and the statistics.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use hub::StreamName;
use net::{Condition, Lock};
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use wire::upload::{FrameHead, ServerMessage, SessionEnd, SessionStart, SignalHead};

use crate::{
    analysis::{Failure, InputFrame, Options, Pipeline, Progress, Signal, Stop},
    error::Error,
    frames::Frames,
    lifecycle::{Lifecycle, Next, Phase},
    mailbox::Mailbox,
    stats::{AnalysisStats, SessionStats, megabytes, rounded},
};

/// Of a client that does not say.
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
    frames: Frames,
    started: Instant,
    forget: Forget,
    /// Nothing awaits or reads files under it.
    inner: Lock<Inner>,
    /// There is something for the analysis.
    changed: Condition,
}

struct Inner {
    life: Lifecycle,
    last_activity: Instant,
    /// Of the connection that has the session.
    mailbox: Option<Arc<Mailbox>>,
    /// Whether the analysis has been asked for.
    is_begun: bool,
    is_running: bool,
    analysed: u64,
    progress: Option<Progress>,
    processing_since: Option<Instant>,
    outcome: Option<Outcome>,
    /// Whether the outcome is on its way to the connection that has the session.
    is_delivered: bool,
}

type Outcome = Result<Map<String, Value>, Arc<Failure>>;

/// Takes the session with this id off the list of all, and ends it.
pub(crate) type Forget = Arc<dyn Fn(&str) + Send + Sync>;

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// The analysis can begin.
    First,
    Next,
    Duplicate,
}

/// What the analysis gets.
#[derive(Debug)]
pub(crate) enum Input {
    Frame(InputFrame),
    Finish(Option<Signal>),
    /// Once more from the first frame.
    BeginAgain,
    /// The session has ended.
    Stopped,
}

impl Session {
    pub(crate) fn new(
        start: &SessionStart,
        stream: StreamName,
        pipeline: Option<Arc<dyn Pipeline>>,
        frames: Frames,
        forget: Forget,
    ) -> Self {
        let now = Instant::now();
        let inner = Inner {
            life: Lifecycle::new(start.expected_frames),
            last_activity: now,
            mailbox: None,
            is_begun: false,
            is_running: false,
            analysed: 0,
            progress: None,
            processing_since: None,
            outcome: None,
            is_delivered: false,
        };
        Self {
            id: start.session_id.clone(),
            fps: start.fps.filter(|&fps| fps > 0.0).unwrap_or(USUAL_FPS),
            options: Options {
                include_keypoints: start.include_keypoints,
                save_overlay: start.save_overlay.unwrap_or(true),
            },
            pipeline,
            stop: Stop::default(),
            frames,
            started: now,
            forget,
            stream,
            inner: Lock::new(inner),
            changed: Condition::new(),
        }
    }

    // ---- its connection ----

    /// Gives the session to a connection; the one that has it is closed.
    pub(crate) fn attach(&self, mailbox: &Arc<Mailbox>, now: Instant) {
        let mut inner = self.inner.lock();
        inner.last_activity = now;
        inner.is_delivered = false;
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
        let mut inner = self.inner.lock();
        if inner.is_held_by(mailbox) {
            inner.mailbox = None;
            inner.last_activity = now;
        }
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.inner.lock().mailbox.is_some()
    }

    /// Notes that its client is active.
    ///
    /// # Errors
    /// Another connection has it, or it has ended.
    pub(crate) fn touch(&self, mailbox: &Arc<Mailbox>, now: Instant) -> Result<(), Error> {
        let mut inner = self.inner.lock();
        if !inner.is_held_by(mailbox) {
            return Err(Error::TakenOver { id: self.id.clone() });
        }
        inner.last_activity = now;
        Ok(())
    }

    /// Sends a client that resumes where the session stands, and what has happened since.
    pub(crate) fn resumed(&self, mailbox: &Arc<Mailbox>) {
        let inner = self.inner.lock();
        mailbox.say(ServerMessage::SessionStarted {
            session_id: self.id.clone(),
            resumed: Some(true),
            next_frame: Some(inner.life.order.next_missing()),
            state: Some(inner.life.phase.as_str().to_owned()),
        });
        if inner.processing_since.is_some() {
            mailbox.say(ServerMessage::ProcessStart { session_id: self.id.clone() });
        }
        drop(inner);
        self.deliver();
    }

    // ---- what its client does ----

    /// Keeps a frame, as soon as there is room for it.
    pub(crate) async fn frame(&self, head: &FrameHead, bytes: Bytes) -> Result<Taken, Error> {
        let number = head.frame_number;
        if self.is_known(number)? {
            return Ok(Taken::Duplicate);
        }
        self.warn_of_size("frame", head.size, bytes.len());
        let frame = self.frames.check(head, bytes)?;
        self.frames.keep(&frame).await?;
        let is_first = {
            let mut inner = self.inner.lock();
            if !inner.life.frame(number) {
                return Ok(Taken::Duplicate);
            }
            !std::mem::replace(&mut inner.is_begun, true)
        };
        self.changed.notify_one();
        self.frames.show(&self.id, frame);
        Ok(if is_first { Taken::First } else { Taken::Next })
    }

    fn is_known(&self, number: u64) -> Result<bool, Error> {
        let mut inner = self.inner.lock();
        inner.life.check_frame()?;
        Ok(inner.life.order.contains(number) && !inner.life.frame(number))
    }

    /// Some clients count wrongly; the frame is good all the same.
    fn warn_of_size(&self, what: &str, said: Option<u64>, came: usize) {
        if let Some(said) = said.filter(|&said| said != came as u64) {
            tracing::warn!(session = %self.id, said, came, "Frame size mismatch: the {what} is kept as it came");
        }
    }

    /// All frames are sent.
    pub(crate) fn end(&self, end: &SessionEnd) -> Result<ServerMessage, Error> {
        let validation = self.inner.lock().life.end(end.total_frames)?;
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
        self.inner.lock().life.signal(Signal { filename, bytes })
    }

    /// Goes on to the processing, once all that it needs is there.
    pub(crate) fn process(&self, now: Instant) {
        let mut inner = self.inner.lock();
        if !inner.life.process() {
            return;
        }
        inner.processing_since = Some(now);
        if let Some(mailbox) = &inner.mailbox {
            mailbox.say(ServerMessage::ProcessStart { session_id: self.id.clone() });
        }
        let has_analysis = inner.is_begun;
        drop(inner);
        tracing::info!(session = %self.id, "all frames and the signal are there");
        if !has_analysis {
            // It begins with the first frame, and there was none.
            return self.failed(Failure::NoFrames);
        }
        self.changed.notify_one();
        self.deliver();
    }

    // ---- its analysis ----

    /// Waits for what the analysis is to do next.
    pub(crate) fn next_input(&self) -> Result<Input, Failure> {
        let number = {
            let mut inner = self.inner.lock();
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
                        inner = self.changed.wait(inner);
                    }
                }
            }
        };
        let frame = self.frames.spool.read(number);
        frame.map(Input::Frame).map_err(|source| Failure::Spool { number, source })
    }

    pub(crate) fn note_analysed(&self) {
        self.inner.lock().analysed += 1;
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
            let mut inner = self.inner.lock();
            inner.progress = Some(progress);
            inner.mailbox.clone()
        };
        if let Some(mailbox) = mailbox {
            mailbox.say_progress(message);
        }
    }

    pub(crate) fn failed(&self, failure: Failure) {
        tracing::warn!(session = %self.id, reason = %failure, "the analysis failed");
        self.inner.lock().outcome = Some(Err(Arc::new(failure)));
        self.deliver();
    }

    pub(crate) fn completed(&self, result: Map<String, Value>) {
        tracing::info!(session = %self.id, "the analysis is done");
        self.inner.lock().outcome = Some(Ok(result));
        self.deliver();
    }

    /// Seconds since all that the analysis needs is there.
    pub(crate) fn processing_secs(&self) -> f64 {
        self.inner.lock().processing_since.map_or(0.0, |since| rounded(since.elapsed().as_secs_f64()))
    }

    /// Sends the outcome once there is one and it is due; the session ends when it is sent.
    fn deliver(&self) {
        let (mailbox, outcome) = {
            let mut inner = self.inner.lock();
            if inner.processing_since.is_none() || inner.is_delivered {
                return;
            }
            let (Some(mailbox), Some(outcome)) = (inner.mailbox.clone(), inner.outcome.clone()) else {
                return;
            };
            inner.is_delivered = true;
            (mailbox, outcome)
        };
        let message = match outcome {
            Ok(mut result) => {
                result.insert("streaming_stats".into(), self.streaming_stats());
                ServerMessage::ProcessComplete { session_id: self.id.clone(), result }
            }
            Err(failure) => error_message(Some(&self.id), &Error::Processing(failure)),
        };
        let (forget, id) = (Arc::clone(&self.forget), self.id.clone());
        mailbox.say_with_receipt(message, Box::new(move || forget(&id)));
    }

    fn streaming_stats(&self) -> Value {
        let inner = self.inner.lock();
        let order = &inner.life.order;
        let (memory, disk) = self.frames.spool.bytes();
        json!({
            "frames_received": order.count,
            "duplicate_frames": order.duplicates,
            "out_of_order_frames": order.out_of_order,
            "missing_frames": order.missing(),
            "bytes_received": memory + disk,
            "duration_seconds": rounded(self.started.elapsed().as_secs_f64()),
        })
    }

    // ---- its end ----

    /// How long the session has waited for its client.
    pub(crate) fn idle(&self, now: Instant) -> Duration {
        let inner = self.inner.lock();
        let is_served = inner.life.phase == Phase::Processing && inner.mailbox.is_some();
        if is_served { Duration::ZERO } else { now.saturating_duration_since(inner.last_activity) }
    }

    /// Ends it: the analysis stops, everything that is kept goes. A reason is sent to its client.
    pub(crate) fn clean_up(&self, reason: Option<&Error>) {
        self.stop.stop();
        let mailbox = {
            let mut inner = self.inner.lock();
            inner.life.clean_up();
            inner.mailbox.take()
        };
        self.changed.notify_all();
        self.frames.close();
        if let (Some(mailbox), Some(reason)) = (mailbox, reason) {
            mailbox.say(error_message(Some(&self.id), reason));
            mailbox.part(reason.to_string());
        }
    }

    pub(crate) fn stats(&self, now: Instant) -> SessionStats {
        let (memory, disk) = self.frames.spool.bytes();
        let inner = self.inner.lock();
        let order = &inner.life.order;
        let secs = |since: Instant| rounded(now.saturating_duration_since(since).as_secs_f64());
        SessionStats {
            session_id: self.id.clone(),
            frames_received: order.count,
            memory_mb: megabytes(memory),
            duration_seconds: secs(self.started),
            state: inner.life.phase.as_str(),
            stream: self.stream.to_string(),
            connected: inner.mailbox.is_some(),
            spooled_mb: megabytes(disk),
            missing_frames: order.missing(),
            duplicate_frames: order.duplicates,
            out_of_order_frames: order.out_of_order,
            idle_seconds: secs(inner.last_activity),
            analysis: AnalysisStats {
                pipeline: self.pipeline.as_ref().map(|pipeline| pipeline.name()),
                running: inner.is_running,
                frames_analysed: inner.analysed,
                stage: inner.progress.as_ref().map(|progress| progress.stage),
                progress: inner.progress.as_ref().map(|progress| progress.progress),
            },
        }
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

/// The last part of a path of any system, in characters that every system takes.
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
