//! One frame as a JPEG. Of a live stream the newest, and `?after=` waits for a newer one than that of this number or
//! ETag. Of the past, or of a recording, the one that was shown then.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::response::{IntoResponse, Response};
use derive::Reader;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use hub::{Frame, Stream, StreamName, Want};
use record::RecordingId;
use serde::{Deserialize, Deserializer, de::Error};
use tokio::time::timeout;

use super::{Offset, Past, Views, as_published, live_headers};
use crate::{
    clock,
    download::{insert, is_known},
    error::ApiError,
};

/// Shorter than the time after which proxies give up on a silent response (60 s is the usual default).
const LONG_POLL: Duration = Duration::from_secs(25);
/// How long a snapshot of a stream without any frame waits: an on-demand source starts in this time.
const FIRST_FRAME: Duration = Duration::from_secs(5);

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Query {
    /// The frame that the client has; the answer is a newer one.
    #[serde(default, deserialize_with = "after")]
    after: Option<After>,
    /// Seconds to wait at most, 0 to 25.
    timeout: Option<f64>,
}

/// The newest frame as wanted, or the first one after `?after=`.
pub(crate) async fn live(
    views: &Views,
    stream: &Stream,
    want: &Want,
    query: &Query,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let there = views.derive.newest(stream, want)?;
    let newest_frame = there.clone().or_else(|| stream.newest());
    let newest = newest_frame.as_ref().map_or(0, |frame| frame.seq);
    // The newest frame of a source that rests is an old one.
    let rests = stream.is_on_demand() && !stream.demand().is_wanted();
    let wanted = match &query.after {
        Some(After::Number(after)) if *after <= newest => after + 1,
        Some(After::Tag(tag)) if newest_frame.as_deref().is_some_and(|frame| etag(frame) == *tag) => {
            newest + 1
        }
        None if rests => newest + 1,
        _ => newest,
    };
    let patience = query.patience()?;
    let found = match there.clone().filter(|frame| frame.seq >= wanted) {
        Some(frame) => Some(frame),
        None => wait_for(views.derive.subscribe(stream, want)?, wanted, patience).await?,
    };
    match found.or(there.filter(|_| query.after.is_none())) {
        Some(frame) if is_known(headers, &etag(&frame)) => Ok(not_modified(Some(&frame))),
        Some(frame) => Ok(picture(&frame)),
        None if query.after.is_some() => Ok(not_modified(newest_frame.as_deref())),
        None => Err(no_frame(stream)),
    }
}

/// Whether the stream has a frame that can be shown, or gets one while a client is likely to wait.
pub(crate) async fn has_frame(views: &Views, stream: &Stream) -> Result<bool, ApiError> {
    let want = as_published();
    if views.derive.newest(stream, &want)?.is_some() {
        return Ok(true);
    }
    Ok(wait_for(views.derive.subscribe(stream, &want)?, 0, FIRST_FRAME).await?.is_some())
}

/// The first frame with at least this number, if it comes in time.
async fn wait_for(mut reader: Reader, seq: u64, patience: Duration) -> Result<Option<Arc<Frame>>, ApiError> {
    let search = async {
        loop {
            match reader.recv().await {
                Ok(delivery) if delivery.frame.seq >= seq => return Ok(delivery.frame),
                Ok(_older) => {}
                Err(closed) => return Err(closed),
            }
        }
    };
    match timeout(patience, search).await {
        Ok(Ok(frame)) => Ok(Some(frame)),
        Ok(Err(_closed)) => Err(ApiError::stream_not_found(reader.stream().name())),
        Err(_elapsed) => Ok(None),
    }
}

impl Query {
    fn patience(&self) -> Result<Duration, ApiError> {
        let patience = match self.timeout {
            _ if self.after.is_none() => FIRST_FRAME,
            Some(secs) => Duration::try_from_secs_f64(secs).map_err(|_| bad_timeout(secs))?,
            None => LONG_POLL,
        };
        Ok(patience.min(LONG_POLL))
    }
}

fn bad_timeout(secs: f64) -> ApiError {
    let message = format!("timeout={secs}: allowed is 0 to {} seconds", LONG_POLL.as_secs());
    ApiError::bad_request("BAD_QUERY", message)
}

fn no_frame(stream: &Stream) -> ApiError {
    let message = format!("stream '{}' has no frame yet: try again shortly", stream.name());
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "NO_FRAME", message)
}

/// What a live stream showed then.
pub(crate) async fn past(views: &Views, stream: &StreamName, past: Past) -> Result<Response, ApiError> {
    let replay = views.replays.rewind(stream, past).await?;
    let frame = views.replays.still(replay).await?;
    let mut headers = live_headers();
    describe(&mut headers, &frame);
    Ok((headers, frame.payload.clone()).into_response())
}

/// What a recording shows at `at`. A finished one stays as it is: a page may scrub through it without asking twice.
pub(crate) async fn recording(
    views: &Views,
    id: RecordingId,
    at: Offset,
    request: &HeaderMap,
) -> Result<Response, ApiError> {
    let replay = views.replays.open(id, at).await?;
    let caching = if replay.is_growing() { "no-cache" } else { "private, max-age=3600" };
    let frame = views.replays.still(replay).await?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    let etag = etag(&frame);
    insert(&mut headers, header::ETAG, &etag);
    if is_known(request, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    describe(&mut headers, &frame);
    Ok((headers, frame.payload.clone()).into_response())
}

/// A frame's number alone comes again when its stream is made anew, and when the hub is.
fn etag(frame: &Frame) -> String {
    let since = frame.received.wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("\"{}-{:x}\"", frame.seq, since.as_micros())
}

/// How a client names the frame that it has.
#[derive(Debug)]
enum After {
    Number(u64),
    Tag(String),
}

/// A number, or an ETag, with its quotes or without.
fn after<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<After>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let bare = text.trim_start_matches("W/").trim_matches('"');
    if let Ok(number) = bare.parse() {
        return Ok(Some(After::Number(number)));
    }
    let is_tag = bare.split_once('-').is_some_and(|(number, _)| number.parse::<u64>().is_ok());
    let shown: String = text.chars().take(40).collect();
    is_tag
        .then(|| Some(After::Tag(format!("\"{bare}\""))))
        .ok_or_else(|| D::Error::custom(format!("after={shown}: allowed is a frame's number or its ETag")))
}

fn picture(frame: &Frame) -> Response {
    let mut headers = live_headers();
    insert(&mut headers, header::ETAG, &etag(frame));
    describe(&mut headers, frame);
    let age_ms = frame.age(clock::now().mono).as_secs_f64() * 1000.0;
    insert(&mut headers, HeaderName::from_static("x-frame-age-ms"), &format!("{age_ms:.1}"));
    (headers, frame.payload.clone()).into_response()
}

fn describe(headers: &mut HeaderMap, frame: &Frame) {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("image/jpeg"));
    headers.insert("x-frame-seq", HeaderValue::from(frame.seq));
    let timestamp = format!("{:.6}", frame.timestamp_unix_secs());
    insert(headers, HeaderName::from_static("x-timestamp"), &timestamp);
    if let Some(metadata) = &frame.metadata {
        insert(headers, HeaderName::from_static("x-frame-metadata"), &wire::publish::in_ascii(metadata));
    }
}

fn not_modified(newest: Option<&Frame>) -> Response {
    let mut headers = live_headers();
    if let Some(frame) = newest {
        insert(&mut headers, header::ETAG, &etag(frame));
    }
    (StatusCode::NOT_MODIFIED, headers).into_response()
}
