//! The joint table of all routes: where the faces meet, where their collisions are settled, and which right each one
//! needs.

use access::Scope::{Admin, Live, Publish, Record, View};
use http::{Method, StatusCode, Uri};

use crate::{
    auth::{
        Need::{Any, Keyed, LiveOrUpload, Nothing, On, Somewhere},
        Routes,
    },
    error::ApiError,
    openapi,
    routes::{
        analyses, control, keys, live_analysis, recorder, recordings, robot, simulator, streams, upload,
        viewer,
    },
};

/// Every route. What is not here is answered by [`unknown`], whatever else the router knows.
pub(crate) fn all() -> Routes {
    Routes::new()
        // 000: the viewer.
        .get("/", Any, viewer::index)
        .get("/assets/{*path}", Any, viewer::asset)
        .get("/stream", LiveOrUpload, viewer::stream)
        .get("/stats", Somewhere(Live), viewer::stats)
        .get("/stats-page", Any, viewer::stats_page)
        .get("/recordings", Any, viewer::recordings_page)
        .get("/api/wall", Somewhere(Live), viewer::wall)
        // 001: the stream server. 002's views of a session's stream are the same routes.
        .get("/publish/{name}", On(Publish), streams::publish_websocket)
        .post("/publish/{name}", On(Publish), streams::publish)
        .put("/publish/{name}", On(Publish), streams::publish_by_put)
        .get("/stream/{name}", On(Live), streams::view)
        .get("/stream/{name}/mjpeg", On(Live), streams::view_mjpeg)
        .get("/stream/{name}/embed", On(Live), streams::embed)
        .get("/stream/{name}/snapshot.jpg", On(Live), streams::snapshot)
        .get("/api/streams", Somewhere(Live), streams::list)
        .delete("/api/streams/{name}", On(Admin), streams::delete)
        .get("/api/streams/{name}/stats", On(Live), streams::stats)
        .get("/api/streams/{name}/recording", On(View), recorder::state)
        .post("/api/streams/{name}/recording", On(Record), recorder::command)
        .post("/api/streams/{name}/clip", On(Record), recorder::clip)
        .get("/api/streams/{name}/analysis", On(Live), live_analysis::state)
        .post("/api/streams/{name}/analysis", On(Admin), live_analysis::command)
        .delete("/api/streams/{name}/analysis", On(Admin), live_analysis::stop)
        .get("/api/recordings", Somewhere(View), recordings::list)
        .get("/api/recordings/{stream}/{file}", On(View), recordings::file)
        .delete("/api/recordings/{stream}/{file}", On(Admin), recordings::delete)
        .get("/api/recordings/{stream}/{file}/mjpeg", On(View), recordings::replay)
        .get("/api/recordings/{stream}/{file}/snapshot.jpg", On(View), recordings::still)
        // 003: frames of a phrase, and what came of them. The upload is a WebSocket of `/stream`.
        .get("/streaming/stats", Any, upload::streaming_stats)
        .post("/analyze", Somewhere(Publish), upload::analyze)
        .get("/analyses", Any, analyses::page)
        .get("/analyses/{id}", Any, analyses::result_page)
        .get("/api/analyses", Somewhere(View), analyses::list)
        .get("/api/analyses/{id}", Somewhere(View), analyses::result)
        .get("/api/analyses/{id}/{file}", Somewhere(View), analyses::file)
        // 002: simulator sessions.
        .post("/session/create", Somewhere(Publish), simulator::create)
        .get("/session/{id}", On(View), simulator::info)
        .post("/session/{id}/destroy", On(Publish), simulator::destroy)
        // 004: the robot's stream, always behind an API key.
        .get("/api/robot/stream", Keyed(View), robot::stream)
        .get("/api/robot/stream/stats", Keyed(View), robot::stats)
        // Keys.
        .post("/api/login", Nothing, keys::login)
        .post("/api/logout", Nothing, keys::logout)
        .post("/api/streams/{name}/share", On(View), keys::share)
        // Supervisors and monitors.
        .get("/health", Nothing, control::health)
        .get("/livez", Nothing, control::livez)
        .get("/readyz", Nothing, control::readyz)
        .get("/metrics", Somewhere(View), control::metrics)
        .get("/openapi.json", Any, openapi::description)
        .merge(
            openapi::page(),
            &[(Method::GET, "/docs", Any), (Method::GET, "/docs/", Any), (Method::GET, "/docs/{*rest}", Any)],
        )
        .method_not_allowed(wrong_method)
}

/// Where the table has no route.
pub(crate) fn unknown(uri: &Uri) -> ApiError {
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
