//! The joint table of all routes: where the faces meet, and where their collisions are settled.

use std::sync::Arc;

use axum::{
    Router,
    routing::{delete, get, post},
};
use http::{Method, StatusCode, Uri};

use crate::{
    App,
    error::ApiError,
    faces::{control, recorder, recordings, robot, streams, viewer},
    openapi,
};

pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        // 000: the viewer.
        .route("/", get(viewer::index))
        .route("/assets/{*path}", get(viewer::asset))
        .route("/stream", get(viewer::stream))
        .route("/stats", get(viewer::stats))
        .route("/stats-page", get(viewer::stats_page))
        .route("/recordings", get(viewer::recordings_page))
        .route("/api/wall", get(viewer::wall))
        // 001: the stream server. 002's views of a session's stream are the same routes.
        .route(
            "/publish/{name}",
            get(streams::publish_websocket).post(streams::publish).put(streams::publish_by_put),
        )
        .route("/stream/{name}", get(streams::view))
        .route("/stream/{name}/mjpeg", get(streams::view_mjpeg))
        .route("/stream/{name}/embed", get(streams::embed))
        .route("/stream/{name}/snapshot.jpg", get(streams::snapshot))
        .route("/api/streams", get(streams::list))
        .route("/api/streams/{name}", delete(streams::delete))
        .route("/api/streams/{name}/stats", get(streams::stats))
        .route("/api/streams/{name}/recording", get(recorder::state).post(recorder::command))
        .route("/api/streams/{name}/clip", post(recorder::clip))
        .route("/api/recordings", get(recordings::list))
        .route("/api/recordings/{stream}/{file}", get(recordings::file).delete(recordings::delete))
        .route("/api/recordings/{stream}/{file}/mjpeg", get(recordings::replay))
        .route("/api/recordings/{stream}/{file}/snapshot.jpg", get(recordings::still))
        // 004: the robot's stream, behind an API key.
        .route("/api/robot/stream", get(robot::stream))
        .route("/api/robot/stream/stats", get(robot::stats))
        // Supervisors and monitors.
        .route("/health", get(control::health))
        .route("/livez", get(control::livez))
        .route("/readyz", get(control::readyz))
        .route("/metrics", get(control::metrics))
        .route("/openapi.json", get(openapi::description))
        .merge(openapi::page())
        .fallback(unknown_route)
        .method_not_allowed_fallback(wrong_method)
        .with_state(app)
}

async fn unknown_route(uri: Uri) -> ApiError {
    let path: String = uri.path().chars().take(100).collect();
    let message =
        format!("no route {path}: GET /docs lists them all; a stream's name is letters, digits, '_' and '-'");
    ApiError::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
}

async fn wrong_method(method: Method, uri: Uri) -> ApiError {
    let path: String = uri.path().chars().take(100).collect();
    let message = format!("{path} does not take {method}: the Allow header names the methods that it takes");
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message)
}
