//! The robot's stream: one camera for many clients behind proxies. Always behind an API key.

use std::sync::Arc;

use access::{Grant, Scope};
use axum::{Json, extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::Number;
use utoipa::ToSchema;

use super::Query;
use crate::{
    App,
    auth::Granted,
    clock,
    error::ApiError,
    stats::round,
    view::{Rendition, Source, mjpeg, snapshot},
};

/// The robot's stream as MJPEG, with a steady heartbeat.
#[utoipa::path(get, path = "/api/robot/stream", operation_id = "robot_stream", tag = "robot", params(
    ("fps" = Option<f64>, Query, description = "Frames a second at most; 0: as published"),
    ("width" = Option<u32>, Query), ("height" = Option<u32>, Query), ("quality" = Option<u8>, Query),
    ("advance_headers" = Option<u8>, Query, description = "1: part headers sent ahead, as browsers need them; 0: with Content-Length")
), responses(
    (status = 200, content_type = "multipart/x-mixed-replace; boundary=frame", description = "MJPEG, without end"),
    (status = 401, description = "No API key, or a wrong one"),
    (status = 503, description = "No frame available yet")
))]
pub(crate) async fn stream(
    State(app): State<Arc<App>>,
    Query(query): Query<mjpeg::Query>,
    Query(rendition): Query<Rendition>,
    Granted(grant): Granted,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    check(&app, &grant)?;
    wait_for_first_frame(&app, &grant).await?;
    let views = app.views();
    let want = rendition.want().at_most(views.rate(query.fps));
    let streams = Arc::clone(&app);
    let source = Source::following(views, move || streams.robot_stream(&grant), want)?;
    let client = app.robot_clients().connect();
    Ok(mjpeg::tracked_response(views, source, client, &query, &headers))
}

/// Checks that the key opens the configured stream; without one, the stream is one of those that the key may view.
fn check(app: &App, grant: &Grant) -> Result<(), ApiError> {
    match &app.settings().robot.stream {
        Some(name) => Ok(grant.require(Scope::View, name)?),
        None => Ok(()),
    }
}

async fn wait_for_first_frame(app: &App, grant: &Grant) -> Result<(), ApiError> {
    if let Some(stream) = app.robot_stream(grant)
        && snapshot::has_frame(app.views(), &stream).await?
    {
        return Ok(());
    }
    let message = "No frame available yet: wait a second or two for the camera's first frame, and see that \
        something publishes the stream that streams.robot names";
    Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "NO_FRAME", message))
}

/// The fields of the robot stream's existing clients, and a few more.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RobotStats {
    active_clients: usize,
    frame_cache_enabled: bool,
    /// The most frames a second that a client is sent; without a cap, those of the last seconds.
    #[schema(value_type = f64)]
    stream_fps: Number,
    /// Of the newest frame; before the first, what the camera is asked for.
    #[schema(example = "640x480")]
    camera_resolution: String,
    jpeg_quality: u8,
    /// The stream's name, if it is live.
    stream: Option<String>,
    /// Frames a second over the last seconds.
    current_fps: f64,
    total_frames: u64,
    heartbeat_interval: f64,
}

/// Statistics of the robot's stream.
#[utoipa::path(get, path = "/api/robot/stream/stats", operation_id = "robot_stats", tag = "robot", responses(
    (status = 200, description = "The answer", body = RobotStats), (status = 401, description = "No API key, or a wrong one")
))]
pub(crate) async fn stats(
    State(app): State<Arc<App>>,
    Granted(grant): Granted,
) -> Result<Json<RobotStats>, ApiError> {
    check(&app, &grant)?;
    let settings = app.settings();
    let stats = app.robot_stream(&grant).map(|stream| stream.stats(clock::now()));
    let current_fps = stats.as_ref().map_or(0.0, |s| round(s.fps, 1));
    let (width, height) = stats
        .as_ref()
        .and_then(|s| s.format)
        .map_or(settings.robot.camera_size, |format| (format.width, format.height));
    Ok(Json(RobotStats {
        active_clients: app.robot_clients().active(),
        frame_cache_enabled: settings.robot.frame_cache,
        stream_fps: number(settings.stream_fps.unwrap_or(current_fps)),
        camera_resolution: format!("{width}x{height}"),
        jpeg_quality: settings.robot.jpeg_quality,
        current_fps,
        total_frames: stats.as_ref().map_or(0, |s| s.totals.frames),
        heartbeat_interval: settings.heartbeat.as_secs_f64(),
        stream: stats.map(|s| s.name.to_string()),
    }))
}

/// Whole rates without a fraction: clients expect 15, not 15.0.
fn number(rate: f64) -> Number {
    let whole = Number::from(rate as u64);
    if rate.fract() == 0.0 { whole } else { Number::from_f64(rate).unwrap_or(whole) }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn a_whole_rate_is_a_whole_number() {
        assert_eq!(number(15.0).to_string(), "15");
        assert_eq!(number(0.0).to_string(), "0");
        assert_eq!(number(7.5).to_string(), "7.5");
    }
}
