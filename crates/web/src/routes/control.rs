//! Health, probes and metrics, for supervisors and monitors.

use std::{sync::Arc, time::SystemTime};

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{auth::Granted, clock, error::ApiError, metrics::Monitor};

const SECS_PER_DAY: u64 = 24 * 60 * 60;

/// The union of the fields that existing clients read (docs/ref/compatibility.md).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    #[schema(example = "healthy")]
    status: &'static str,
    active_streams: usize,
    max_streams: usize,
    recording_enabled: bool,
    config: HealthConfig,
    service: &'static str,
    version: &'static str,
    isaac_sim_ip: String,
    /// Text, as existing clients expect it.
    isaac_sim_port: String,
    active_sessions: usize,
    timestamp: String,
    model_loaded: bool,
    model_path: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HealthConfig {
    timeout_seconds: u64,
    max_buffer_frames: usize,
    retention_days: u64,
}

/// Health and configuration in short. Streams and sessions are counted that the request may see.
#[utoipa::path(get, path = "/health", tag = "control", responses((status = 200, description = "The answer", body = Health)))]
pub(crate) async fn health(State(monitor): State<Arc<Monitor>>, Granted(grant): Granted) -> Json<Health> {
    let (info, live) = (&monitor.health, &monitor.live);
    let (limits, recording) = (live.hub.limits(), live.recordings.config());
    Json(Health {
        status: "healthy",
        active_streams: live.hub.streams().iter().filter(|stream| grant.shows(stream.name())).count(),
        max_streams: limits.streams,
        recording_enabled: recording.automatic,
        config: HealthConfig {
            timeout_seconds: info.stream_timeout.as_secs(),
            max_buffer_frames: limits.ring.frames,
            retention_days: recording.retention.max_age.as_secs() / SECS_PER_DAY,
        },
        service: "framehub",
        version: env!("CARGO_PKG_VERSION"),
        isaac_sim_ip: info.simulator_ip.clone(),
        isaac_sim_port: info.simulator_port.to_string(),
        active_sessions: live.simulators.count(|id| grant.shows(id)),
        timestamp: clock::rfc3339(SystemTime::now()),
        model_loaded: info.model_loaded,
        model_path: info.model_path.clone(),
    })
}

/// The process runs.
#[utoipa::path(get, path = "/livez", tag = "control", responses((status = 200, description = "Yes", content_type = "text/plain", body = String)))]
pub(crate) async fn livez() -> &'static str {
    "ok\n"
}

/// New clients may be sent here.
#[utoipa::path(get, path = "/readyz", tag = "control",
    responses((status = 200, description = "Yes", content_type = "text/plain", body = String), (status = 503, description = "Shutting down")))]
pub(crate) async fn readyz(State(monitor): State<Arc<Monitor>>) -> Result<&'static str, ApiError> {
    if monitor.shutdown.is_cancelled() {
        let message = "the hub is shutting down";
        return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "SHUTTING_DOWN", message));
    }
    Ok("ok\n")
}

/// Metrics for Prometheus: of the streams that the key may see.
#[utoipa::path(get, path = "/metrics", tag = "control",
    responses((status = 200, description = "The metrics", content_type = "application/openmetrics-text", body = String)))]
pub(crate) async fn metrics(State(monitor): State<Arc<Monitor>>, Granted(grant): Granted) -> Response {
    match monitor.expose(&grant) {
        Ok(text) => {
            let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, content_type)], text).into_response()
        }
        Err(error) => {
            let message = format!("the metrics cannot be written: {error}");
            ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", message).into_response()
        }
    }
}
