//! Every route: the right that it needs, and its handler, whose documentation states its method and path.

use access::Scope::{Admin, Live, Publish, Record, View};
use utoipa::OpenApi;

use super::{
    analyses, control, docs, keys, live_analysis, recorder, recordings, robot, simulator, streams, upload,
    viewer,
};
use crate::{
    App,
    auth::Need::{Any, Keyed, LiveOrUpload, Nothing, On, Somewhere},
    router::Router,
};

/// Each row becomes a route and its description.
macro_rules! documented {
    ($($need:expr => $module:ident::$handler:ident,)*) => {
        pastey::paste! {
            fn documented() -> Router<App> {
                Router::new()$(.documented::<$module::[<__path_ $handler>], _, _>($need, $module::$handler))*
            }
        }

        #[derive(OpenApi)]
        #[openapi(
            info(
                title = "Framehub",
                description = "One live-video hub for robots, simulators and cameras. Every error is \
                    `{\"error\": \"<what, and how to mend it>\", \"code\": \"<SNAKE_CASE>\"}`.",
                license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
            ),
            paths($($module::$handler),*),
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
        pub(crate) struct Description;
    };
}

documented! {
    // The viewer: the pages, the default stream, all streams over one WebSocket.
    Any => viewer::index,
    LiveOrUpload => viewer::stream,
    Somewhere(Live) => viewer::stats,
    Any => viewer::stats_page,
    Any => viewer::recordings_page,
    Somewhere(Live) => viewer::wall,
    // Streams by name; a simulator session's stream is viewed by the same routes.
    On(Publish) => streams::publish_websocket,
    On(Publish) => streams::publish,
    On(Publish) => streams::publish_by_put,
    On(Live) => streams::view,
    On(Live) => streams::view_mjpeg,
    On(Live) => streams::embed,
    On(Live) => streams::snapshot,
    Somewhere(Live) => streams::list,
    On(Admin) => streams::delete,
    On(Live) => streams::stats,
    On(View) => recorder::state,
    On(Record) => recorder::command,
    On(Record) => recorder::clip,
    On(Live) => live_analysis::state,
    On(Admin) => live_analysis::command,
    On(Admin) => live_analysis::stop,
    Somewhere(View) => recordings::list,
    On(View) => recordings::file,
    On(Admin) => recordings::delete,
    On(View) => recordings::replay,
    On(View) => recordings::still,
    // Uploads of a phrase's frames, and their analyses. The upload itself is a WebSocket of `/stream`.
    Any => upload::streaming_stats,
    Somewhere(Publish) => upload::analyze,
    Any => analyses::page,
    Any => analyses::result_page,
    Somewhere(View) => analyses::list,
    Somewhere(View) => analyses::result,
    Somewhere(View) => analyses::file,
    // Simulator sessions.
    Somewhere(Publish) => simulator::create,
    On(View) => simulator::info,
    On(Publish) => simulator::destroy,
    // The robot's stream, always behind an API key.
    Keyed(View) => robot::stream,
    Keyed(View) => robot::stats,
    // Keys.
    Nothing => keys::login,
    Nothing => keys::logout,
    On(View) => keys::share,
    // Supervisors and monitors.
    Nothing => control::health,
    Nothing => control::livez,
    Nothing => control::readyz,
    Somewhere(View) => control::metrics,
    Any => docs::description,
}

/// Every route, the pages' files included.
pub(crate) fn all() -> Router<App> {
    documented()
        .get("/assets/{*path}", Any, viewer::asset)
        .get("/docs", Any, docs::with_slash)
        .get("/docs/", Any, docs::page)
        .get("/docs/{*rest}", Any, docs::page_file)
}
