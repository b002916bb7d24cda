//! Files, folders and the test picture, played by their own times.

use std::{
    convert::Infallible,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use ingest::{
    Jpeg,
    pull::{Intake, captured_now},
};
use tokio::time::{Instant, sleep_until};

use super::command;
use crate::{
    Error, Spec,
    blocking::blocking,
    play::{Clip, PlayOptions, Schedule, ffmpeg},
};

/// The test picture.
pub(super) async fn test(
    spec: &Spec,
    size: (u32, u32),
    intake: &mut Intake<'_>,
) -> Result<Infallible, Error> {
    let options = PlayOptions { fps: spec.fps, quality: intake.admission().quality(), looping: true, size };
    let clip = Clip::pattern(spec.name.as_str(), &options);
    play(Arc::new(clip), Some(size), intake).await
}

/// A file or folder, opened.
#[derive(Debug)]
pub(crate) struct Footage {
    reader: Reader,
    options: PlayOptions,
}

#[derive(Debug)]
enum Reader {
    /// Pictures that can be read by their numbers.
    Clip(Arc<Clip>),
    /// Something for ffmpeg.
    Ffmpeg(PathBuf),
}

impl Footage {
    /// # Errors
    /// What is there cannot be read.
    pub(crate) async fn open(
        path: &Path,
        looping: bool,
        fps: Option<f64>,
        quality: u8,
    ) -> Result<Self, Error> {
        let options = PlayOptions { fps, quality, looping, size: (0, 0) };
        let path = path.to_owned();
        blocking(move || {
            let clip = Clip::open(&path, &options)?;
            Ok(Self {
                reader: clip.map_or(Reader::Ffmpeg(path), |clip| Reader::Clip(Arc::new(clip))),
                options,
            })
        })
        .await
    }

    /// How long one round of it plays, if that is known. Asks ffprobe: not for an async thread.
    pub(crate) fn length(&self) -> Option<Duration> {
        match &self.reader {
            Reader::Clip(clip) => clip.schedule.round(),
            Reader::Ffmpeg(path) => ffmpeg::duration(path),
        }
    }

    /// For a stream that has to count as live: a single picture without a rate of its own is published again and again.
    pub(super) fn kept_live(mut self) -> Self {
        if let Reader::Clip(clip) = &mut self.reader
            && self.options.fps.is_none()
            && clip.schedule.frames() == Some(1)
            && let Some(clip) = Arc::get_mut(clip)
        {
            clip.schedule = Schedule::even(STILL_FPS, Some(1), true);
        }
        self
    }

    pub(crate) async fn play(&self, intake: &mut Intake<'_>) -> Result<Infallible, Error> {
        match &self.reader {
            Reader::Clip(clip) => play(Arc::clone(clip), None, intake).await,
            Reader::Ffmpeg(path) => {
                let input = ffmpeg::Input::File(path);
                command::ffmpeg(ffmpeg::playing(input, &self.options), intake).await
            }
        }
    }
}

/// A URL that ffmpeg opens.
pub(super) async fn ffmpeg(url: &str, spec: &Spec, intake: &mut Intake<'_>) -> Result<Infallible, Error> {
    let options =
        PlayOptions { fps: spec.fps, quality: intake.admission().quality(), looping: false, size: (0, 0) };
    command::ffmpeg(ffmpeg::playing(ffmpeg::Input::Url(url), &options), intake).await
}

/// A single picture is published again once a second, so that the stream counts as live.
const STILL_FPS: f64 = 1.0;

/// Hands each picture over when it is due; what is too late is left out. `drawn`: their size, if
/// they are drawn and encoded here.
async fn play(
    clip: Arc<Clip>,
    drawn: Option<(u32, u32)>,
    intake: &mut Intake<'_>,
) -> Result<Infallible, Error> {
    intake.watchdog().allow_gap(clip.schedule.longest_gap());
    let start = Instant::now();
    let mut number = 0;
    loop {
        // Also after the last picture, which is shown for its own time: a file of a second lasts a second.
        sleep_until(start + clip.schedule.due(number)).await;
        if clip.schedule.picture(number).is_none() {
            return Err(Error::ended());
        }
        let newest = clip.schedule.newest_due(start.elapsed(), number);
        intake.count_late(newest - number);
        let Some(picture) = clip.schedule.picture(newest) else { return Err(Error::ended()) };
        let source = clip.clone();
        let captured = captured_now();
        match (blocking(move || source.jpeg(picture)).await, drawn) {
            (Ok(jpeg), Some(size)) => {
                if intake.wants() {
                    intake.encoded(Jpeg::encoded(jpeg, size), captured)?;
                }
            }
            (Ok(jpeg), None) => intake.picture(jpeg, captured).await?,
            (Err(error), _) => intake.skip(&error),
        }
        number = newest + 1;
    }
}
