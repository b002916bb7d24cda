//! The OpenAPI description, gathered from the handlers themselves, and the page that shows it.

use std::sync::Arc;

use axum::{Json, Router, extract::State};
use utoipa::{OpenApi, openapi::Server};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::{
    App,
    routes::{
        analyses, control, keys, live_analysis, recorder, recordings, robot, simulator, streams, upload,
        viewer,
    },
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Framehub",
        description = "One live-video hub for robots, simulators and cameras. Every error is \
            `{\"error\": \"<what, and how to mend it>\", \"code\": \"<SNAKE_CASE>\"}`.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    paths(
        streams::publish,
        streams::publish_by_put,
        streams::publish_websocket,
        viewer::index,
        viewer::stream,
        streams::view,
        streams::view_mjpeg,
        streams::snapshot,
        streams::embed,
        viewer::wall,
        streams::list,
        streams::stats,
        streams::delete,
        live_analysis::state,
        live_analysis::command,
        live_analysis::stop,
        recorder::state,
        recorder::command,
        recorder::clip,
        recordings::list,
        recordings::file,
        recordings::delete,
        recordings::replay,
        recordings::still,
        upload::streaming_stats,
        upload::analyze,
        analyses::page,
        analyses::result_page,
        analyses::list,
        analyses::result,
        analyses::file,
        simulator::create,
        simulator::info,
        simulator::destroy,
        robot::stream,
        robot::stats,
        viewer::stats,
        viewer::stats_page,
        viewer::recordings_page,
        keys::login,
        keys::logout,
        keys::share,
        control::health,
        control::livez,
        control::readyz,
        control::metrics,
        description
    ),
    tags(
        (name = "publish", description = "Frames into a stream"),
        (name = "view", description = "Frames out of a stream"),
        (name = "recordings", description = "Streams on disk"),
        (name = "upload", description = "Phrases frame by frame, and their analysis"),
        (name = "sessions", description = "Simulator sessions; their errors have \"success\": false, too"),
        (name = "robot", description = "The robot's camera (always needs an API key)"),
        (name = "keys", description = "Logging in, and links that open one stream"),
        (name = "control", description = "Streams, statistics, health")
    )
)]
struct Description;

/// This description.
#[utoipa::path(get, path = "/openapi.json", operation_id = "openapi", tag = "control", responses((status = 200, description = "The description", content_type = "application/json", body = Object)))]
pub(crate) async fn description(State(app): State<Arc<App>>) -> Json<utoipa::openapi::OpenApi> {
    let mut description = Description::openapi();
    description.servers = Some(vec![Server::new(app.settings().base_path.at("/"))]);
    Json(description)
}

/// The API page at `/docs`.
pub(crate) fn page<S: Clone + Send + Sync + 'static>() -> Router<S> {
    SwaggerUi::new("/docs").config(Config::from("../openapi.json")).into()
}
