//! The form of `POST /analyze`: a video that may be as large as a disk, and small fields. The video goes to a file while
//! it comes; nothing of it is held in memory.

use std::{
    fs::File,
    io::{self, Write},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use axum::extract::Request;
use bytes::Bytes;
use http::{StatusCode, header};
use tokio::{sync::OwnedSemaphorePermit, time::Instant};
use uploads::{Artifacts, Scratch};
use wire::multipart::{self, Event, Headers, Limits, Parser};

use super::Uploading;
use crate::{error::ApiError, publish::incoming::Incoming};

/// Enough for any client's part header.
const MAX_HEADER_BYTES: usize = 8 * 1024;
/// A signal log, and flags.
const MAX_FIELDS_BYTES: usize = 1 << 20;
/// A video comes at least so fast in the mean, a second.
const MIN_RATE: u64 = 16 * 1024;
/// Written at once: a chunk of the network's own size costs a thread's wake-up each.
const WRITE_BYTES: usize = 1 << 20;

/// What was sent. The folder and what is in it go with it.
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) video: PathBuf,
    pub(crate) signal: Bytes,
    pub(crate) signal_name: Option<String>,
    pub(crate) include_keypoints: bool,
    pub(crate) save_overlay: Option<bool>,
    pub(crate) pipeline: Option<String>,
    _folder: Scratch,
    _place: OwnedSemaphorePermit,
}

/// Reads the form; a body that comes too slowly or is too large is given up.
pub(crate) async fn read(uploading: &Uploading, request: Request) -> Result<Form, ApiError> {
    let place = Arc::clone(&uploading.forms).try_acquire_owned().map_err(|_| no_place())?;
    let (head, body) = Incoming::of(request);
    let content_type = head.headers.get(header::CONTENT_TYPE);
    let boundary =
        multipart::boundary(content_type.and_then(|value| value.to_str().ok()).unwrap_or_default());
    let boundary = boundary.map_err(|error| ApiError::bad_request(error.code(), error.to_string()))?;
    let length = head.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let (folder, video) = begin(uploading, length.unwrap_or(0)).await?;
    let mut reader = Reader::new(uploading, &boundary, video);
    let mut body = Coming::new(body);
    while let Some(chunk) = body.next(uploading).await? {
        reader.take(&chunk).await?;
    }
    reader.finish(folder, place).await
}

/// Makes the video's file, if there is room for as many bytes as are announced.
async fn begin(uploading: &Uploading, length: u64) -> Result<(Scratch, Video), ApiError> {
    let artifacts = uploading.uploads.artifacts().clone();
    let max = uploading.uploads.settings().max_video_bytes;
    off_thread(move || {
        let folder = artifacts.scratch()?;
        artifacts.check_room(length.min(max))?;
        let path = folder.path().join("video");
        let file = Some(File::create_new(&path)?);
        Ok((folder, Video { path, file, artifacts, waiting: Vec::new(), bytes: 0, max }))
    })
    .await
}

/// The disk may take its time, and the thread of the connections has none.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(io::Error::other(error))).map_err(|error| unwritable(&error))
}

/// The body, which may come for long, though never slowly.
struct Coming {
    body: Incoming,
    begun: Instant,
    bytes: u64,
}

impl Coming {
    fn new(body: Incoming) -> Self {
        // It goes to a file as it comes: nothing of it needs room.
        body.bound_by_reader(1);
        Self { body, begun: Instant::now(), bytes: 0 }
    }

    async fn next(&mut self, uploading: &Uploading) -> Result<Option<Bytes>, ApiError> {
        let slow = "the form's bytes come too slowly: send it again, or raise server.body_timeout_seconds";
        let in_all = self.begun + uploading.body_timeout + Duration::from_secs(self.bytes / MIN_RATE);
        let deadline = in_all.min(Instant::now() + uploading.body_timeout);
        let chunk = tokio::select! {
            chunk = tokio::time::timeout_at(deadline, self.body.next()) => chunk,
            () = uploading.shutdown.cancelled() => return Err(hub::ClaimError::ShuttingDown.into()),
        };
        let too_slow = |_| ApiError::new(StatusCode::REQUEST_TIMEOUT, "BODY_TOO_SLOW", slow);
        let chunk = chunk.map_err(too_slow)??;
        self.bytes += chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
        Ok(chunk)
    }
}

struct Reader {
    parser: Parser,
    video: Video,
    has_video: bool,
    /// Name, file name, value.
    fields: Vec<(String, Option<String>, Vec<u8>)>,
    /// Of all of them.
    field_bytes: usize,
    /// Whether the last of them is still coming.
    is_begun: bool,
}

impl Reader {
    fn new(uploading: &Uploading, boundary: &str, video: Video) -> Self {
        let max = uploading.uploads.settings().max_video_bytes;
        let limits = Limits {
            max_part_bytes: usize::try_from(max).unwrap_or(usize::MAX),
            max_header_bytes: MAX_HEADER_BYTES,
        };
        Self {
            parser: Parser::new(boundary, limits).close_required(),
            video,
            has_video: false,
            fields: Vec::new(),
            field_bytes: 0,
            is_begun: false,
        }
    }

    async fn take(&mut self, chunk: &[u8]) -> Result<(), ApiError> {
        let mut input = chunk;
        while let Some(event) = self.parser.feed(&mut input).map_err(|error| self.video.bad_form(&error))? {
            if let Event::Part(part) = event {
                self.piece(&part.headers, &part.body).await?;
                self.is_begun = false;
            }
        }
        if let Some((headers, piece)) = self.parser.drain() {
            let headers = headers.clone();
            self.piece(&headers, &piece).await?;
        }
        Ok(())
    }

    async fn piece(&mut self, headers: &Headers, piece: &[u8]) -> Result<(), ApiError> {
        const FIELDS: usize = 32;
        let name = headers.name().unwrap_or_default();
        if name == "video" {
            self.has_video = true;
            return self.video.write(piece).await;
        }
        if !std::mem::replace(&mut self.is_begun, true) {
            if self.fields.len() >= FIELDS {
                return Err(ApiError::bad_request(
                    "TOO_MANY_FIELDS",
                    format!("send at most {FIELDS} fields"),
                ));
            }
            let file = headers.filename().map(str::to_owned);
            self.fields.push((name.to_owned(), file, Vec::new()));
        }
        let Some((_, _, value)) = self.fields.last_mut() else { return Ok(()) };
        self.field_bytes += piece.len();
        if self.field_bytes > MAX_FIELDS_BYTES {
            let message = format!("the fields but 'video' are larger than {MAX_FIELDS_BYTES} bytes");
            return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "FIELD_TOO_LARGE", message));
        }
        value.extend_from_slice(piece);
        Ok(())
    }

    async fn finish(mut self, folder: Scratch, place: OwnedSemaphorePermit) -> Result<Form, ApiError> {
        self.parser.finish().map_err(|error| self.video.bad_form(&error))?;
        self.video.flush().await?;
        if !self.has_video || self.video.bytes == 0 {
            let message = "the form has no field 'video': send an AVI, MP4 or MKV file in it";
            return Err(ApiError::bad_request("MISSING_VIDEO", message));
        }
        let mut form = Form {
            video: self.video.path,
            signal: Bytes::new(),
            signal_name: None,
            include_keypoints: false,
            save_overlay: None,
            pipeline: None,
            _folder: folder,
            _place: place,
        };
        let mut has_signal = false;
        for (name, file, value) in self.fields {
            match name.as_str() {
                "signal" => (form.signal, form.signal_name, has_signal) = (value.into(), file, true),
                "include_keypoints" => form.include_keypoints = flag("include_keypoints", &value)?,
                "save_overlay" => form.save_overlay = Some(flag("save_overlay", &value)?),
                "pipeline" => form.pipeline = Some(String::from_utf8_lossy(&value).trim().to_owned()),
                _ => {}
            }
        }
        if !has_signal {
            let message = "the form has no field 'signal': send the scoring apparatus's text log in it";
            return Err(ApiError::bad_request("MISSING_SIGNAL", message));
        }
        Ok(form)
    }
}

fn no_place() -> ApiError {
    let message = "too many videos are being received or analysed: try again later, or raise referee.max_streaming_sessions";
    ApiError::coded("SESSION_LIMIT", message)
}

fn flag(name: &str, value: &[u8]) -> Result<bool, ApiError> {
    match value.trim_ascii().to_ascii_lowercase().as_slice() {
        b"true" | b"1" | b"yes" | b"on" => Ok(true),
        b"false" | b"0" | b"no" | b"off" | b"" => Ok(false),
        _ => Err(ApiError::bad_request("BAD_FLAG", format!("the field '{name}' takes true or false"))),
    }
}

/// The file that the video goes to.
struct Video {
    path: PathBuf,
    /// With the thread that writes, while it does.
    file: Option<File>,
    /// Where it lies: whether there is room is asked before each write.
    artifacts: Artifacts,
    waiting: Vec<u8>,
    bytes: u64,
    max: u64,
}

impl Video {
    async fn write(&mut self, piece: &[u8]) -> Result<(), ApiError> {
        self.bytes += piece.len() as u64;
        if self.bytes > self.max {
            return Err(self.too_large());
        }
        self.waiting.extend_from_slice(piece);
        if self.waiting.len() >= WRITE_BYTES { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), ApiError> {
        let Some(mut file) = self.file.take() else { return Ok(()) };
        let waiting = std::mem::take(&mut self.waiting);
        let artifacts = self.artifacts.clone();
        let written = off_thread(move || {
            artifacts.check_room(waiting.len() as u64)?;
            file.write_all(&waiting)?;
            Ok(file)
        });
        self.file = Some(written.await?);
        Ok(())
    }

    fn bad_form(&self, error: &multipart::Error) -> ApiError {
        match error {
            multipart::Error::PartTooLarge { .. } => self.too_large(),
            _ => ApiError::bad_request(error.code(), error.to_string()),
        }
    }

    fn too_large(&self) -> ApiError {
        let message = format!("the video is larger than {} MB: raise referee.max_video_mb", self.max >> 20);
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "VIDEO_TOO_LARGE", message)
    }
}

fn unwritable(error: &io::Error) -> ApiError {
    if error.kind() != io::ErrorKind::StorageFull {
        tracing::warn!(%error, "a video cannot be kept");
    }
    let message = format!("the video cannot be kept in referee.output_dir: {error}");
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "OUTPUT_UNAVAILABLE", message)
}
