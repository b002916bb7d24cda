//! A live stream's analysis: starting and stopping it, and how it goes.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use super::{Name, OptionalJson};
use crate::{derived::AnalysisState, error::ApiError, live::Live};

#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct AnalysisCommand {
    /// Its name, or null to stop.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, example = "pose")]
    pipeline: Option<Option<String>>,
}

/// `null` is a value, too: it stops the analysis.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Whether and how a stream is being analysed.
#[utoipa::path(get, path = "/api/streams/{name}/analysis", operation_id = "analysis_state", tag = "upload", params(("name" = String, Path)),
    responses((status = 200, description = "The analysis", body = AnalysisState), (status = 404, description = "No such stream")))]
pub(crate) async fn state(
    State(live): State<Arc<Live>>,
    Name(name): Name,
) -> Result<Json<AnalysisState>, ApiError> {
    let stream = live.stream(&name)?;
    Ok(Json(AnalysisState::of(&live.derive, &stream)))
}

/// Analyse a stream from now on, or stop. It runs until it is stopped or the stream ends.
#[utoipa::path(post, path = "/api/streams/{name}/analysis", operation_id = "analyse_stream", tag = "upload", params(("name" = String, Path)),
    request_body(content = AnalysisCommand, description = "{\"pipeline\": \"pose\"}, or {\"pipeline\": null} to stop"),
    responses((status = 200, description = "Done", body = AnalysisState), (status = 400, description = "No such pipeline"),
        (status = 404, description = "No such stream"), (status = 503, description = "Its model is not loaded, or too many streams are analysed")))]
pub(crate) async fn command(
    State(live): State<Arc<Live>>,
    Name(name): Name,
    OptionalJson(body): OptionalJson<AnalysisCommand>,
) -> Result<Json<AnalysisState>, ApiError> {
    let stream = live.stream(&name)?;
    match body.pipeline {
        Some(Some(pipeline)) => {
            live.derive.start_analysis(&stream, &pipeline)?;
            tracing::info!(stream = %name, pipeline, "analysis begun by request");
        }
        Some(None) => drop(live.derive.stop_analysis(&stream)),
        None => {
            let message = "say what to do: {\"pipeline\": \"pose\"}, or {\"pipeline\": null} to stop";
            return Err(ApiError::bad_request("BAD_BODY", message));
        }
    }
    Ok(Json(AnalysisState::of(&live.derive, &stream)))
}

/// Stop analysing a stream.
#[utoipa::path(delete, path = "/api/streams/{name}/analysis", operation_id = "stop_analysis", tag = "upload", params(("name" = String, Path)),
    responses((status = 200, description = "Stopped, or not running", body = AnalysisState), (status = 404, description = "No such stream")))]
pub(crate) async fn stop(
    State(live): State<Arc<Live>>,
    Name(name): Name,
) -> Result<Json<AnalysisState>, ApiError> {
    let stream = live.stream(&name)?;
    if live.derive.stop_analysis(&stream) {
        tracing::info!(stream = %name, "analysis stopped by request");
    }
    Ok(Json(AnalysisState::of(&live.derive, &stream)))
}
