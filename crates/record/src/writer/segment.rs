//! One recording's file while it is written: it grows by whole fragments, and its metadata says what is in it.

use std::{
    fs::File,
    io::{self, Seek, SeekFrom},
    os::unix::fs::MetadataExt,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use hub::StreamName;
use jiff::Timestamp;
use media::fmp4::{self, TIMESCALE, Track, Writer};

use super::{
    fragment::{Fragment, Missing},
    sync::Syncer,
};
use crate::{Codec, Error, Gap, Kind, Metadata, RecordingId, Status, Store, Writing, clock::ClockOffset};

/// Gaps that the metadata lists; beyond them only the sum of lost frames grows.
const MAX_GAPS: usize = 100;

/// What a segment is made with.
#[derive(Debug)]
pub(crate) struct SegmentSpec<'a> {
    pub(crate) store: &'a Store,
    pub(crate) syncer: &'a Syncer,
    pub(crate) stream: &'a StreamName,
    pub(crate) kind: Kind,
    pub(crate) codec: Codec,
    pub(crate) target_fps: f64,
    pub(crate) track: Track,
    /// Our wall clock at the first frame,
    pub(crate) start: SystemTime,
    /// and how it was set then.
    pub(crate) told_by: ClockOffset,
}

impl SegmentSpec<'_> {
    fn describe(&self, id: &RecordingId, path: &Path) -> Metadata {
        let start = timestamp(self.start);
        Metadata {
            stream_name: self.stream.to_string(),
            start_time: start,
            end_time: start,
            target_fps: self.target_fps,
            codec: self.codec,
            recording_path: path.display().to_string(),
            file: id.file.as_str().to_owned(),
            status: Status::Recording,
            kind: self.kind,
            width: self.track.width,
            height: self.track.height,
            ..Metadata::default()
        }
    }
}

#[derive(Debug)]
pub(crate) struct Segment {
    writing: Writing,
    /// Writes into the same file.
    writer: Writer<Arc<File>>,
    syncer: Syncer,
    /// The first sample's time on the recorder's timeline: the file begins at 0.
    origin: u64,
}

impl Segment {
    /// Makes the file, with everything in it but pictures.
    pub(crate) fn create(spec: SegmentSpec<'_>, origin: u64) -> Result<Self, Error> {
        let describe = |id: &RecordingId, path: &Path| spec.describe(id, path);
        let mut writing = spec.store.create(spec.stream, spec.kind, spec.start, describe)?;
        writing.told_by = spec.told_by;
        match Self::begin(&writing, &spec.track, spec.syncer) {
            Ok(writer) => Ok(Self { writing, writer, syncer: spec.syncer.clone(), origin }),
            Err(source) => {
                let path = writing.path.clone();
                writing.discard();
                Err(Error::Io { path, source })
            }
        }
    }

    fn begin(writing: &Writing, track: &Track, syncer: &Syncer) -> io::Result<Writer<Arc<File>>> {
        let writer = Writer::new(Arc::new(writing.file.try_clone()?), track)?;
        syncer.soon(writer.out());
        if let Some(folder) = writing.path.parent() {
            // The name is to survive as well.
            syncer.soon(&Arc::new(File::open(folder)?));
        }
        Ok(writer)
    }

    pub(crate) fn id(&self) -> &RecordingId {
        &self.writing.id
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.writer.bytes()
    }

    pub(crate) fn length(&self) -> Duration {
        fmp4::duration(self.writer.end_time())
    }

    /// Tells its times by the clock as it is now; whether that was set since.
    pub(crate) fn follow_clock(&mut self, now: ClockOffset) -> bool {
        self.writing.follow_clock(now)
    }

    /// Whether the file was deleted meanwhile: what is written to it is lost.
    pub(crate) fn is_gone(&self) -> bool {
        self.writing.file.metadata().is_ok_and(|file| file.nlink() == 0)
    }

    /// Writes a fragment. If that fails, the file is as it was before and the fragment can be tried again.
    pub(crate) fn append(&mut self, fragment: &Fragment) -> Result<(), Error> {
        let mut samples = fragment.samples.clone();
        for sample in &mut samples {
            sample.time = sample.time.saturating_sub(self.origin);
        }
        let wall = fragment.wall.unwrap_or(SystemTime::UNIX_EPOCH);
        if let Err(error) = self.writer.append(wall, &samples, &fragment.payloads) {
            self.take_back();
            return Err(Error::writing(&self.writing.path, error));
        }
        self.syncer.soon(self.writer.out());
        let mut metadata = self.writing.metadata().clone();
        metadata.total_frames += samples.len() as u64;
        for missing in &fragment.missing {
            self.note(missing, &mut metadata);
        }
        self.show(metadata);
        Ok(())
    }

    /// Cuts off what was written of a fragment that did not fit.
    fn take_back(&self) {
        let mut file = &self.writing.file;
        let cut = file.set_len(self.bytes()).and_then(|()| file.seek(SeekFrom::Start(self.bytes())));
        if let Err(error) = cut {
            // The next start cuts it.
            tracing::debug!(path = %self.writing.path.display(), %error, "a torn fragment stays");
        }
    }

    fn note(&self, missing: &Missing, metadata: &mut Metadata) {
        metadata.frames_lost += missing.frames;
        if metadata.gaps.len() < MAX_GAPS {
            let seconds = fmp4::duration(missing.until.saturating_sub(missing.from)).as_secs_f64();
            let at = after(metadata.start_time, missing.from.saturating_sub(self.origin));
            metadata.gaps.push(Gap { at, seconds: millis(seconds), frames: missing.frames });
        }
    }

    fn show(&mut self, mut metadata: Metadata) {
        let seconds = self.length().as_secs_f64();
        metadata.end_time = after(metadata.start_time, self.writer.end_time());
        metadata.duration_seconds = millis(seconds);
        let fps = if seconds > 0.0 { metadata.total_frames as f64 / seconds } else { 0.0 };
        metadata.average_fps = (fps * 100.0).round() / 100.0;
        metadata.size_bytes = self.bytes();
        self.writing.update(metadata);
    }

    /// Takes the file back, whatever is in it.
    pub(crate) fn discard(self) {
        self.writing.discard();
    }

    /// Completes the file: its duration, its index, its metadata. A file without any picture is taken back.
    pub(crate) fn finish(mut self) -> Result<Option<Metadata>, Error> {
        if self.writer.is_empty() || self.is_gone() {
            self.writing.discard();
            return Ok(None);
        }
        if let Err(error) = self.writer.finish() {
            // It plays without them; recovery adds them.
            tracing::warn!(path = %self.writing.path.display(), %error, "a recording's index could not be written");
            self.take_back();
        }
        self.syncer.soon(self.writer.out());
        let metadata = Metadata {
            status: Status::Finished,
            size_bytes: self.bytes(),
            ..self.writing.metadata().clone()
        };
        self.writing.finish(metadata.clone())?;
        Ok(Some(metadata))
    }
}

/// By our wall clock as it was at the file's begin.
fn after(start: Timestamp, ticks: u64) -> Timestamp {
    start.checked_add(fmp4::duration(ticks)).unwrap_or(Timestamp::MAX)
}

fn timestamp(time: SystemTime) -> Timestamp {
    Timestamp::try_from(time).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Rounded for people.
fn millis(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

/// Ticks that a frame is shown at so many frames a second.
pub(crate) fn usual_duration(fps: f64) -> u32 {
    (f64::from(TIMESCALE) / fps.clamp(1.0, 1000.0)).round() as u32
}
