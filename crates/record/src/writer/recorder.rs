//! One stream's recorder: a thread that reads the ring in order and writes fragments.
//!
//! It reads the ring about twice a second rather than at each frame: frames wait there anyway, and a thread that is
//! woken for each costs more than the writing. While nothing comes it sleeps until the ring wakes it. Whatever the
//! disk does happens to this thread alone: it holds one fragment (DK5), keeps it until it is written, and what the ring
//! had to let go meanwhile is a gap (DK3).

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Poll, Waker},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use hub::{Class, Delivery, Frame, Rule, Start, Stream, Subscriber};
use jiff::Timestamp;
use net::{Condition, Lock};

use super::{
    encoder::{self, Encoder},
    fragment::{Fragment, Missing},
    pace::Pace,
    segment::{self, Segment, usual_duration},
    timeline::Timeline,
};
use crate::{Activity, Error, Kind, RecordingId, State, context::Context, unparker};

/// After a failure it is tried again so much later.
const RETRY: Duration = Duration::from_secs(1);

/// The handle on a recorder. Dropping it lets the recorder go on.
#[derive(Debug)]
pub(crate) struct Recorder {
    pub(crate) stream: Stream,
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    activity: Lock<Activity>,
    /// Notified whenever the activity changes.
    progress: Condition,
    stop: AtomicBool,
    /// What is pending is wanted in the file now.
    flush: AtomicBool,
    /// Frames up to this number are written, lost or left out.
    settled: AtomicU64,
}

impl Shared {
    fn new(stream: &Stream) -> Self {
        let activity = Activity {
            stream: stream.name().clone(),
            state: State::Waiting,
            error: None,
            current: None,
            started: Timestamp::now(),
            frames: 0,
            bytes: 0,
            frames_lost: 0,
        };
        Self {
            activity: Lock::new(activity),
            progress: Condition::new(),
            stop: AtomicBool::new(false),
            flush: AtomicBool::new(false),
            settled: AtomicU64::new(0),
        }
    }
}

impl Recorder {
    pub(crate) fn start(stream: Stream, start: Start, context: Context) -> Result<Self, Error> {
        let subscriber = stream
            .subscribe(Rule::InOrder, Class::Service, start)
            .map_err(|_closed| Error::NoStream { stream: stream.name().clone() })?;
        let shared = Arc::new(Shared::new(&stream));
        let worker = Worker::new(subscriber, context, Arc::clone(&shared));
        let thread = std::thread::Builder::new().name(format!("record-{}", stream.name()));
        let path = "a recorder's thread".into();
        let thread = thread
            .spawn(move || {
                net::lower_priority();
                worker.run();
            })
            .map_err(|source| Error::Io { path, source })?;
        Ok(Self { stream, shared, thread })
    }

    pub(crate) fn activity(&self) -> Activity {
        self.shared.activity.lock().clone()
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Asks it to write what it has and end.
    pub(crate) fn stop(&self) {
        self.shared.stop.store(true, Ordering::Release);
        self.thread.thread().unpark();
    }

    /// Waits until it has ended; false if it still has not after `patience`.
    pub(crate) fn wait(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut activity = self.shared.activity.lock();
        while !self.thread.is_finished() {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else { return false };
            // The thread ends a moment after its last word.
            let nap = left.min(Duration::from_millis(20));
            activity = self.shared.progress.wait_timeout(activity, nap);
        }
        true
    }

    /// Has everything written that was published until now; gives up after `patience`, or if it cannot be written.
    pub(crate) fn flush(&self, patience: Duration) {
        let Some(newest) = self.stream.newest() else { return };
        self.shared.flush.store(true, Ordering::Release);
        self.thread.thread().unpark();
        let unsettled = |activity: &mut Activity| {
            self.shared.settled.load(Ordering::Acquire) < newest.seq && activity.error.is_none()
        };
        drop(self.shared.progress.wait_timeout_while(self.shared.activity.lock(), patience, unsettled));
    }
}

struct Worker {
    subscriber: Subscriber,
    context: Context,
    shared: Arc<Shared>,
    timeline: Timeline,
    /// For the file that is open.
    encoder: Option<Encoder>,
    /// Made when its first fragment is written.
    segment: Option<Segment>,
    pending: Fragment,
    /// When the first frame that is pending arrived.
    oldest: Option<Instant>,
    /// Number of the frame taken last.
    taken: u64,
    /// Since the last good frame.
    lost: u64,
    /// When the last good frame is shown.
    previous: Option<u64>,
    /// Between the last two good frames, in ticks.
    interval: u32,
    /// How long a frame is shown, judging by the last ones.
    usual: u32,
    pace: Pace,
}

/// The outcome of reading the ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    /// Frames come: it is read again after a while.
    Busy,
    /// Nothing comes, and nothing is pending: the next frame wakes us.
    Idle,
    /// The disk does not take what is pending.
    Stuck,
    End,
}

impl Worker {
    fn new(subscriber: Subscriber, context: Context, shared: Arc<Shared>) -> Self {
        let target_fps = context.config.target_fps;
        Self {
            subscriber,
            shared,
            timeline: Timeline::new(target_fps),
            encoder: None,
            segment: None,
            pending: Fragment::default(),
            oldest: None,
            taken: 0,
            lost: 0,
            previous: None,
            interval: usual_duration(target_fps),
            usual: usual_duration(target_fps),
            pace: Pace::new(),
            context,
        }
    }

    fn run(mut self) {
        let waker = unparker::waker();
        loop {
            let ending = self.is_ending();
            match self.round(&waker) {
                Round::Busy if !ending => {
                    std::thread::park_timeout(self.pace.rest(self.oldest, Instant::now()))
                }
                Round::Idle if !ending => std::thread::park(),
                Round::Stuck if !ending => std::thread::park_timeout(RETRY),
                _ => break,
            }
        }
        self.end_file();
        self.shared.activity.lock().current = None;
        self.shared.progress.notify_all();
    }

    /// There is no later: what cannot be written now is lost.
    fn is_ending(&self) -> bool {
        self.shared.stop.load(Ordering::Acquire) || self.subscriber.stream().is_closed()
    }

    // ---- reading ----

    /// Takes what the ring has and writes what is due.
    fn round(&mut self, waker: &Waker) -> Round {
        let began = Instant::now();
        let mut bytes = 0;
        loop {
            // One fragment is all that is held, however often the disk refuses it (DK5): the ring keeps the rest.
            while !self.pending.is_full() || self.write_out() {
                let Some(delivery) = self.subscriber.try_recv() else { break };
                bytes += delivery.frame.payload.len();
                self.take(&delivery);
            }
            if self.pending.is_full() {
                return Round::Stuck;
            }
            if self.is_due() && !self.write_out() {
                return Round::Stuck;
            }
            if bytes > 0 || !self.pending.is_empty() {
                // Being woken by each frame would cost more than writing it.
                let crowded = bytes > self.subscriber.stream().limits().backlog_bytes / 4;
                self.pace.adapt(crowded, began.elapsed());
                return Round::Busy;
            }
            match self.subscriber.poll_recv(&mut std::task::Context::from_waker(waker)) {
                Poll::Ready(Ok(delivery)) => {
                    bytes += delivery.frame.payload.len();
                    self.take(&delivery);
                }
                Poll::Ready(Err(_closed)) => return Round::End,
                Poll::Pending => return Round::Idle,
            }
        }
    }

    fn take(&mut self, delivery: &Delivery) {
        let frame = &delivery.frame;
        self.lose(delivery.skipped);
        if !encoder::is_recordable(frame) {
            self.lose(1);
        } else if let Some(time) = self.timeline.place(frame) {
            self.roll_if_needed(frame);
            if let Err(error) = self.push(frame, time) {
                self.cannot_code(&error);
            }
        }
        self.taken = frame.seq;
        if self.pending.is_empty() {
            self.shared.settled.store(self.taken, Ordering::Release);
        }
    }

    /// A frame that its encoder does not take is lost, like one that the disk does not take.
    fn cannot_code(&mut self, error: &Error) {
        tracing::debug!(stream = %self.subscriber.stream().name(), %error, "a frame cannot be recorded");
        self.lose(1);
        if matches!(error, Error::Media(media::Error::BadH264(_))) {
            // It is not fit for use any more.
            self.end_file();
        }
        if self.encoder.is_none() {
            self.note_failure(error);
        }
    }

    fn push(&mut self, frame: &Frame, time: u64) -> Result<(), Error> {
        let key = self.pending.is_empty();
        let config = &self.context.config;
        let coded = Encoder::code(&mut self.encoder, frame, key, config.codec, config.target_fps)?;
        if let Some(previous) = self.previous.replace(time) {
            let interval =
                u32::try_from(time - previous).unwrap_or(u32::MAX).clamp(1, media::fmp4::TIMESCALE);
            // One long interval is a pause: a frame shown as long would still be shown when the next one is.
            self.usual = interval.min(std::mem::replace(&mut self.interval, interval));
            if self.lost > 0 {
                self.pending.missing.push(Missing { from: previous, until: time, frames: self.lost });
            }
        }
        self.lost = 0;
        self.oldest.get_or_insert(frame.received.mono);
        self.pending.push(frame, coded.payload, coded.key, time, self.usual);
        Ok(())
    }

    /// Frames before the first one that is recorded are not missing.
    fn lose(&mut self, frames: u64) {
        if frames > 0 && self.previous.is_some() {
            self.lost += frames;
            self.shared.activity.lock().frames_lost += frames;
            self.context.totals.lock().frames_lost += frames;
        }
    }

    // ---- writing ----

    fn is_due(&self) -> bool {
        let flush = self.shared.flush.swap(false, Ordering::AcqRel);
        flush || self.oldest.is_some_and(|oldest| self.pace.is_due(oldest, Instant::now()))
    }

    /// True if nothing is pending any more.
    fn write_out(&mut self) -> bool {
        if self.pending.is_empty() {
            return true;
        }
        match self.try_write_out() {
            Ok(()) => self.clear_pending(),
            Err(Error::Media(error)) => {
                // Trying it again would change nothing.
                tracing::error!(stream = %self.subscriber.stream().name(), %error, "frames cannot be recorded");
                self.drop_pending();
            }
            Err(error) => {
                self.note_failure(&error);
                return false;
            }
        }
        self.shared.settled.store(self.taken, Ordering::Release);
        self.shared.progress.notify_all();
        true
    }

    fn try_write_out(&mut self) -> Result<(), Error> {
        if self.context.disk_is_low.load(Ordering::Relaxed) {
            return Err(Error::DiskLow { min_free_bytes: self.context.config.retention.min_free_bytes });
        }
        if self.segment.as_ref().is_some_and(Segment::is_gone) {
            let stream = self.subscriber.stream().name();
            tracing::warn!(%stream, "the recording's file was deleted: a new one begins");
            self.close_segment();
        }
        let mut segment = match self.segment.take() {
            Some(segment) => segment,
            None => self.create_segment()?,
        };
        let before = segment.bytes();
        let outcome = segment.append(&self.pending);
        let (written, id) = (segment.bytes() - before, segment.id().clone());
        self.segment = Some(segment);
        outcome?;
        self.note_written(written, id);
        Ok(())
    }

    fn create_segment(&self) -> Result<Segment, Error> {
        let Context { config, store, syncer, .. } = &self.context;
        let track = self.encoder.as_ref().map(|encoder| encoder.track.clone());
        let spec = segment::SegmentSpec {
            store,
            syncer,
            stream: self.subscriber.stream().name(),
            kind: Kind::Segment,
            codec: config.codec,
            target_fps: config.target_fps,
            track: track.ok_or(Error::ShuttingDown)?,
            start: self.pending.wall.unwrap_or(std::time::UNIX_EPOCH),
        };
        let segment = Segment::create(spec, self.pending.start().unwrap_or(0))?;
        tracing::info!(stream = %self.subscriber.stream().name(), file = segment.id().file.as_str(), "recording");
        Ok(segment)
    }

    fn note_written(&self, bytes: u64, id: RecordingId) {
        let mut activity = self.shared.activity.lock();
        if activity.state == State::Failed {
            tracing::info!(stream = %activity.stream, "recording goes on");
        }
        activity.state = State::Recording;
        activity.error = None;
        activity.current = Some(id);
        let frames = self.pending.samples.len() as u64;
        activity.frames += frames;
        activity.bytes += bytes;
        drop(activity);
        let mut totals = self.context.totals.lock();
        totals.frames += frames;
        totals.bytes += bytes;
    }

    fn note_failure(&self, error: &Error) {
        let text = error.to_string();
        let mut activity = self.shared.activity.lock();
        activity.state = State::Failed;
        if activity.error.as_ref() != Some(&text) {
            tracing::error!(stream = %activity.stream, error = text, "cannot record; tried again every second");
            activity.error = Some(text);
        }
        drop(activity);
        self.shared.progress.notify_all();
    }

    /// A new file when the picture's size changes, or when the old one is long enough.
    fn roll_if_needed(&mut self, frame: &Frame) {
        let Some(encoder) = &self.encoder else { return };
        let other_size = !encoder.takes(frame);
        let long = self.segment.as_ref().is_some_and(|s| s.length() >= self.context.config.segment);
        // A file ends with a whole fragment.
        if other_size || (long && self.pending.is_empty()) {
            self.end_file();
        }
    }

    /// What comes next goes into another file. It cannot join what the disk does not take, so that is lost.
    fn end_file(&mut self) {
        if !self.write_out() {
            self.drop_pending();
        }
        self.close_segment();
        self.encoder = None;
    }

    fn clear_pending(&mut self) {
        self.pending = Fragment::default();
        self.oldest = None;
    }

    fn drop_pending(&mut self) {
        self.lose(self.pending.samples.len() as u64);
        self.clear_pending();
    }

    fn close_segment(&mut self) {
        let Some(segment) = self.segment.take() else { return };
        let file = segment.id().file.as_str().to_owned();
        let stream = self.subscriber.stream().name();
        match segment.finish() {
            Ok(Some(metadata)) => tracing::info!(
                %stream, file, frames = metadata.total_frames, duration_seconds = metadata.duration_seconds,
                size_bytes = metadata.size_bytes, frames_lost = metadata.frames_lost, "recording finished"
            ),
            Ok(None) => tracing::debug!(%stream, file, "an empty recording was taken back"),
            Err(error) => {
                tracing::error!(%stream, file, %error, "a recording could not be finished; the next start recovers it");
            }
        }
    }
}

#[cfg(test)]
mod tests;
