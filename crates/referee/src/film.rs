//! A video file while it is written: frames in, fragments of an MP4 out.
//!
//! Whatever ends the writing, what was written plays. What belongs here is the file; how its frames look, and where it
//! is cut, is decided by its user.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use media::fmp4::{Sample, Track, WriteError, Writer};

use crate::pipeline::Error;

/// A fragment is written when its frames take so much memory, at the latest.
const MAX_PENDING_BYTES: usize = 64 << 20;

/// A frame's place in time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Of [`media::fmp4::TIMESCALE`] since the film's start; they rise.
    pub ticks: u64,
    /// How long it lasts if it is the last one.
    pub duration: u32,
    /// Its number where it comes from.
    pub number: u64,
    /// Unix seconds, where its capture time is known.
    pub captured: Option<f64>,
}

/// The writer of one file.
#[derive(Debug)]
pub struct Film {
    path: PathBuf,
    writer: Writer<File>,
    pending: Vec<Sample>,
    media: Vec<u8>,
}

impl Film {
    /// Begins a file, which must not be there.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn create(path: &Path, track: &Track) -> Result<Self, Error> {
        let file = File::options().read(true).write(true).create_new(true).open(path);
        let writer = file.and_then(|file| Writer::new(file, track));
        let writer = writer.map_err(|source| Error::Io { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), writer, pending: Vec::new(), media: Vec::new() })
    }

    /// Takes the next frame.
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
        Ok(())
    }

    /// Ends a fragment, if there are frames for it, and writes it.
    pub fn cut(&mut self) -> Result<(), Error> {
        let Some(first) = self.pending.first() else {
            return Ok(());
        };
        let captured = first.captured.and_then(|secs| Duration::try_from_secs_f64(secs).ok());
        let wall = captured.and_then(|since| UNIX_EPOCH.checked_add(since)).unwrap_or(UNIX_EPOCH);
        let written = self.writer.append(wall, &self.pending, &[&self.media]);
        written.map_err(|error| self.failed(error))?;
        self.media.clear();
        self.pending.clear();
        Ok(())
    }

    /// Writes what is left, the index and the duration.
    pub fn finish(mut self) -> Result<(), Error> {
        self.cut()?;
        let finished = self.writer.finish();
        finished.map_err(|error| self.failed(error))
    }

    fn failed(&self, error: WriteError) -> Error {
        match error {
            WriteError::Unfit(error) => error.into(),
            WriteError::Io(source) => Error::Io { path: self.path.clone(), source },
        }
    }
}
