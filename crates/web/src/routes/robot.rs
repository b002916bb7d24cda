//! The robot's stream: one camera for many clients behind proxies. Always behind an API key.

use std::sync::Arc;

use access::{Grant, Scope};
use axum::{Json, extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use hub::Stream;
use serde::Serialize;
use serde_json::Number;
use utoipa::ToSchema;

use super::Query;
use crate::{
    RobotInfo,
    auth::Granted,
    clock,
    error::ApiError,
    live::Live,
    stats::round,
    view::{Clients, Rendition, Source, Views, mjpeg, snapshot},
};

/// The robot's stream, and its clients.
#[derive(Debug)]
pub(crate) struct Robot {
    pub(crate) info: RobotInfo,
    pub(crate) clients: Arc<Clients>,
}

impl Robot {
    fn stream(&self, live: &Live, grant: &Grant) -> Option<Stream> {
        let name = self.info.stream.as_ref().or(live.default.as_ref());
        live.stream_or_oldest(name, grant)
    }

    /// Checks that the key opens the configured stream; without one, the stream is one of those that the key may view.
    fn check(&self, grant: &Grant) -> Result<(), ApiError> {
        match &self.info.stream {
            Some(name) => Ok(grant.require(Scope::View, name)?),
            None => Ok(()),
        }
    }
}

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
    State(robot): State<Arc<Robot>>,
    State(live): State<Arc<Live>>,
    State(views): State<Arc<Views>>,
    Query(query): Query<mjpeg::Query>,
    Query(rendition): Query<Rendition>,
    Granted(grant): Granted,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    robot.check(&grant)?;
    let stream = robot.stream(&live, &grant);
    wait_for_first_frame(&views, stream).await?;
    let want = rendition.want().at_most(query.fps.map_or(robot.info.fps, |fps| fps.0));
    let playing = Arc::clone(&robot);
    let source = Source::following(&views, move || playing.stream(&live, &grant), want)?;
    let client = robot.clients.connect();
    Ok(mjpeg::response(&views, source, Some(client), &query, &headers))
}

async fn wait_for_first_frame(views: &Views, stream: Option<Stream>) -> Result<(), ApiError> {
    if let Some(stream) = stream
        && snapshot::has_frame(views, &stream).await?
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
    State(robot): State<Arc<Robot>>,
    State(live): State<Arc<Live>>,
    State(views): State<Arc<Views>>,
    Granted(grant): Granted,
) -> Result<Json<RobotStats>, ApiError> {
    robot.check(&grant)?;
    let stats = robot.stream(&live, &grant).map(|stream| stream.stats(clock::now()));
    let current_fps = stats.as_ref().map_or(0.0, |s| round(s.fps, 1));
    let (width, height) = stats
        .as_ref()
        .and_then(|s| s.format)
        .map_or(robot.info.camera_size, |format| (format.width, format.height));
    Ok(Json(RobotStats {
        active_clients: robot.clients.active(),
        frame_cache_enabled: robot.info.frame_cache,
        stream_fps: number(robot.info.fps.unwrap_or(current_fps)),
        camera_resolution: format!("{width}x{height}"),
        jpeg_quality: robot.info.jpeg_quality,
        current_fps,
        total_frames: stats.as_ref().map_or(0, |s| s.totals.frames),
        heartbeat_interval: views.heartbeat.as_secs_f64(),
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
