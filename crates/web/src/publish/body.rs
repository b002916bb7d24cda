//! Publishing by request body: a picture as the body, a form with the field `frame`, or a `multipart/x-mixed-replace`
//! body that never ends.

use std::{collections::VecDeque, future::Future, sync::Arc};

use axum::{body::Body, extract::Request};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body::Body as _;
use http_body_util::BodyExt;
use hub::{CaptureTime, Claim, Frame, StreamName};
use serde::Serialize;
use tokio::time::Instant;
use utoipa::ToSchema;
use wire::{
    multipart::{self, Event, Limits, Parser, Part},
    publish::Metadata,
};

use super::{Arrival, Ingest, Query, ingest::Refusal, ingest::too_large};
use crate::{App, error::ApiError};

/// Enough for any client's part header; more is an attack.
const MAX_HEADER_BYTES: usize = 8 * 1024;
/// The form field that carries the picture (document 001).
const FIELD: &str = "frame";

/// The answer to a published frame; to a body of many, with their totals.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Published {
    #[schema(example = "success")]
    status: &'static str,
    #[schema(example = "camera1")]
    stream: String,
    /// Bytes of the (last) frame as it was received.
    #[schema(example = 45678)]
    frame_size: usize,
    /// The (last) frame's number in the stream.
    seq: u64,
    /// Of a body of many frames: how many were taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    frames: Option<u64>,
    /// Of a body of many frames: how many were refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected: Option<u64>,
    /// Of a body of many frames: bytes taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
}

enum Kind {
    Picture,
    Form { boundary: String },
    Endless { boundary: String },
}

pub(crate) async fn publish(
    app: Arc<App>,
    name: StreamName,
    query: Query,
    request: Request,
) -> Result<Published, ApiError> {
    let (head, body) = request.into_parts();
    let mut body = Incoming { body, begun: VecDeque::new() };
    let kind = match choose(&head.headers)? {
        Some(kind) => kind,
        None => guess(&app, &mut body).await?,
    };
    match kind {
        Kind::Picture => {
            let ingest = Ingest::open(Arc::clone(&app), name, Claim::Shared)?;
            picture(&app, ingest, &head.headers, body).await
        }
        Kind::Form { boundary } => {
            let ingest = Ingest::open(Arc::clone(&app), name, Claim::Shared)?;
            form(&app, ingest, &boundary, body).await
        }
        Kind::Endless { boundary } => {
            let ingest = Ingest::open(Arc::clone(&app), name, query.claim())?;
            endless(&app, ingest, &boundary, body).await
        }
    }
}

/// What the content type says; `None` if it says nothing.
fn choose(headers: &HeaderMap) -> Result<Option<Kind>, ApiError> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let boundary = || multipart::boundary(text).map_err(|error| bad_multipart(&error));
    match essence.as_str() {
        "multipart/form-data" => Ok(Some(Kind::Form { boundary: boundary()? })),
        "multipart/x-mixed-replace" => Ok(Some(Kind::Endless { boundary: boundary()? })),
        "image/jpeg" | "image/jpg" | "image/pjpeg" | "image/png" => Ok(Some(Kind::Picture)),
        "" | "application/octet-stream" => Ok(None),
        other => {
            let message = format!(
                "content type '{other}' is not taken: send multipart/form-data with a field 'frame', \
                 image/jpeg, image/png, or multipart/x-mixed-replace"
            );
            Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_CONTENT_TYPE", message))
        }
    }
}

/// Without a content type (ffmpeg sends none) the first bytes decide: a body that begins with a delimiter is a
/// stream of parts, anything else has to be a picture.
async fn guess(app: &App, body: &mut Incoming) -> Result<Kind, ApiError> {
    let first = within(app, body.peek()).await??;
    let line = first.as_deref().unwrap_or_default().split(|&b| b == b'\n').next().unwrap_or_default();
    let boundary =
        line.strip_prefix(b"--").and_then(|rest| std::str::from_utf8(rest).ok()).map(str::trim_end);
    match boundary {
        Some(boundary) if !boundary.is_empty() => Ok(Kind::Endless { boundary: boundary.to_owned() }),
        _ => Ok(Kind::Picture),
    }
}

/// A request's body, some of which may have been looked at before.
struct Incoming {
    body: Body,
    begun: VecDeque<Bytes>,
}

impl Incoming {
    async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        if let Some(chunk) = self.begun.pop_front() {
            return Ok(Some(chunk));
        }
        loop {
            let Some(frame) = self.body.frame().await else { return Ok(None) };
            let frame = frame.map_err(|error| broken(&error))?;
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
    }

    async fn peek(&mut self) -> Result<Option<Bytes>, ApiError> {
        let chunk = self.next().await?;
        self.begun.extend(chunk.clone());
        Ok(chunk)
    }

    /// Bytes still to come, if the client said so.
    fn announced(&self) -> Option<u64> {
        let begun: u64 = self.begun.iter().map(|chunk| chunk.len() as u64).sum();
        self.body.size_hint().exact().map(|rest| rest + begun)
    }
}

/// Ends a wait for a frame's bytes that takes longer than `server.body_timeout_seconds`.
async fn within<T>(app: &App, work: impl Future<Output = T>) -> Result<T, ApiError> {
    unless_stopping(app, tokio::time::timeout(app.settings().body_timeout, work))
        .await?
        .map_err(|_| too_slow(app))
}

/// Ends a wait at shutdown: the streams have ended by then, so no frame that is still to come could be shown.
async fn unless_stopping<T>(app: &App, work: impl Future<Output = T>) -> Result<T, ApiError> {
    tokio::select! {
        done = work => Ok(done),
        () = app.shutdown().cancelled() => Err(hub::ClaimError::ShuttingDown.into()),
    }
}

async fn picture(
    app: &App,
    mut ingest: Ingest,
    headers: &HeaderMap,
    mut body: Incoming,
) -> Result<Published, ApiError> {
    let bytes = match within(app, collect(&mut body, app.settings().max_frame_bytes)).await? {
        Ok(bytes) => bytes,
        Err(error) => {
            ingest.count_rejected();
            return Err(error);
        }
    };
    let frame_size = bytes.len();
    let text = |name: &str| headers.get(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
    let arrival = arrival(bytes, text).inspect_err(|_| ingest.count_rejected())?;
    let frame = ingest.admit(arrival).await.map_err(Refusal::into_error)?;
    Ok(answer(&ingest, &frame, frame_size))
}

/// One copy, from the socket's chunks into a buffer of the frame's own size.
async fn collect(body: &mut Incoming, max: usize) -> Result<Bytes, ApiError> {
    let announced = body.announced();
    if announced.is_some_and(|length| length > max as u64) {
        return Err(too_large(max));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await? {
        if bytes.len() + chunk.len() > max {
            return Err(too_large(max));
        }
        if bytes.is_empty() {
            // Reserved only now that bytes have come: a promise alone costs nothing.
            bytes.reserve_exact(
                announced.and_then(|length| usize::try_from(length).ok()).unwrap_or(chunk.len()),
            );
        }
        bytes.extend_from_slice(&chunk);
    }
    if let Some(length) = announced.filter(|&length| length > bytes.len() as u64) {
        let message = format!("the body ended after {} of {length} bytes", bytes.len());
        return Err(ApiError::bad_request("BODY_TRUNCATED", message));
    }
    Ok(bytes.into_boxed_slice().into())
}

async fn form(
    app: &App,
    mut ingest: Ingest,
    boundary: &str,
    mut body: Incoming,
) -> Result<Published, ApiError> {
    let read = within(app, read_form(app, boundary, &mut body)).await.and_then(|inner| inner);
    let Part { headers, body: bytes } = read.inspect_err(|_| ingest.count_rejected())?;
    let frame_size = bytes.len();
    let arrival = arrival(bytes, |name| headers.get(name)).inspect_err(|_| ingest.count_rejected())?;
    let frame = ingest.admit(arrival).await.map_err(Refusal::into_error)?;
    Ok(answer(&ingest, &frame, frame_size))
}

/// The field with the picture; the others are read over.
async fn read_form(app: &App, boundary: &str, body: &mut Incoming) -> Result<Part, ApiError> {
    let max = app.settings().max_frame_bytes;
    if body.announced().is_some_and(|length| length > (max + MAX_HEADER_BYTES) as u64) {
        return Err(too_large(max));
    }
    let mut parser = parser(app, boundary, body.announced()).close_required();
    let mut found = None;
    let mut others = Vec::new();
    while let Some(chunk) = body.next().await? {
        let mut input = &chunk[..];
        while let Some(event) = parser.feed(&mut input).map_err(|error| bad_multipart(&error))? {
            let Event::Part(part) = event else { continue };
            match part.headers.name() {
                Some(FIELD) if found.is_none() => found = Some(part),
                Some(FIELD) => {
                    return Err(ApiError::bad_request("MANY_FRAMES", "send one field 'frame' a request"));
                }
                other if others.len() < 8 => {
                    others.push(other.unwrap_or("(unnamed)").chars().take(40).collect())
                }
                _ => {}
            }
        }
    }
    parser.finish().map_err(|error| bad_multipart(&error))?;
    found.ok_or_else(|| missing_field(&others))
}

fn missing_field(others: &[String]) -> ApiError {
    let got =
        if others.is_empty() { "no field at all".to_owned() } else { format!("only {}", others.join(", ")) };
    let message = format!("the form has no field 'frame' ({got}): send the picture in the field 'frame'");
    ApiError::bad_request("MISSING_FRAME", message)
}

/// Publishes each part as it comes. A part that is no picture is counted and passed over: one torn frame must not
/// end a camera's connection.
async fn endless(
    app: &App,
    mut ingest: Ingest,
    boundary: &str,
    mut body: Incoming,
) -> Result<Published, ApiError> {
    let mut parser = parser(app, boundary, None);
    let mut totals = Totals::default();
    let mut deadline = Deadline::new(app);
    while let Some(chunk) = deadline.wait(body.next()).await?? {
        let mut input = &chunk[..];
        while let Some(event) = parser.feed(&mut input).map_err(|error| bad_multipart(&error))? {
            match event {
                Event::Part(part) => totals.take(&mut ingest, part).await?,
                Event::End => return totals.answer(&ingest),
            }
            deadline.frame_done();
        }
        deadline.progress(parser.in_part());
    }
    parser.finish().map_err(|error| bad_multipart(&error))?;
    totals.answer(&ingest)
}

/// Between frames a publisher may rest for long; within a frame its bytes have to come.
struct Deadline<'a> {
    app: &'a App,
    in_part: bool,
    at: Instant,
}

impl<'a> Deadline<'a> {
    fn new(app: &'a App) -> Self {
        Self { app, in_part: false, at: Instant::now() + app.settings().publisher_idle }
    }

    async fn wait<T>(&self, work: impl Future<Output = T>) -> Result<T, ApiError> {
        let done = unless_stopping(self.app, tokio::time::timeout_at(self.at, work)).await?;
        done.map_err(|_| too_slow(self.app))
    }

    fn frame_done(&mut self) {
        self.in_part = false;
        self.at = Instant::now() + self.app.settings().publisher_idle;
    }

    fn progress(&mut self, in_part: bool) {
        if in_part && !self.in_part {
            self.in_part = true;
            self.at = Instant::now() + self.app.settings().body_timeout;
        }
    }
}

#[derive(Default)]
struct Totals {
    frames: u64,
    rejected: u64,
    bytes: u64,
    last: Option<(Arc<Frame>, usize)>,
    last_error: Option<ApiError>,
}

impl Totals {
    async fn take(&mut self, ingest: &mut Ingest, part: Part) -> Result<(), ApiError> {
        let Part { headers, body } = part;
        let frame_size = body.len();
        let arrived = match arrival(body, |name| headers.get(name)) {
            Ok(arrival) => ingest.admit(arrival).await,
            Err(error) => {
                ingest.count_rejected();
                Err(Refusal::Picture(error))
            }
        };
        match arrived {
            Ok(frame) => {
                self.frames += 1;
                self.bytes += frame_size as u64;
                self.last = Some((frame, frame_size));
            }
            Err(Refusal::Picture(error)) => {
                self.rejected += 1;
                tracing::debug!(stream = %ingest.name(), error = error.message(), "frame refused");
                self.last_error = Some(error);
            }
            Err(Refusal::Stream(error)) => return Err(error),
        }
        Ok(())
    }

    fn answer(self, ingest: &Ingest) -> Result<Published, ApiError> {
        let Some((frame, frame_size)) = self.last else {
            let none = || ApiError::bad_request("MISSING_FRAME", "the body ended without a single frame");
            return Err(self.last_error.unwrap_or_else(none));
        };
        let mut published = answer(ingest, &frame, frame_size);
        published.frames = Some(self.frames);
        published.rejected = Some(self.rejected);
        published.bytes = Some(self.bytes);
        Ok(published)
    }
}

fn parser(app: &App, boundary: &str, announced: Option<u64>) -> Parser {
    let limits =
        Limits { max_part_bytes: app.settings().max_frame_bytes, max_header_bytes: MAX_HEADER_BYTES };
    Parser::new(boundary, limits).with_total(announced)
}

/// `X-Timestamp` (Unix seconds, the capture time), `X-Frame-Seq` (the publisher's own number) and `X-Frame-Metadata`
/// (what a WebSocket publisher says in a text message) travel with a frame.
fn arrival<'a>(bytes: Bytes, header: impl Fn(&str) -> Option<&'a str>) -> Result<Arrival, ApiError> {
    let said = match header("x-frame-metadata") {
        Some(text) => Metadata::parse(text).map_err(|error| bad_metadata(&error))?,
        None => Metadata::default(),
    };
    let captured = header("x-timestamp").and_then(|text| text.trim().parse().ok()).or(said.captured);
    Ok(Arrival {
        bytes,
        captured: captured.and_then(CaptureTime::from_unix_secs),
        source_seq: header("x-frame-seq").and_then(|text| text.trim().parse().ok()).or(said.seq),
        metadata: said.rest,
    })
}

fn bad_metadata(error: &wire::publish::Error) -> ApiError {
    let message = match error {
        // Its own words speak of a WebSocket's messages.
        wire::publish::Error::NotAnObject { reason } => {
            format!("the header X-Frame-Metadata is no JSON object: {reason}")
        }
        other => format!("the header X-Frame-Metadata: {other}"),
    };
    ApiError::bad_request(error.code(), message)
}

fn answer(ingest: &Ingest, frame: &Frame, frame_size: usize) -> Published {
    Published {
        status: "success",
        stream: ingest.name().to_string(),
        frame_size,
        seq: frame.seq,
        frames: None,
        rejected: None,
        bytes: None,
    }
}

fn bad_multipart(error: &multipart::Error) -> ApiError {
    match error {
        // The same trouble as in a body that is the picture itself, so the same words.
        multipart::Error::PartTooLarge { limit, .. } => too_large(*limit),
        _ => ApiError::bad_request(error.code(), error.to_string()),
    }
}

fn broken(error: &axum::Error) -> ApiError {
    ApiError::bad_request("BODY_TRUNCATED", format!("the body broke off: {error}"))
}

fn too_slow(app: &App) -> ApiError {
    let secs = app.settings().body_timeout.as_secs_f64();
    let message = format!(
        "the frame's bytes did not come within {secs} s: send faster, or raise server.body_timeout_seconds"
    );
    ApiError::new(StatusCode::REQUEST_TIMEOUT, "BODY_TIMEOUT", message)
}
