//! Sources whose frames are read by number: a file of JPEGs, a folder of pictures, the test pattern. Skipped frames are
//! not read.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bytes::Bytes;
use media::container::{Format, JpegFile};
use media::pattern::TestPattern;
use net::Lock;
use wire::image::Limits;

use super::{
    DEFAULT_FPS, PlayOptions,
    schedule::{Schedule, thinned},
};
use crate::Error;

/// Pictures by number, and when each is due.
#[derive(Debug)]
pub struct Clip {
    pictures: Pictures,
    pub schedule: Schedule,
    quality: u8,
}

#[derive(Debug)]
enum Pictures {
    /// The frames of `file` with these numbers.
    File {
        file: JpegFile,
        chosen: Vec<usize>,
    },
    Folder(Vec<PathBuf>),
    /// One frame is drawn at a time, into the canvas that the pattern keeps.
    Pattern {
        pattern: Box<Lock<TestPattern>>,
        caption: String,
    },
}

impl Clip {
    /// A folder of pictures, a picture, or a video with JPEG inside. `None`: something for ffmpeg.
    ///
    /// # Errors
    /// A path that cannot be read, a folder without pictures, a file that contradicts itself.
    pub fn open(path: &Path, options: &PlayOptions) -> Result<Option<Clip>, Error> {
        if path.is_dir() {
            return Clip::folder(path, options).map(Some);
        }
        if path.extension().is_some_and(|it| it.eq_ignore_ascii_case("png")) {
            return Ok(Some(Clip::stills(vec![path.to_owned()], options)));
        }
        match JpegFile::open(path) {
            Ok(file) => Ok(Some(Clip::file(file, options))),
            Err(media::Error::NotJpegInside { .. } | media::Error::UnknownContainer { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// A video file of JPEGs, or one JPEG picture.
    pub fn file(file: JpegFile, options: &PlayOptions) -> Clip {
        let samples = file.samples();
        let all = || (0..samples.len()).collect();
        let has_times = matches!(file.format(), Format::Avi | Format::Mp4);
        let (chosen, schedule) = match (has_times, options.fps) {
            // JPEGs one after the other have no times, and a single picture none that matter.
            (false, fps) => {
                let fps = fps.unwrap_or(if samples.len() == 1 { DEFAULT_FPS } else { file.fps() });
                (all(), Schedule::even(fps, Some(samples.len() as u64), options.looping))
            }
            (true, fps) => {
                let times: Vec<f64> = samples.iter().map(|sample| sample.time_secs).collect();
                let chosen = fps.map_or_else(all, |fps| thinned(&times, fps));
                let times = chosen.iter().map(|index| times[*index]).collect();
                (chosen, Schedule::listed(times, file.duration_secs(), options.looping))
            }
        };
        Clip { pictures: Pictures::File { file, chosen }, schedule, quality: options.quality }
    }

    /// All JPEG and PNG files of a folder, by name.
    pub fn folder(path: &Path, options: &PlayOptions) -> Result<Clip, Error> {
        let unread = |error| Error::Read { path: path.to_owned(), error };
        let mut files = Vec::new();
        for entry in path.read_dir().map_err(unread)? {
            let file = entry.map_err(unread)?.path();
            let kind = file.extension().and_then(|it| it.to_str()).map(str::to_ascii_lowercase);
            if matches!(kind.as_deref(), Some("jpg" | "jpeg" | "png")) {
                files.push(file);
            }
        }
        if files.is_empty() {
            return Err(Error::EmptyFolder { path: path.to_owned() });
        }
        files.sort();
        Ok(Clip::stills(files, options))
    }

    fn stills(files: Vec<PathBuf>, options: &PlayOptions) -> Clip {
        let fps = options.fps.unwrap_or(DEFAULT_FPS);
        let schedule = Schedule::even(fps, Some(files.len() as u64), options.looping);
        Clip { pictures: Pictures::Folder(files), schedule, quality: options.quality }
    }

    /// The test pattern, without end.
    pub fn pattern(caption: &str, options: &PlayOptions) -> Clip {
        let (width, height) = options.size;
        let pattern = Box::new(Lock::new(TestPattern::new(width, height)));
        let schedule = Schedule::even(options.fps.unwrap_or(DEFAULT_FPS), None, false);
        Clip {
            pictures: Pictures::Pattern { pattern, caption: caption.to_owned() },
            schedule,
            quality: options.quality,
        }
    }

    /// Picture `number` of the source as a JPEG. Reads, draws and encodes: not for an async thread.
    pub fn jpeg(&self, number: u64) -> Result<Bytes, Error> {
        let index = number as usize;
        let beyond = || Error::NoSuchPicture { index };
        match &self.pictures {
            Pictures::File { file, chosen } => {
                let index = *chosen.get(index).ok_or_else(beyond)?;
                let (jpeg, _) = file.frame(index)?;
                Ok(jpeg.into())
            }
            Pictures::Folder(files) => self.read_picture(files.get(index).ok_or_else(beyond)?),
            Pictures::Pattern { pattern, caption } => {
                let mut pattern = pattern.lock();
                let picture = pattern.draw(number, &time_of_day(), caption);
                Ok(media::jpeg::encode(picture, self.quality)?.into())
            }
        }
    }

    fn read_picture(&self, file: &Path) -> Result<Bytes, Error> {
        let bytes = std::fs::read(file).map_err(|error| Error::Read { path: file.to_owned(), error })?;
        let limits = Limits { max_bytes: usize::MAX, setting: "" };
        match ingest::to_jpeg(bytes.into(), &limits, self.quality) {
            Ok(jpeg) => Ok(jpeg.payload),
            Err(reason) => Err(Error::NotAPicture { path: file.to_owned(), reason }),
        }
    }
}

/// `12:34:56.789`, UTC.
fn time_of_day() -> String {
    let now = jiff::Timestamp::try_from(SystemTime::now());
    now.map_or_else(|_| String::new(), |now| now.strftime("%H:%M:%S%.3f").to_string())
}

#[cfg(test)]
mod tests;
