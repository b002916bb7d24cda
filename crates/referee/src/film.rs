//! A video file while it is written: frames in, fragments of an MP4 out.
//!
//! Whatever ends the writing, what was written plays. What belongs here is the file; how its frames look, and where it
//! is cut, is its user's.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use media::fmp4::{self, FragmentEntry, PRFT_BYTES, Sample, Track};

/// A fragment is written when its frames take so much memory, at the latest.
const MAX_PENDING_BYTES: usize = 64 << 20;

/// Why a video cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("cannot write {}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Media(#[from] media::Error),
}

/// A frame's place in time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Of [`fmp4::TIMESCALE`] since the film's start; they rise.
    pub ticks: u64,
    /// How long it lasts if it is the last one.
    pub duration: u32,
    /// Its number where it comes from.
    pub number: u64,
    /// Unix seconds, if somebody said when it was taken.
    pub captured: Option<f64>,
}

/// The writer of one file.
#[derive(Debug)]
pub struct Film {
    path: PathBuf,
    file: File,
    init: Vec<u8>,
    /// Bytes in the file.
    length: u64,
    entries: Vec<FragmentEntry>,
    pending: Vec<Sample>,
    media: Vec<u8>,
    end: u64,
}

impl Film {
    /// Begins a file, which must not be there.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn create(path: &Path, track: &Track) -> Result<Self, Error> {
        let io = |source| Error::Io { path: path.to_owned(), source };
        let mut file = File::options().read(true).write(true).create_new(true).open(path).map_err(io)?;
        let init = fmp4::init(track);
        file.write_all(&init).map_err(io)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            length: init.len() as u64,
            init,
            entries: Vec::new(),
            pending: Vec::new(),
            media: Vec::new(),
            end: 0,
        })
    }

    /// Takes the next frame.
    ///
    /// # Errors
    /// [`Error`].
    pub fn push(&mut self, bytes: &[u8], key: bool, moment: Moment) -> Result<(), Error> {
        if self.media.len() + bytes.len() > MAX_PENDING_BYTES {
            self.cut()?;
        }
        self.media.extend_from_slice(bytes);
        self.pending.push(Sample {
            time: moment.ticks,
            duration: moment.duration,
            bytes: bytes.len() as u32,
            key,
            seq: moment.number,
            captured: moment.captured,
            metadata: None,
        });
        self.end = moment.ticks + u64::from(moment.duration);
        Ok(())
    }

    /// Ends a fragment, if there are frames for it, and writes it.
    ///
    /// # Errors
    /// [`Error`].
    pub fn cut(&mut self) -> Result<(), Error> {
        let Some(first) = self.pending.first() else {
            return Ok(());
        };
        let captured = first.captured.and_then(|secs| Duration::try_from_secs_f64(secs).ok());
        let wall = captured.and_then(|since| UNIX_EPOCH.checked_add(since)).unwrap_or(UNIX_EPOCH);
        let time = first.time;
        let head = fmp4::fragment_head(self.entries.len() as u32 + 1, wall, &self.pending)?;
        self.entries.push(FragmentEntry { time, offset: self.length + PRFT_BYTES });
        self.append(&head)?;
        let media = std::mem::take(&mut self.media);
        self.append(&media)?;
        self.media = media;
        self.media.clear();
        self.pending.clear();
        Ok(())
    }

    /// Writes what is left, the index and the duration.
    ///
    /// # Errors
    /// [`Error`].
    pub fn finish(mut self) -> Result<(), Error> {
        self.cut()?;
        self.append(&fmp4::index(&self.entries))?;
        let (at, patch) = fmp4::duration_patch(&self.init, self.end)?;
        let written = self.file.seek(SeekFrom::Start(at)).and_then(|_| self.file.write_all(&patch));
        written.map_err(|source| Error::Io { path: self.path, source })
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = self.file.write_all(bytes);
        written.map_err(|source| Error::Io { path: self.path.clone(), source })?;
        self.length += bytes.len() as u64;
        Ok(())
    }
}
