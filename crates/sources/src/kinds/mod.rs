//! One file a kind of source: an async function that opens it and hands its pictures to an [`Ingest`] until it fails or
//! comes to its end ([`Error::Ended`]). Dropping the future closes everything.

mod camera;
pub(crate) mod clip;
mod command;
mod h264;
pub(crate) mod http;
mod pipe;
mod rtsp;
pub(crate) mod websocket;

use std::convert::Infallible;

use crate::{Error, Kind, Spec, ingest::Ingest};

/// Runs a source until there is a reason to stop.
pub(crate) async fn run(spec: &Spec, ingest: &mut Ingest<'_>) -> Result<Infallible, Error> {
    match &spec.kind {
        Kind::Test { width, height } => clip::test(spec, (*width, *height), ingest).await,
        Kind::File { path, looping } => {
            let footage = clip::Footage::open(path, *looping, spec.fps, ingest.quality()).await?;
            footage.play(ingest).await
        }
        Kind::Ffmpeg(url) => clip::ffmpeg(url, spec, ingest).await,
        Kind::Stdin => pipe::stdin(spec, ingest).await,
        Kind::Http { url, interval } => http::run(url, *interval, ingest).await,
        Kind::Command(command) => command::shell(command, ingest).await,
        Kind::WebSocket(url) => websocket::run(url, ingest).await,
        Kind::Rtsp { url, transport } => rtsp::run(url, *transport, ingest).await,
        Kind::Camera { device, width, height } => {
            camera::run(device, (*width, *height), spec.fps, ingest).await
        }
    }
}
