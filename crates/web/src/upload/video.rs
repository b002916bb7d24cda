//! The frames of a video file, one after the other: read as they are where there is JPEG inside, else decoded by ffmpeg
//! where there is one.

use std::{
    io::Read,
    path::PathBuf,
    process::{ChildStdout, Stdio},
};

use bytes::Bytes;
use http::StatusCode;
use media::container::JpegFile;
use sources::play::{Cutter, ffmpeg};
use tokio::sync::mpsc;

use crate::error::ApiError;

/// Frames on their way from the file to the session.
const AHEAD: usize = 1;
/// The analysis reads ffmpeg's JPEGs: hardly anything may be lost.
const QUALITY: u8 = 97;
const READ_BYTES: usize = 64 * 1024;

/// Frames as JPEGs; dropping it ends the reading.
pub(super) struct Video {
    /// Frames a second; `None`: not known.
    pub(super) fps: Option<f64>,
    frames: mpsc::Receiver<Result<Bytes, String>>,
}

impl Video {
    /// Opens the file, on a thread that may wait for it.
    pub(super) async fn open(path: PathBuf) -> Result<Self, ApiError> {
        let opened = tokio::task::spawn_blocking(move || open(path)).await;
        opened.unwrap_or_else(|_| Err(undecodable("the reader gave up")))
    }

    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        self.frames.recv().await.transpose().map_err(|reason| undecodable(&reason))
    }
}

fn open(path: PathBuf) -> Result<Video, ApiError> {
    let (sender, frames) = mpsc::channel(AHEAD);
    match JpegFile::open(&path) {
        Ok(file) => {
            let fps = Some(file.fps());
            on_thread(move || read_file(&file, &sender))?;
            Ok(Video { fps, frames })
        }
        Err(media::Error::Io { source, .. }) => Err(undecodable(&source.to_string())),
        // ffmpeg finds out what it is instead.
        Err(_) => {
            let output = run_ffmpeg(&path)?;
            let fps = ffmpeg::about(ffmpeg::Input::Upload(&path)).fps;
            on_thread(move || read_pipe(output, &sender))?;
            Ok(Video { fps, frames })
        }
    }
}

fn on_thread(work: impl FnOnce() + Send + 'static) -> Result<(), ApiError> {
    let spawned = std::thread::Builder::new().name("video".into()).spawn(work);
    spawned.map(drop).map_err(|error| undecodable(&format!("no thread to read it: {error}")))
}

fn read_file(file: &JpegFile, frames: &mpsc::Sender<Result<Bytes, String>>) {
    for index in 0..file.len() {
        let frame = file.frame(index).map(|(jpeg, _)| jpeg.into()).map_err(|error| error.to_string());
        let is_last = frame.is_err();
        if frames.blocking_send(frame).is_err() || is_last {
            return;
        }
    }
}

/// A program that is running, ended when this is dropped.
struct Running {
    child: std::process::Child,
    output: ChildStdout,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _has_ended = self.child.kill();
        let _code = self.child.wait();
    }
}

fn run_ffmpeg(path: &std::path::Path) -> Result<Running, ApiError> {
    let mut command = ffmpeg::decoding(path, QUALITY);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let missing = |_| ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "FFMPEG_MISSING", ffmpeg::missing());
    let mut child = command.spawn().map_err(missing)?;
    let output = child.stdout.take().ok_or_else(|| undecodable("ffmpeg has no output"))?;
    Ok(Running { child, output })
}

fn read_pipe(mut running: Running, frames: &mpsc::Sender<Result<Bytes, String>>) {
    let mut cutter = Cutter::default();
    let mut chunk = vec![0; READ_BYTES];
    loop {
        let read = match running.output.read(&mut chunk) {
            Ok(0) => return,
            Ok(read) => read,
            Err(error) => return drop(frames.blocking_send(Err(error.to_string()))),
        };
        let mut is_wanted = true;
        let more = cutter.feed(&chunk[..read], &mut |jpeg| {
            is_wanted = frames.blocking_send(Ok(jpeg)).is_ok();
            is_wanted
        });
        match more {
            Ok(_) if !is_wanted => return,
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => return drop(frames.blocking_send(Err(error.to_string()))),
        }
    }
}

pub(super) fn undecodable(reason: &str) -> ApiError {
    let message = format!("the video cannot be decoded ({reason}): send an AVI, MP4 or MKV file that plays");
    ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "VIDEO_NOT_DECODED", message)
}
