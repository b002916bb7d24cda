//! Where an analysis has its pictures from: a file with JPEG inside, a file that ffmpeg decodes, a camera. All of them
//! in order, none left out, as fast as they are taken; reading waits, so it happens on a thread of its own.

use std::io::BufReader;
use std::path::Path;
use std::process::ChildStdout;
use std::time::SystemTime;

use anyhow::{Context, anyhow, bail};
use bytes::Bytes;
use media::Picture;
use sources::play::{Clip, DEFAULT_FPS, PlayOptions, ffmpeg};

use super::camera::Camera;
use super::process::Running;

/// Of what has to be encoded.
pub(super) const DEFAULT_QUALITY: u8 = 85;

/// A picture is decoded only if it is no larger than 8K.
pub(super) const MOST_PIXELS: u64 = 7680 * 4320;

/// A picture as its source has it.
pub(super) enum Still {
    Jpeg(Bytes),
    Pixels(Picture),
}

/// A picture and when it was taken.
pub(super) struct Taken {
    pub(super) still: Still,
    /// Unix seconds. For a file: as if it were played from now on.
    pub(super) timestamp: f64,
    /// Pictures before it that could not be kept.
    pub(super) skipped: u64,
}

/// What is known before the first frame is sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct About {
    /// Frames a second.
    pub(super) fps: f64,
    pub(super) width: u32,
    pub(super) height: u32,
    /// Frames that will come.
    pub(super) frames: Option<u64>,
}

/// An open source. Its first picture has been looked at.
pub(super) struct Footage {
    pub(super) about: About,
    source: Source,
    first: Option<Taken>,
    /// Seconds after which it ends.
    longest: Option<f64>,
    /// Unix seconds of the first picture.
    since: f64,
}

enum Source {
    Clip { clip: Clip, number: u64, since: f64 },
    Film(Film),
    Camera(Camera),
}

/// A file that ffmpeg decodes.
struct Film {
    pictures: BufReader<ChildStdout>,
    process: Running,
    number: u64,
    fps: f64,
    since: f64,
}

impl Footage {
    /// A video file or a folder of pictures; `fps` is the most of them a second.
    ///
    /// # Errors
    /// What cannot be read, and why.
    pub(super) fn file(path: &Path, fps: Option<f64>, longest: Option<f64>) -> anyhow::Result<Footage> {
        let options = PlayOptions { fps, quality: DEFAULT_QUALITY, looping: false, size: (0, 0) };
        let since = unix_secs(SystemTime::now());
        // Its text names the file.
        match Clip::open(path, &options).map_err(|error| anyhow!("{error}"))? {
            Some(clip) => {
                let (fps, frames) = (clip.schedule.fps(), clip.schedule.frames());
                Footage::new(Source::Clip { clip, number: 0, since }, fps, frames, longest)
            }
            None => Footage::film(path, fps, longest, since),
        }
        .with_context(|| format!("{} cannot be read", path.display()))
    }

    fn film(path: &Path, max_fps: Option<f64>, longest: Option<f64>, since: f64) -> anyhow::Result<Footage> {
        let (process, stdout) = Running::start(ffmpeg::pictures(path, max_fps))?;
        let about = ffmpeg::about(ffmpeg::Input::File(path));
        let fps = about.fps.unwrap_or(DEFAULT_FPS).min(max_fps.unwrap_or(f64::INFINITY));
        let pictures = BufReader::with_capacity(256 * 1024, stdout);
        let film = Film { pictures, process, number: 0, fps, since };
        // How many a lower rate leaves is ffmpeg's to know.
        Footage::new(Source::Film(film), fps, about.frames.filter(|_| max_fps.is_none()), longest)
    }

    pub(super) fn camera(camera: Camera, fps: f64, longest: f64) -> anyhow::Result<Footage> {
        Footage::new(Source::Camera(camera), fps, None, Some(longest))
    }

    fn new(
        mut source: Source,
        fps: f64,
        frames: Option<u64>,
        longest: Option<f64>,
    ) -> anyhow::Result<Footage> {
        let Some(first) = source.next()? else { bail!("there is no picture in it") };
        let (width, height) = size(&first.still)?;
        let most = longest.map(|secs| (secs * fps).ceil() as u64);
        let frames = frames.map(|frames| frames.min(most.unwrap_or(u64::MAX)));
        let since = first.timestamp;
        Ok(Footage {
            about: About { fps, width, height, frames },
            source,
            first: Some(first),
            longest,
            since,
        })
    }

    /// The next picture; `None` at the end. Waits.
    ///
    /// # Errors
    /// The source broke off.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<Taken>> {
        let next = match self.first.take() {
            Some(first) => Some(first),
            None => self.source.next()?,
        };
        let is_late = |taken: &Taken| self.longest.is_some_and(|secs| taken.timestamp - self.since >= secs);
        Ok(next.filter(|taken| !is_late(taken)))
    }
}

impl Source {
    fn next(&mut self) -> anyhow::Result<Option<Taken>> {
        match self {
            Source::Clip { clip, number, since } => {
                let Some(picture) = clip.schedule.picture(*number) else { return Ok(None) };
                let still = Still::Jpeg(clip.jpeg(picture)?);
                let timestamp = *since + clip.schedule.due(*number).as_secs_f64();
                *number += 1;
                Ok(Some(Taken { still, timestamp, skipped: 0 }))
            }
            Source::Film(film) => film.next(),
            Source::Camera(camera) => camera.next(),
        }
    }
}

impl Film {
    fn next(&mut self) -> anyhow::Result<Option<Taken>> {
        let read = media::ppm::read(&mut self.pictures, MOST_PIXELS);
        let Ok(Some(picture)) = read else {
            // What ffmpeg says is closer to the cause than what is missing in its output.
            let said = self.process.wait()?;
            read?;
            if self.number == 0 {
                bail!("ffmpeg found no video frame: {said}");
            }
            return Ok(None);
        };
        let timestamp = self.since + self.number as f64 / self.fps;
        self.number += 1;
        Ok(Some(Taken { still: Still::Pixels(picture), timestamp, skipped: 0 }))
    }
}

fn size(still: &Still) -> anyhow::Result<(u32, u32)> {
    match still {
        Still::Pixels(picture) => Ok((picture.width, picture.height)),
        Still::Jpeg(jpeg) => {
            let info = wire::jpeg::probe(jpeg).context("its first picture is no JPEG")?;
            Ok((info.width.into(), info.height.into()))
        }
    }
}

pub(super) fn unix_secs(time: SystemTime) -> f64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
