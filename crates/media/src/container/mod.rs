//! Files whose video is made of JPEG pictures: a JPEG, JPEGs one after the other
//! (`.mjpeg`), AVI with MJPG, MP4 and QuickTime with JPEG samples. Their frames
//! are handed out as they lie in the file, nothing is decoded.
//!
//! Opening reads the tables and remembers where each frame lies; a frame is read
//! when it is asked for. Everything else (H.264, other containers) is not for
//! this module: the errors [`Error::NotJpegInside`] and
//! [`Error::UnknownContainer`] ask the caller to try another reader.
//!
//! Invariants:
//! - **C1** A file is never read as a whole; no allocation is larger than
//!   [`MAX_FRAME_BYTES`], and the list of frames has at most [`MAX_FRAMES`].
//! - **C2** Every length and offset in the file is checked against its size
//!   before it is used. A frame in the list lies wholly inside the file.
//! - **C3** A recording that was cut off plays to the cut.

mod avi;
mod concatenated;
mod mp4;

use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::source::Source;
use crate::{Error, Result};

pub use crate::source::MAX_FRAME_BYTES;

/// The most frames a file may have: 37 hours at 30 a second, 96 MB of list.
pub const MAX_FRAMES: usize = 4_000_000;

/// The rate of a file that names none, as ffmpeg assumes for raw MJPEG.
const DEFAULT_FPS: f64 = 25.0;

const TOO_MANY: &str = "more frames than are read here (4 million)";

/// Three years: times that a file claims beyond it are taken as this, so that
/// they stay fit for a clock's arithmetic.
const MAX_TIME_SECS: f64 = 1e8;

/// Rates that are believed.
const FPS: std::ops::RangeInclusive<f64> = 0.01..=1000.0;

/// What kind of file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JPEG picture.
    Jpeg,
    /// JPEG pictures one after the other, bare or with text between them.
    Mjpeg,
    /// RIFF AVI with MJPG video.
    Avi,
    /// MP4 or QuickTime with JPEG samples, fragmented or not.
    Mp4,
}

/// Where one frame lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Bytes from the beginning of the file.
    pub offset: u64,
    /// Length of the JPEG in bytes.
    pub bytes: u32,
    /// Seconds after the first frame; never less than the frame before.
    pub time_secs: f64,
}

/// What a reader found in a file.
#[derive(Debug, Default)]
struct Track {
    /// In the order they are shown; empty ones are left out.
    samples: Vec<Sample>,
    /// From the first frame's begin to the last one's end.
    duration_secs: f64,
    /// Frames a second; 0 where the file says nothing usable.
    fps: f64,
    /// Frames that the file lists, but does not hold.
    torn: usize,
    /// Frames counted, empty and torn ones too.
    listed: usize,
}

impl Track {
    /// Appends a frame if it lies inside the file, counts it as torn if not.
    fn push(&mut self, source: &Source<'_>, offset: u64, bytes: u64, time_secs: f64) -> Result<()> {
        self.listed += 1;
        if self.listed > MAX_FRAMES {
            return Err(source.broken(offset, TOO_MANY));
        }
        if bytes == 0 {
            // AVI's "as before", MP4's empty sample.
            return Ok(());
        }
        let inside = offset.checked_add(bytes).is_some_and(|end| end <= source.len());
        let last = self.samples.last().map_or(0.0, |sample| sample.time_secs);
        let time_secs = time_secs.clamp(last, MAX_TIME_SECS);
        match u32::try_from(bytes) {
            Ok(bytes) if inside => self.samples.push(Sample { offset, bytes, time_secs }),
            _ => self.torn += 1,
        }
        Ok(())
    }

    /// Fills in what the file left open, once all frames are known.
    fn settle(&mut self, last_secs: f64) {
        if !FPS.contains(&self.fps) {
            self.fps = DEFAULT_FPS;
        }
        let mut last_secs = last_secs;
        if last_secs == 0.0 {
            // No durations: one frame after the other at the default rate.
            for (at, sample) in self.samples.iter_mut().enumerate() {
                sample.time_secs = at as f64 / self.fps;
                last_secs = sample.time_secs;
            }
        }
        if self.duration_secs <= last_secs {
            self.duration_secs = last_secs + 1.0 / self.fps;
        }
        self.duration_secs = self.duration_secs.min(2.0 * MAX_TIME_SECS);
    }
}

/// An open file of JPEG frames.
#[derive(Debug)]
pub struct JpegFile {
    path: std::path::PathBuf,
    file: std::fs::File,
    format: Format,
    track: Track,
}

impl JpegFile {
    /// Opens a file, finds out what it is and where its frames lie.
    ///
    /// The content decides, except that a file named `.jpg`, `.jpeg` or `.jpe`
    /// has one picture whatever follows it (phones append videos and previews).
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::UnknownContainer`] when it starts like nothing
    /// known here; [`Error::NotJpegInside`] when its video is of another codec;
    /// [`Error::BrokenContainer`] when it contradicts itself or holds no frame.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let io = |source| Error::Io { path: path.clone(), source };
        let file = std::fs::File::open(&path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        if !metadata.is_file() {
            let kind = std::io::ErrorKind::InvalidInput;
            return Err(io(std::io::Error::new(kind, "not a regular file")));
        }
        let mut source = Source::new(&path, &file, metadata.len());
        let (format, mut track) = read(&mut source)?;
        let last = track.samples.last().ok_or_else(|| source.broken(0, "it holds no whole frame"))?;
        track.settle(last.time_secs);
        Ok(Self { path, file, format, track })
    }

    /// What kind of file it is.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Frames a second: as the file says, on average, or 25 if it says nothing.
    pub fn fps(&self) -> f64 {
        self.track.fps
    }

    /// How many frames there are; at least one.
    #[expect(clippy::len_without_is_empty, reason = "an empty file does not open")]
    pub fn len(&self) -> usize {
        self.track.samples.len()
    }

    /// From the first frame's begin to the last one's end, in seconds.
    pub fn duration_secs(&self) -> f64 {
        self.track.duration_secs
    }

    /// Frames that the file lists but does not hold, because it was cut off.
    pub fn torn(&self) -> usize {
        self.track.torn
    }

    /// Where each frame lies and when it is shown.
    pub fn samples(&self) -> &[Sample] {
        &self.track.samples
    }

    /// Reads frame `index` (from 0): its bytes and its time in seconds after the
    /// first. The bytes are as the file has them; whether they decode is not
    /// checked.
    ///
    /// # Errors
    /// [`Error::NoSuchFrame`], [`Error::FrameTooLarge`], or [`Error::Io`] (also
    /// when the file has become shorter since it was opened).
    pub fn frame(&self, index: usize) -> Result<(Vec<u8>, f64)> {
        let Some(sample) = self.track.samples.get(index) else {
            let frames = self.len();
            return Err(Error::NoSuchFrame { index, frames });
        };
        if u64::from(sample.bytes) > MAX_FRAME_BYTES {
            return Err(Error::FrameTooLarge { index, bytes: u64::from(sample.bytes), max: MAX_FRAME_BYTES });
        }
        let mut bytes = vec![0; sample.bytes as usize];
        let read = self.file.read_exact_at(&mut bytes, sample.offset);
        read.map_err(|source| Error::Io { path: self.path.clone(), source })?;
        Ok((bytes, sample.time_secs))
    }
}

/// Chooses the reader by the file's first bytes, and by its name for JPEG.
fn read(source: &mut Source<'_>) -> Result<(Format, Track)> {
    let mut head = [0; 12];
    let known = source.len().min(12) as usize;
    source.read(0, &mut head[..known])?;
    let extension = source.extension();

    if head.starts_with(b"RIFF") && &head[8..] == b"AVI " {
        source.container = "AVI";
        return Ok((Format::Avi, avi::read(source)?));
    }
    if mp4::BEGINNINGS.iter().any(|name| &head[4..8] == *name) {
        source.container = "MP4";
        return Ok((Format::Mp4, mp4::read(source)?));
    }
    source.container = "JPEG";
    let picture = matches!(extension.as_str(), "jpg" | "jpeg" | "jpe");
    if picture && head.starts_with(&[0xFF, 0xD8]) {
        return Ok((Format::Jpeg, concatenated::read(source, 1)?));
    }
    // A saved HTTP stream starts with its boundary: by name, it is read too.
    let raw = matches!(extension.as_str(), "mjpeg" | "mjpg");
    if raw || head.starts_with(&[0xFF, 0xD8]) {
        source.container = "MJPEG";
        let track = concatenated::read(source, usize::MAX)?;
        let format = if track.samples.len() == 1 { Format::Jpeg } else { Format::Mjpeg };
        return Ok((format, track));
    }
    Err(source.unknown())
}

#[cfg(test)]
mod tests;
