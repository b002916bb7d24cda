//! One file a kind of source: an async function that opens it and hands its pictures to an [`Intake`] until it fails or
//! comes to its end ([`pull::Error::Ended`]). Dropping the future closes everything.

mod camera;
pub(crate) mod clip;
mod command;
mod h264;
mod pipe;
mod rtsp;
mod websocket;

use std::convert::Infallible;

use hub::Publisher;
use ingest::{
    Admission,
    pull::{self, Intake, Status},
};

use crate::{Error, Kind, Spec};

/// Runs a source until there is a reason to stop.
pub(crate) async fn run(spec: &Spec, intake: &mut Intake<'_>) -> Result<Infallible, Error> {
    match &spec.kind {
        Kind::Test { width, height } => clip::test(spec, (*width, *height), intake).await,
        Kind::File { path, looping } => {
            let footage = clip::Footage::open(path, *looping, spec.fps, intake.admission().quality()).await?;
            footage.kept_live().play(intake).await
        }
        Kind::Ffmpeg(url) => clip::ffmpeg(url, spec, intake).await,
        Kind::Stdin => pipe::stdin(spec, intake).await,
        Kind::Http { url, interval } => Ok(pull::http::run(url, *interval, intake).await?),
        Kind::Command(command) => command::shell(command, intake).await,
        Kind::WebSocket(url) => Ok(websocket::run(url, intake).await?),
        Kind::Rtsp { url, transport } => rtsp::run(url, *transport, intake).await,
        Kind::Camera { device, width, height } => {
            camera::run(device, (*width, *height), spec.fps, intake).await
        }
    }
}

/// The way into the stream for one attempt at a source.
pub(crate) fn intake<'a>(
    spec: &Spec,
    publisher: &'a Publisher,
    status: &'a Status,
    admission: &Admission,
) -> Intake<'a> {
    let quality = spec.quality.unwrap_or(admission.quality());
    let intake = Intake::new(publisher, status, admission.clone().with_quality(quality));
    match (&spec.kind, spec.fps) {
        (Kind::Test { .. } | Kind::File { .. } | Kind::Ffmpeg(_) | Kind::Stdin, _) => intake.unpaced(),
        (_, Some(fps)) => intake.with_fps(fps),
        (_, None) => intake,
    }
}
