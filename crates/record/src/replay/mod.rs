//! Replaying: the frames of a recording as the hub once had them, a fragment or less at a time.
//!
//! A replay goes on through a file that is still growing, and one that was begun as a stream's past goes on through
//! the stream's later files. When a frame is to be shown is its reader's business; calls here block on the disk.

mod reader;

use std::{sync::Arc, time::Duration};

use hub::{Frame, StreamName};
use jiff::Timestamp;

use crate::{Error, Filter, Order, RecordingId, Store};
use reader::{RecordingReader, Strip};

/// What a batch may hold in memory; one frame may exceed it.
const BATCH_BYTES: usize = 4 << 20;

/// Where a replay begins: at the frame that is shown then. Beyond the end it is the last one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Position {
    FromStart(Duration),
    FromEnd(Duration),
    At(Timestamp),
}

/// A frame of a recording: number, time, metadata as they were. JPEG, whatever the recording's codec is.
#[derive(Debug, Clone)]
pub struct Replayed {
    /// When it is shown, counted from the start of the recording that the replay began with.
    pub time: Duration,
    pub frame: Arc<Frame>,
}

#[derive(Debug)]
pub enum Batch {
    /// Not empty.
    Frames(Vec<Replayed>),
    /// The recording is being written, and this is all of it until now.
    AwaitMore,
    /// For a stream's past: of what has been recorded until now.
    End,
}

#[derive(Debug)]
pub struct Replay {
    store: Store,
    reader: RecordingReader,
    /// Goes on with the stream's next recording.
    follows: bool,
    /// When the reader's recording begins in the time of this replay.
    offset: Duration,
    begins_at: Duration,
    /// Frames nearer than this to the one before are left out.
    step: Duration,
    last: Option<Duration>,
    /// The next fragment of the reader.
    next: usize,
    /// What is left of the fragment before it.
    strip: Option<Strip>,
    bad_fragments: u64,
}

impl Replay {
    pub fn open(store: &Store, id: &RecordingId, from: Position) -> Result<Self, Error> {
        let reader = RecordingReader::new(store.open(id)?)?;
        let end = reader.end();
        let begins_at = match from {
            Position::FromStart(time) => time,
            Position::FromEnd(time) => end.saturating_sub(time),
            Position::At(time) => since(reader.start, time),
        };
        Ok(Self {
            store: store.clone(),
            next: 0,
            strip: None,
            reader,
            follows: false,
            offset: Duration::ZERO,
            begins_at: begins_at.min(end),
            step: Duration::ZERO,
            last: None,
            bad_fragments: 0,
        })
    }

    /// A stream as it was at `time`, and on from there. `running` is its recording that is being written: it is taken
    /// if `time` is so young that it is not written yet.
    pub fn rewind(
        store: &Store,
        stream: &StreamName,
        time: Timestamp,
        running: Option<&RecordingId>,
    ) -> Result<Self, Error> {
        // What claims to begin later than now was named by a clock that was wrong.
        let now = Timestamp::now();
        let id = match (store.at(stream, time)?.filter(|found| found.start_time <= now), running) {
            (Some(found), _) => {
                let since = oldest(store, stream)?.filter(|&oldest| found.start_time > time && oldest > time);
                if since.is_some() {
                    return Err(Error::NotRecordedThen { stream: stream.clone(), since });
                }
                RecordingId::parse(stream, &found.file)?
            }
            (None, Some(running)) => running.clone(),
            (None, None) => return Err(Error::NotRecordedThen { stream: stream.clone(), since: None }),
        };
        let replay = Self::open(store, &id, Position::At(time))?;
        Ok(Self { follows: true, ..replay })
    }

    /// Leaves out frames that are nearer than `step` to the one before: who plays fast cannot show all of them.
    pub fn thinned(self, step: Duration) -> Self {
        Self { step, ..self }
    }

    /// Where it begins, in its own time.
    pub fn begins_at(&self) -> Duration {
        self.begins_at
    }

    /// More may come of the recording that is being read.
    pub fn is_growing(&self) -> bool {
        self.reader.is_growing()
    }

    /// The frames that come next, without those that have a newer one at or before `from`. A fragment that cannot be
    /// read is passed over. Asking again after the end is fine.
    pub fn next_batch(&mut self, from: Duration) -> Result<Batch, Error> {
        let from = from.max(self.begins_at);
        loop {
            if let Some(frames) = self.take_from_strip() {
                return Ok(Batch::Frames(frames));
            }
            if self.has_next_fragment()? {
                self.open_fragment(from);
            } else if self.reader.is_growing() {
                return Ok(Batch::AwaitMore);
            } else if !(self.follows && self.open_next_recording()?) {
                return Ok(Batch::End);
            }
        }
    }

    /// The frame shown where the replay begins; `None` if there is no frame at all.
    pub fn still(self) -> Result<Option<Replayed>, Error> {
        let from = self.begins_at;
        match self.thinned(Duration::MAX).next_batch(from)? {
            Batch::Frames(frames) => Ok(frames.into_iter().next()),
            Batch::AwaitMore | Batch::End => Ok(None),
        }
    }

    fn take_from_strip(&mut self) -> Option<Vec<Replayed>> {
        let strip = self.strip.as_mut()?;
        let mut frames = Vec::new();
        let mut bytes = 0;
        while bytes < BATCH_BYTES {
            match strip.next(&self.reader) {
                Some(Ok((time, frame))) => {
                    bytes += frame.payload.len();
                    frames.push(Replayed { time: self.offset + time, frame: Arc::new(frame) });
                }
                Some(Err(error)) => {
                    self.strip = None;
                    self.pass_over(&error);
                    break;
                }
                None => {
                    self.strip = None;
                    break;
                }
            }
        }
        (!frames.is_empty()).then_some(frames)
    }

    fn has_next_fragment(&mut self) -> Result<bool, Error> {
        if self.next < self.reader.fragments() {
            return Ok(true);
        }
        // In this order: a recording that has ended before its file is read has all of its fragments in it.
        let is_growing = self.reader.is_growing() && self.store.unindexed().is_growing(&self.reader.id);
        let more = self.reader.refresh()?;
        if !more && !is_growing {
            self.reader.growing = false;
        }
        Ok(more)
    }

    /// Begins with the next fragment, or with the one that `from` is in if that is later.
    fn open_fragment(&mut self, from: Duration) {
        let from = from.saturating_sub(self.offset);
        let fragment = self.next.max(self.reader.fragment_at(from));
        self.next = fragment + 1;
        let last = self.last.map(|last| last.saturating_sub(self.offset));
        match self.reader.strip(fragment, from, last, self.step) {
            Ok(strip) => {
                self.last = strip.last.map(|time| self.offset + time).or(self.last);
                self.strip = Some(strip);
            }
            Err(error) => self.pass_over(&error),
        }
    }

    fn pass_over(&mut self, error: &Error) {
        self.bad_fragments += 1;
        if self.bad_fragments == 1 {
            let recording = &self.reader.id;
            tracing::warn!(stream = %recording.stream, file = recording.file.as_str(), %error, "a part of a recording cannot be replayed");
        }
    }

    /// False if there is none yet, or its first bytes are only being written.
    fn open_next_recording(&mut self) -> Result<bool, Error> {
        let Some(id) = self.next_recording()? else { return Ok(false) };
        let reader = match self.store.open(&id).and_then(RecordingReader::new) {
            Ok(reader) => reader,
            Err(error) => {
                tracing::debug!(file = id.file.as_str(), %error, "the next recording cannot be opened yet");
                return Ok(false);
            }
        };
        // By the wall clock, so that a pause stays a pause; a clock that was set back does not turn time around.
        let start = self.store.get(&self.reader.id).map_or(self.reader.start, |metadata| metadata.start_time);
        let apart = since(start, reader.start).max(self.reader.end());
        self.offset += apart;
        self.reader = reader;
        self.next = 0;
        Ok(true)
    }

    fn next_recording(&self) -> Result<Option<RecordingId>, Error> {
        const PAST: Duration = Duration::from_millis(1);
        let current = &self.reader.id;
        // As it is told now: the clock may have been set since it was opened.
        let start = self.store.get(current).map_or(self.reader.start, |metadata| metadata.start_time);
        let mut after = after_by(start, self.reader.end());
        // The recording itself may be noted to end a little later than its last frame.
        for _ in 0..2 {
            let Some(found) = self.store.at(&current.stream, after_by(after, PAST))? else {
                return Ok(None);
            };
            if found.file != current.file.as_str() {
                let is_later = found.start_time > start;
                return is_later.then(|| RecordingId::parse(&current.stream, &found.file)).transpose();
            }
            after = found.end_time;
        }
        Ok(None)
    }
}

/// When a stream's oldest recording begins.
fn oldest(store: &Store, stream: &StreamName) -> Result<Option<Timestamp>, Error> {
    let filter = Filter { stream: Some(stream.clone()), order: Order::Oldest, limit: 1, ..Filter::default() };
    Ok(store.list(&filter)?.recordings.first().map(|metadata| metadata.start_time))
}

/// Zero if `later` is earlier.
fn since(earlier: Timestamp, later: Timestamp) -> Duration {
    later.duration_since(earlier).try_into().unwrap_or_default()
}

fn after_by(time: Timestamp, by: Duration) -> Timestamp {
    time.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
