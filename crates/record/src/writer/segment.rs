//! One recording's file while it is written: it grows by whole fragments, and its metadata tells what is in it.

use std::{
    fs::File,
    io::{self, IoSlice, Seek, SeekFrom, Write},
    os::unix::fs::{FileExt, MetadataExt},
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use hub::StreamName;
use jiff::Timestamp;
use media::fmp4::{self, FragmentEntry, TIMESCALE, Track};

use super::{
    fragment::{Fragment, Missing},
    sync::Syncer,
    timeline::span,
};
use crate::{Codec, Error, Gap, Kind, Metadata, RecordingId, Status, Store, Writing};

/// Gaps that the metadata lists; beyond them only the sum of lost frames grows.
const MAX_GAPS: usize = 100;
/// What the kernel takes in one call (`IOV_MAX` on Linux).
const MAX_SLICES: usize = 1024;

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
    /// Our wall clock at the first frame.
    pub(crate) start: SystemTime,
}

impl SegmentSpec<'_> {
    fn describe(&self, id: &RecordingId, path: &Path) -> Metadata {
        let start = timestamp(self.start);
        Metadata {
            stream_name: self.stream.to_string(),
            start_time: start,
            end_time: start,
            duration_seconds: 0.0,
            total_frames: 0,
            average_fps: 0.0,
            target_fps: self.target_fps,
            codec: self.codec,
            recording_path: path.display().to_string(),
            file: id.file.as_str().to_owned(),
            status: Status::Recording,
            kind: self.kind,
            size_bytes: 0,
            width: self.track.width,
            height: self.track.height,
            frames_lost: 0,
            gaps: Vec::new(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Segment {
    writing: Writing,
    metadata: Metadata,
    syncer: Syncer,
    /// The same file, for those who make it safe.
    shared: Arc<File>,
    init: Vec<u8>,
    fragments: Vec<FragmentEntry>,
    /// End of the last whole fragment: everything before it is good.
    bytes: u64,
    /// The first sample's time on the recorder's timeline: the file begins at 0.
    origin: u64,
    end: u64,
}

impl Segment {
    /// Makes the file, with everything in it but pictures.
    pub(crate) fn create(spec: SegmentSpec<'_>, origin: u64) -> Result<Self, Error> {
        let init = fmp4::init(&spec.track);
        let describe = |id: &RecordingId, path: &Path| spec.describe(id, path);
        let writing = spec.store.create(spec.stream, spec.kind, spec.start, describe)?;
        match Self::begin(&writing, &init, spec.syncer) {
            Ok(shared) => Ok(Self {
                bytes: init.len() as u64,
                metadata: spec.describe(&writing.id, &writing.path),
                syncer: spec.syncer.clone(),
                shared,
                init,
                fragments: Vec::new(),
                origin,
                end: origin,
                writing,
            }),
            Err(source) => {
                let path = writing.path.clone();
                writing.discard();
                Err(Error::Io { path, source })
            }
        }
    }

    fn begin(writing: &Writing, init: &[u8], syncer: &Syncer) -> io::Result<Arc<File>> {
        (&writing.file).write_all(init)?;
        let shared = Arc::new(writing.file.try_clone()?);
        syncer.soon(&shared);
        if let Some(folder) = writing.path.parent() {
            // The name is to survive as well.
            syncer.soon(&Arc::new(File::open(folder)?));
        }
        Ok(shared)
    }

    pub(crate) fn id(&self) -> &RecordingId {
        &self.writing.id
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn length(&self) -> Duration {
        span(self.end - self.origin)
    }

    /// Whether somebody has deleted the file under us: what is written to it is lost.
    pub(crate) fn is_gone(&self) -> bool {
        self.shared.metadata().is_ok_and(|file| file.nlink() == 0)
    }

    /// Writes a fragment. If that fails, the file is as it was before and the fragment can be tried again.
    pub(crate) fn append(&mut self, fragment: &Fragment) -> Result<(), Error> {
        let number = u32::try_from(self.fragments.len() + 1).unwrap_or(u32::MAX);
        let mut samples = fragment.samples.clone();
        for sample in &mut samples {
            sample.time = sample.time.saturating_sub(self.origin);
        }
        let wall = fragment.wall.unwrap_or(SystemTime::UNIX_EPOCH);
        let head = fmp4::fragment_head(number, wall, &samples)?;
        if let Err(source) = self.write(&head, fragment) {
            self.take_back();
            return Err(Error::Io { path: self.writing.path.clone(), source });
        }
        let time = samples.first().map_or(0, |sample| sample.time);
        self.fragments.push(FragmentEntry { time, offset: self.bytes + fmp4::PRFT_BYTES });
        self.bytes += head.len() as u64 + fragment.bytes as u64;
        self.end = fragment.end();
        self.metadata.total_frames += samples.len() as u64;
        for missing in &fragment.missing {
            self.note(missing);
        }
        self.syncer.soon(&self.shared);
        self.tell();
        Ok(())
    }

    fn write(&self, head: &[u8], fragment: &Fragment) -> io::Result<()> {
        let mut slices: Vec<IoSlice<'_>> = Vec::with_capacity(1 + fragment.payloads.len());
        slices.push(IoSlice::new(head));
        slices.extend(fragment.payloads.iter().map(|payload| IoSlice::new(payload)));
        write_all(&self.writing.file, &mut slices)
    }

    /// Cuts off what was written of a fragment that did not fit.
    fn take_back(&self) {
        let mut file = &self.writing.file;
        let cut = file.set_len(self.bytes).and_then(|()| file.seek(SeekFrom::Start(self.bytes)));
        if let Err(error) = cut {
            // The next start cuts it.
            tracing::debug!(path = %self.writing.path.display(), %error, "a torn fragment stays");
        }
    }

    fn note(&mut self, missing: &Missing) {
        self.metadata.frames_lost += missing.frames;
        if self.metadata.gaps.len() < MAX_GAPS {
            let seconds = span(missing.until.saturating_sub(missing.from)).as_secs_f64();
            let at = self.wall_time(missing.from);
            self.metadata.gaps.push(Gap { at, seconds: millis(seconds), frames: missing.frames });
        }
    }

    /// By our wall clock as it was at the file's begin.
    fn wall_time(&self, time: u64) -> Timestamp {
        let since = span(time.saturating_sub(self.origin));
        self.metadata.start_time.checked_add(since).unwrap_or(Timestamp::MAX)
    }

    fn tell(&mut self) {
        let seconds = self.length().as_secs_f64();
        let end_time = self.wall_time(self.end);
        let metadata = &mut self.metadata;
        metadata.end_time = end_time;
        metadata.duration_seconds = millis(seconds);
        let fps = if seconds > 0.0 { metadata.total_frames as f64 / seconds } else { 0.0 };
        metadata.average_fps = (fps * 100.0).round() / 100.0;
        metadata.size_bytes = self.bytes;
        self.writing.update(metadata.clone());
    }

    /// Completes the file: its duration, its index, its metadata. A file without any picture is taken back.
    pub(crate) fn finish(mut self) -> Result<Option<Metadata>, Error> {
        if self.fragments.is_empty() || self.is_gone() {
            self.writing.discard();
            return Ok(None);
        }
        if let Err(error) = self.complete() {
            // It plays without them; recovery adds them.
            tracing::warn!(path = %self.writing.path.display(), %error, "a recording's index could not be written");
            self.take_back();
        }
        self.syncer.soon(&self.shared);
        self.metadata.status = Status::Finished;
        self.tell();
        let metadata = self.metadata;
        self.writing.finish(metadata.clone())?;
        Ok(Some(metadata))
    }

    fn complete(&mut self) -> Result<(), Error> {
        let failed = |source| Error::Io { path: self.writing.path.clone(), source };
        let index = fmp4::index(&self.fragments);
        (&self.writing.file).write_all(&index).map_err(failed)?;
        let (offset, patch) = fmp4::duration_patch(&self.init, self.end - self.origin)?;
        self.writing.file.write_all_at(&patch, offset).map_err(failed)?;
        self.bytes += index.len() as u64;
        Ok(())
    }
}

fn timestamp(time: SystemTime) -> Timestamp {
    Timestamp::try_from(time).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Rounded for people.
fn millis(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

/// `Write::write_all` for several pieces.
fn write_all(mut file: &File, mut slices: &mut [IoSlice<'_>]) -> io::Result<()> {
    while !slices.is_empty() {
        let now = slices.len().min(MAX_SLICES);
        match file.write_vectored(&slices[..now]) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut slices, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Ticks that a frame is shown at so many frames a second.
pub(crate) fn usual_duration(fps: f64) -> u32 {
    (f64::from(TIMESCALE) / fps.clamp(1.0, 1000.0)).round() as u32
}
