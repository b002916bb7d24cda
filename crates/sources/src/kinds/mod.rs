//! One file a kind of source: an async function that opens it and hands its pictures to an [`Ingest`] until something
//! goes wrong. Dropping the future closes everything.

mod camera;
mod clip;
mod command;
mod h264;
pub(crate) mod http;
mod rtsp;
pub(crate) mod websocket;

use std::convert::Infallible;

use crate::{Error, Kind, Spec, ingest::Ingest};

/// Runs a source; it ends with an error only.
pub(crate) async fn run(spec: &Spec, ingest: &mut Ingest<'_>) -> Result<Infallible, Error> {
    match &spec.kind {
        Kind::Test { width, height } => clip::test(spec, (*width, *height), ingest).await,
        Kind::File(path) => clip::file(spec, path, ingest).await,
        Kind::Http { url, interval } => http::run(url, *interval, ingest).await,
        Kind::Command(command) => command::shell(command, ingest).await,
        Kind::WebSocket(url) => websocket::run(url, ingest).await,
        Kind::Rtsp { url, transport } => rtsp::run(url, *transport, ingest).await,
        Kind::Camera { device, width, height } => {
            camera::run(device, (*width, *height), spec.fps, ingest).await
        }
    }
}
