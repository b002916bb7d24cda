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

use hub::{Class, Delivery, Frame, Moment, Rule, Start, Stream, Subscriber};
use jiff::Timestamp;
use net::{Condition, Lock};

use super::{
    encoder::{self, Encoder},
    fragment::{Fragment, Missing},
    pace::Pace,
    segment::{self, Segment, usual_duration},
    timeline::Timeline,
};
use crate::{Activity, Error, Kind, RecordingId, State, clock::ClockOffset, context::Context, unparker};

/// After a failure it is tried again so much later.
const RETRY: Duration = Duration::from_secs(1);
/// A file that is to make way for others on a full disk is at least so long.
const SHORTEST: Duration = Duration::from_secs(3);
/// After so long without an answer the disk is said to give none.
const STALLED: Duration = Duration::from_secs(5);
/// How many files begin because the picture's size changed: so many at once,
const SIZES_AT_ONCE: f64 = 5.0;
/// and so many a second.
const SIZES_A_SECOND: f64 = 0.1;

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
    /// Since when the thread waits for the disk.
    waiting: Lock<Option<Instant>>,
}

impl Shared {
    fn new(stream: &Stream) -> Self {
        let activity = Activity {
            stream: stream.name().clone(),
            state: State::Waiting,
            error: None,
            current: None,
            started: Timestamp::now(),
            since: Instant::now(),
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
            waiting: Lock::default(),
        }
    }

    /// Does what may wait for the disk.
    fn at_disk<T>(&self, work: impl FnOnce() -> T) -> T {
        *self.waiting.lock() = Some(Instant::now());
        let done = work();
        *self.waiting.lock() = None;
        done
    }

    fn activity(&self) -> Activity {
        let mut activity = self.activity.lock().clone();
        let waits = self.waiting.lock().map(|since| since.elapsed());
        if let Some(waits) = waits.filter(|&waits| waits >= STALLED) {
            activity.state = State::Failed;
            activity.error = Some(format!("the disk has not answered for {} s", waits.as_secs()));
        }
        activity
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
        self.shared.activity()
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
    /// Of new files because of the picture's size.
    sizes: net::Pace,
    /// The log has been told that there were too many.
    has_warned_of_sizes: bool,
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
            sizes: net::Pace::with_burst(Some(SIZES_A_SECOND), SIZES_AT_ONCE),
            has_warned_of_sizes: false,
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
            if !self.has_file_for(frame) {
                self.lose(1);
            } else if let Err(error) = self.push(frame, time) {
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

    /// Where it fails the file ends: on a full disk retention can then delete it, and a disk that was taken away comes back
    /// as another one.
    fn try_write_out(&mut self) -> Result<(), Error> {
        let shared = Arc::clone(&self.shared);
        shared.at_disk(|| {
            self.end_segment_if_needed();
            let written = self.append();
            if let Err(error) = &written {
                self.close_segment();
                if matches!(error, Error::NoRoom(_)) {
                    self.context.refused.fetch_add(self.pending.bytes as u64, Ordering::Relaxed);
                }
            }
            written
        })
    }

    fn end_segment_if_needed(&mut self) {
        let clock = self.clock();
        let Some(segment) = &mut self.segment else { return };
        let stream = self.subscriber.stream().name();
        let makes_way = self.context.make_way.load(Ordering::Relaxed) && segment.length() >= SHORTEST;
        if segment.is_gone() {
            tracing::warn!(%stream, "the recording's file was deleted: a new one begins");
        } else if makes_way {
            tracing::info!(%stream, "the disk is nearly full: the recording goes on in a new file");
        } else if segment.follow_clock(clock) {
            tracing::info!(%stream, "the clock was set: the recording goes on in a new file");
        } else {
            return;
        }
        self.close_segment();
    }

    /// As it was when the first frame that is pending came.
    fn clock(&self) -> ClockOffset {
        match (self.oldest, self.pending.wall) {
            (Some(mono), Some(wall)) => ClockOffset::of(Moment { mono, wall }),
            _ => ClockOffset::now(),
        }
    }

    fn append(&mut self) -> Result<(), Error> {
        let bytes = self.pending.bytes as u64;
        let is_new = self.segment.is_none();
        if is_new {
            self.context.room.check_new(bytes)?;
            self.segment = Some(self.create_segment()?);
        } else {
            self.context.room.check(bytes)?;
        }
        let Some(segment) = &mut self.segment else { return Ok(()) };
        let before = segment.bytes();
        segment.append(&self.pending)?;
        let (written, id) = (segment.bytes() - before, segment.id().clone());
        if is_new {
            tracing::info!(stream = %self.subscriber.stream().name(), file = id.file.as_str(), "recording");
        }
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
            told_by: self.clock(),
        };
        Segment::create(spec, self.pending.start().unwrap_or(0))
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

    /// A new file begins when the picture's size changes, unless it has too often, or when the old one is long enough.
    fn has_file_for(&mut self, frame: &Frame) -> bool {
        let Some(encoder) = &self.encoder else { return true };
        let other_size = !encoder.takes(frame);
        if other_size && !self.sizes.admit(frame.received.mono) {
            if !std::mem::replace(&mut self.has_warned_of_sizes, true) {
                let stream = self.subscriber.stream().name();
                tracing::warn!(%stream, "the picture's size changes again and again: frames of another size than the file's are not recorded");
            }
            return false;
        }
        let long = self.segment.as_ref().is_some_and(|s| s.length() >= self.context.config.segment);
        // A file ends with a whole fragment.
        if other_size || (long && self.pending.is_empty()) {
            self.end_file();
        }
        true
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
        let Some(mut segment) = self.segment.take() else { return };
        let file = segment.id().file.as_str().to_owned();
        let stream = self.subscriber.stream().name();
        segment.follow_clock(ClockOffset::now());
        match self.shared.at_disk(|| segment.finish()) {
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
