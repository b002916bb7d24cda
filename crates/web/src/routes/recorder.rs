//! A stream's recorder: whether it records, switching it on and off, and saving what has just been seen.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use hub::StreamName;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Name, OptionalJson, Query};
use crate::{
    BasePath,
    disk::Library,
    error::ApiError,
    live::Live,
    recording::{RecorderState, Recording},
    stats::round,
};

/// Whether and how a stream is being recorded.
#[utoipa::path(get, path = "/api/streams/{name}/recording", operation_id = "recording_state", tag = "recordings", params(("name" = String, Path)),
    responses((status = 200, description = "The recorder", body = RecorderState), (status = 404, description = "No such stream")))]
pub(crate) async fn state(
    State(live): State<Arc<Live>>,
    Name(name): Name,
) -> Result<Json<RecorderState>, ApiError> {
    live.stream(&name)?;
    Ok(Json(RecorderState::of(&live.recordings, &name)))
}

#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
pub(crate) struct Command {
    action: Option<Action>,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Action {
    Start,
    Stop,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Commanded {
    #[schema(example = "success")]
    status: &'static str,
    message: String,
    #[serde(flatten)]
    recorder: RecorderState,
}

/// Begin or end the recording of a stream.
#[utoipa::path(post, path = "/api/streams/{name}/recording", operation_id = "record_stream", tag = "recordings",
    params(("name" = String, Path), ("action" = Option<String>, Query, description = "start or stop, instead of the body")),
    request_body(content = Command, description = "{\"action\": \"start\" | \"stop\"}"),
    responses((status = 200, description = "Done", body = Commanded), (status = 404, description = "No such stream"),
        (status = 409, description = "There is nothing to stop"), (status = 503, description = "It cannot be recorded now")))]
pub(crate) async fn command(
    State(library): State<Arc<Library>>,
    Name(name): Name,
    Query(query): Query<Command>,
    OptionalJson(body): OptionalJson<Command>,
) -> Result<Json<Commanded>, ApiError> {
    let Some(action) = body.action.or(query.action) else {
        let message = "say what to do: {\"action\": \"start\"} or {\"action\": \"stop\"}";
        return Err(ApiError::bad_request("BAD_BODY", message));
    };
    match action {
        Action::Start => start(&library, name).await,
        Action::Stop => stop(&library, name).await,
    }
}

async fn start(library: &Library, name: StreamName) -> Result<Json<Commanded>, ApiError> {
    let (recordings, stream) = (library.recordings.clone(), name.clone());
    let activity = library.disk.ask(move || recordings.begin(&stream)).await?;
    tracing::info!(stream = %name, "recording begun by request");
    let recorder = RecorderState::from(activity);
    Ok(Json(Commanded { status: "success", message: format!("Stream '{name}' is being recorded"), recorder }))
}

async fn stop(library: &Library, name: StreamName) -> Result<Json<Commanded>, ApiError> {
    let (recordings, stream) = (library.recordings.clone(), name.clone());
    let activity = library.disk.ask(move || recordings.end(&stream)).await?;
    tracing::info!(stream = %name, "recording ended by request");
    let recorder = RecorderState::ended(activity);
    let message = format!("Stream '{name}' is not being recorded any more");
    Ok(Json(Commanded { status: "success", message, recorder }))
}

#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[schema(as = ClipWish)]
pub(crate) struct ClipRequest {
    /// How many seconds, 1 to 3600; 60 by default.
    seconds: Option<f64>,
}

impl ClipRequest {
    const DEFAULT: f64 = 60.0;
    const MAX: f64 = 3600.0;

    fn span(self) -> Result<Duration, ApiError> {
        let seconds = self.seconds.unwrap_or(Self::DEFAULT);
        if (1.0..=Self::MAX).contains(&seconds) {
            return Ok(Duration::from_secs_f64(seconds));
        }
        let message = format!("seconds={seconds}: allowed is 1 to {}", Self::MAX);
        Err(ApiError::bad_request("BAD_QUERY", message))
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Clip {
    #[schema(example = "success")]
    status: &'static str,
    recording: Recording,
    /// What there was to save: less than asked for, if the stream is younger.
    seconds: f64,
}

/// Save the last seconds of a stream as a recording of its own.
#[utoipa::path(post, path = "/api/streams/{name}/clip", operation_id = "save_clip", tag = "recordings",
    params(("name" = String, Path), ("seconds" = Option<f64>, Query, description = "Instead of the body")),
    request_body(content = ClipRequest, description = "{\"seconds\": 60}"),
    responses((status = 201, description = "Saved", body = Clip), (status = 400, description = "Too short or too long"),
        (status = 404, description = "No such stream"), (status = 409, description = "There is nothing to save"), (status = 503, description = "It cannot be saved now")))]
pub(crate) async fn clip(
    State(library): State<Arc<Library>>,
    base_path: BasePath,
    Name(name): Name,
    Query(query): Query<ClipRequest>,
    OptionalJson(body): OptionalJson<ClipRequest>,
) -> Result<Response, ApiError> {
    let span = ClipRequest { seconds: body.seconds.or(query.seconds) }.span()?;
    let (recordings, stream) = (library.recordings.clone(), name.clone());
    let metadata = library.disk.save(move || recordings.clip(&stream, span)).await?;
    tracing::info!(stream = %name, file = metadata.file, bytes = metadata.size_bytes, "clip saved by request");
    let seconds = round(metadata.duration_seconds, 3);
    let recording = Recording::new(metadata, &base_path);
    let clip = Clip { status: "success", recording, seconds };
    Ok((StatusCode::CREATED, Json(clip)).into_response())
}
