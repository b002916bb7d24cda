//! One frame as a JPEG. Of a live stream the newest: its ETag is the frame's number, and `?after=<seq>` waits for a
//! newer one. Of the past, or of a recording, the one that was shown then.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use hub::{Class, Frame, Rule, Start, Stream, StreamName, Subscriber};
use record::{RecordingId, Replay};
use serde::Deserialize;

use super::{Offset, Past, live_headers, replay};
use crate::{
    App, clock,
    error::ApiError,
    renditions::{Look, Wish},
};

/// Shorter than the time after which proxies give up on a silent response (60 s is the usual default).
const LONG_POLL: Duration = Duration::from_secs(25);
/// How long a snapshot of a stream without any frame waits: an on-demand source starts in this time.
const FIRST_FRAME: Duration = Duration::from_secs(5);

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Query {
    /// Number of the frame that the client has; the answer is a newer one.
    after: Option<u64>,
    /// Seconds to wait at most, 0 to 25.
    timeout: Option<f64>,
}

pub(crate) async fn response(
    stream: &Stream,
    query: &Query,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let Some(after) = query.after else { return newest(stream, headers).await };
    match next(stream, Start::After(after), query.patience()?).await? {
        Some(frame) => Ok(picture(&frame)),
        None => Ok(not_modified(after)),
    }
}

impl Query {
    fn patience(&self) -> Result<Duration, ApiError> {
        let Some(secs) = self.timeout else { return Ok(LONG_POLL) };
        Ok(Duration::try_from_secs_f64(secs).map_err(|_| bad_timeout(secs))?.min(LONG_POLL))
    }
}

fn bad_timeout(secs: f64) -> ApiError {
    let message = format!("timeout={secs}: allowed is 0 to {} seconds", LONG_POLL.as_secs());
    ApiError::bad_request("BAD_QUERY", message)
}

/// The same as a look of its own, which is made now unless others watch it already.
pub(crate) async fn rendition(
    app: &App,
    stream: &Stream,
    look: Look,
    query: &Query,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let newest = stream.newest().map_or(0, |frame| frame.seq);
    let rests = stream.is_on_demand() && !stream.demand().is_wanted();
    let wanted = match query.after {
        Some(after) if after <= newest => after + 1,
        _ if rests => newest + 1,
        _ => newest,
    };
    let patience = if query.after.is_some() { query.patience()? } else { FIRST_FRAME };
    let subscriber = app.renditions().subscribe(stream, Wish::new(look, None))?;
    let found = tokio::time::timeout(patience, frame_from(subscriber, wanted)).await;
    match (found, query.after) {
        (Ok(Some(frame)), _) if is_known(headers, &frame) => Ok(not_modified(frame.seq)),
        (Ok(Some(frame)), _) => Ok(picture(&frame)),
        (Ok(None), _) => Err(ApiError::stream_not_found(stream.name())),
        (Err(_elapsed), Some(after)) => Ok(not_modified(after)),
        (Err(_elapsed), None) => Err(no_frame(stream)),
    }
}

/// The first frame with at least this number; `None` if the stream ends before.
async fn frame_from(mut subscriber: Subscriber, seq: u64) -> Option<Arc<Frame>> {
    loop {
        let frame = subscriber.recv().await.ok()?.frame;
        if frame.seq >= seq {
            return Some(frame);
        }
    }
}

/// The newest frame, made now if the source works on demand.
async fn newest(stream: &Stream, headers: &HeaderMap) -> Result<Response, ApiError> {
    let resting = stream.demand().viewers == 0;
    let newest = match stream.newest() {
        Some(frame) if !(resting && stream.is_on_demand()) => Some(frame),
        Some(frame) => next(stream, Start::After(frame.seq), FIRST_FRAME).await?.or(Some(frame)),
        None => next(stream, Start::Newest, FIRST_FRAME).await?,
    };
    let frame = newest.ok_or_else(|| no_frame(stream))?;
    Ok(if is_known(headers, &frame) { not_modified(frame.seq) } else { picture(&frame) })
}

fn no_frame(stream: &Stream) -> ApiError {
    let message = format!("stream '{}' has no frame yet: try again shortly", stream.name());
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "NO_FRAME", message)
}

/// The client has this frame already.
fn is_known(headers: &HeaderMap, frame: &Frame) -> bool {
    headers.get(header::IF_NONE_MATCH).is_some_and(|tags| names(tags, &frame.seq.to_string()))
}

/// The next frame from `start`, `None` if none comes in time.
async fn next(stream: &Stream, start: Start, patience: Duration) -> Result<Option<Arc<Frame>>, ApiError> {
    let mut subscriber = stream.subscribe(Rule::Latest, Class::Viewer, start)?;
    match tokio::time::timeout(patience, subscriber.recv()).await {
        Ok(Ok(delivery)) => Ok(Some(delivery.frame)),
        Ok(Err(_closed)) => Err(ApiError::stream_not_found(stream.name())),
        Err(_elapsed) => Ok(None),
    }
}

/// The first frame of a stream that has none yet, if it comes in time.
pub(crate) async fn first_frame(stream: &Stream, patience: Duration) -> Result<Option<Arc<Frame>>, ApiError> {
    next(stream, Start::Newest, patience).await
}

/// What a live stream showed then.
pub(crate) async fn past(app: &App, stream: &StreamName, past: Past) -> Result<Response, ApiError> {
    let replay = replay::rewind(app, stream, past).await?;
    let frame = still(app, replay).await?;
    let mut headers = live_headers();
    describe(&mut headers, &frame);
    Ok((headers, frame.payload.clone()).into_response())
}

/// What a recording shows at `at`. A finished one stays as it is: a page may scrub through it without asking twice.
pub(crate) async fn recording(
    app: &App,
    id: RecordingId,
    at: Offset,
    request: &HeaderMap,
) -> Result<Response, ApiError> {
    let store = app.recordings().store().clone();
    let replay = app.disk().ask(move || Replay::open(&store, &id, at.0)).await?;
    let caching = if replay.is_growing() { "no-cache" } else { "private, max-age=3600" };
    let frame = still(app, replay).await?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    // Its number alone may come again when the stream is made anew.
    let millis = frame.received.wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
    let tag = format!("{}-{millis}", frame.seq);
    insert(&mut headers, header::ETAG, &format!("\"{tag}\""));
    if request.get(header::IF_NONE_MATCH).is_some_and(|tags| names(tags, &tag)) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    describe(&mut headers, &frame);
    Ok((headers, frame.payload.clone()).into_response())
}

async fn still(app: &App, replay: Replay) -> Result<Arc<Frame>, ApiError> {
    let found = app.disk().read(move || replay.still()).await?;
    found.map(|shown| shown.frame).ok_or_else(|| {
        let message = "the recording has no frame that can be read: try again shortly if it has just begun";
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "NO_FRAME", message)
    })
}

fn etag(seq: u64) -> HeaderValue {
    HeaderValue::try_from(format!("\"{seq}\"")).unwrap_or(HeaderValue::from_static("\"0\""))
}

/// RFC 9110 section 13.1.2, weak comparison; `*` names whatever there is.
fn names(tags: &HeaderValue, tag: &str) -> bool {
    let wanted = format!("\"{tag}\"");
    let is_named = |tag: &str| tag == "*" || tag.trim_start_matches("W/") == wanted;
    tags.to_str().is_ok_and(|tags| tags.split(',').any(|tag| is_named(tag.trim())))
}

fn picture(frame: &Frame) -> Response {
    let mut headers = live_headers();
    headers.insert(header::ETAG, etag(frame.seq));
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

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

fn not_modified(seq: u64) -> Response {
    let mut headers = live_headers();
    headers.insert(header::ETAG, etag(seq));
    (StatusCode::NOT_MODIFIED, headers).into_response()
}
