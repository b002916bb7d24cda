//! Files, folders and the test picture, played without end by their own times.

use std::{convert::Infallible, path::Path, sync::Arc, time::SystemTime};

use tokio::time::{Instant, sleep_until};

use crate::{
    Error, Spec,
    outlet::{Outlet, busy, taken},
    play::{Clip, Schedule, Wishes, ffmpeg},
    sources::command,
};

pub(super) async fn test(
    spec: &Spec,
    size: (u32, u32),
    outlet: &mut Outlet<'_>,
) -> Result<Infallible, Error> {
    let wishes = Wishes { size, ..wishes(spec, outlet) };
    let clip = Clip::pattern(spec.name.as_str(), &wishes);
    play(Arc::new(clip), Some(size), outlet).await
}

pub(super) async fn file(spec: &Spec, path: &Path, outlet: &mut Outlet<'_>) -> Result<Infallible, Error> {
    let wishes = wishes(spec, outlet);
    let opened = {
        let path = path.to_owned();
        busy(move || open(&path, &wishes)).await?
    };
    match opened {
        Some(clip) => play(Arc::new(clip), None, outlet).await,
        None => {
            let command = ffmpeg::command(ffmpeg::PROGRAM, ffmpeg::Input::File(path), &wishes);
            command::frames(command, outlet).await
        }
    }
}

fn wishes(spec: &Spec, outlet: &Outlet<'_>) -> Wishes {
    Wishes { fps: spec.fps, quality: outlet.quality(), looping: true, size: (0, 0) }
}

/// A picture that never changes is shown again now and then, so that the stream counts as live.
const STILL_FPS: f64 = 1.0;

/// `None`: something for ffmpeg.
fn open(path: &Path, wishes: &Wishes) -> Result<Option<Clip>, Error> {
    let clip = Clip::open(path, wishes)?;
    Ok(clip.map(|mut clip| {
        if clip.schedule.frames() == Some(1) && wishes.fps.is_none() {
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
    outlet: &mut Outlet<'_>,
) -> Result<Infallible, Error> {
    outlet.allow_gap(clip.schedule.longest_gap());
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
                if outlet.wants() {
                    outlet.encoded(jpeg, size, captured)?;
                }
            }
            (Ok(jpeg), None) => outlet.picture(jpeg, captured).await?,
            (Err(error), _) => outlet.skip(&error),
        }
        number += 1;
    }
}
