//! Files, folders and the test picture, played without end by their own times.

use std::{convert::Infallible, path::Path, sync::Arc, time::SystemTime};

use tokio::time::{Instant, sleep_until};

use crate::{
    Error, Spec,
    ingest::{Ingest, busy, taken},
    kinds::command,
    play::{Clip, PlayOptions, Schedule, ffmpeg},
};

pub(super) async fn test(
    spec: &Spec,
    size: (u32, u32),
    ingest: &mut Ingest<'_>,
) -> Result<Infallible, Error> {
    let options = PlayOptions { size, ..options(spec, ingest) };
    let clip = Clip::pattern(spec.name.as_str(), &options);
    play(Arc::new(clip), Some(size), ingest).await
}

pub(super) async fn file(spec: &Spec, path: &Path, ingest: &mut Ingest<'_>) -> Result<Infallible, Error> {
    let options = options(spec, ingest);
    let opened = {
        let path = path.to_owned();
        busy(move || open(&path, &options)).await?
    };
    match opened {
        Some(clip) => play(Arc::new(clip), None, ingest).await,
        None => {
            let command = ffmpeg::command(ffmpeg::PROGRAM, ffmpeg::Input::File(path), &options);
            command::frames(command, ingest).await
        }
    }
}

fn options(spec: &Spec, ingest: &Ingest<'_>) -> PlayOptions {
    PlayOptions { fps: spec.fps, quality: ingest.quality(), looping: true, size: (0, 0) }
}

/// A picture that never changes is shown again now and then, so that the stream counts as live.
const STILL_FPS: f64 = 1.0;

/// `None`: something for ffmpeg.
fn open(path: &Path, options: &PlayOptions) -> Result<Option<Clip>, Error> {
    let clip = Clip::open(path, options)?;
    Ok(clip.map(|mut clip| {
        if clip.schedule.frames() == Some(1) && options.fps.is_none() {
            clip.schedule = Schedule::even(STILL_FPS, Some(1), true);
        }
        clip
    }))
}

/// Hands each picture over when it is due; what is too late is left out. `drawn`: their size, if
/// they are drawn and encoded here.
async fn play(
    clip: Arc<Clip>,
    drawn: Option<(u32, u32)>,
    ingest: &mut Ingest<'_>,
) -> Result<Infallible, Error> {
    ingest.allow_gap(clip.schedule.longest_gap());
    let start = Instant::now();
    let mut number = 0;
    loop {
        sleep_until(start + clip.schedule.due(number)).await;
        number = clip.schedule.newest_due(start.elapsed(), number);
        let Some(picture) = clip.schedule.picture(number) else { return Err(Error::Ended) };
        let source = clip.clone();
        let captured = taken(SystemTime::now());
        match (busy(move || source.jpeg(picture)).await, drawn) {
            (Ok(jpeg), Some(size)) => {
                if ingest.wants() {
                    ingest.encoded(jpeg, size, captured)?;
                }
            }
            (Ok(jpeg), None) => ingest.picture(jpeg, captured).await?,
            (Err(error), _) => ingest.skip(&error),
        }
        number += 1;
    }
}
