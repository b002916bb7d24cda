//! The viewer: its pages, the default stream, its statistics.

use std::sync::Arc;

use access::{Grant, Scope};
use axum::{
    Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use hub::Stream;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Query, Tail, streams::ViewRequest};
use crate::{
    auth::{Granted, Ticket},
    clock,
    error::ApiError,
    live::Live,
    metrics::Monitor,
    pages,
    stats::{StreamInfo, round},
    upload::{self, Uploading},
    view::{Source, Views, mjpeg, wall},
    websocket,
};

/// The page: all streams, or one of them large.
#[utoipa::path(get, path = "/", tag = "view", responses((status = 200, description = "The page", content_type = "text/html", body = String)))]
pub(crate) async fn index(ticket: Ticket, headers: HeaderMap) -> Response {
    pages::page("index.html", &headers, ticket.0.as_deref())
}

/// The statistics as a page.
#[utoipa::path(get, path = "/stats-page", tag = "control", responses((status = 200, description = "The page", content_type = "text/html", body = String)))]
pub(crate) async fn stats_page(ticket: Ticket, headers: HeaderMap) -> Response {
    pages::page("stats.html", &headers, ticket.0.as_deref())
}

/// What was recorded, as a page: a timeline, a player, the files.
#[utoipa::path(get, path = "/recordings", tag = "view", responses((status = 200, description = "The page", content_type = "text/html", body = String)))]
pub(crate) async fn recordings_page(ticket: Ticket, headers: HeaderMap) -> Response {
    pages::page("recordings.html", &headers, ticket.0.as_deref())
}

pub(crate) async fn asset(Tail(path): Tail, headers: HeaderMap) -> Response {
    // Behind a ticket lies the file itself.
    let behind = path.strip_prefix(pages::TICKET).and_then(|rest| rest.split_once('/'));
    let file = behind.map_or(&*path, |(_ticket, file)| file);
    pages::file(file, &headers)
}

/// All streams of a page over one WebSocket.
#[utoipa::path(get, path = "/api/wall", tag = "view", responses(
    (status = 101, description = "A WebSocket: lists of streams, and the frames of those that the client watches"),
    (status = 426, description = "Not a WebSocket handshake")
))]
pub(crate) async fn wall(
    State(live): State<Arc<Live>>,
    State(views): State<Arc<Views>>,
    Granted(grant): Granted,
    request: Request,
) -> Result<Response, ApiError> {
    if websocket::is_upgrade(&request) {
        let shown = grant.clone();
        let list = move || {
            let default = live.default_stream(&shown);
            let list = StreamInfo::all(&live, &shown);
            wire::wall::streams(default.as_ref().map(|stream| stream.name().as_str()), &list)
        };
        Ok(wall::response(views, grant, Box::new(list), request))
    } else {
        Err(websocket::upgrade_required())
    }
}

/// The default stream as MJPEG. Never 404: until a first frame it shows a waiting picture. As a WebSocket, the upload
/// of a phrase.
#[utoipa::path(get, path = "/stream", tag = "view", params(
    ("fps" = Option<f64>, Query, description = "Frames a second at most; 0: as published"),
    ("width" = Option<u32>, Query, description = "Pixels; one side alone keeps the proportions, no picture is made larger"),
    ("height" = Option<u32>, Query), ("quality" = Option<u8>, Query, description = "Of the JPEG, 1 to 100"),
    ("advance_headers" = Option<u8>, Query, description = "1: part headers sent ahead, as browsers need them; 0: with Content-Length"),
    ("t" = Option<String>, Query, description = "As it was: -30s, -1.5m, -1h, or a time (RFC 3339). Played on from there")
), responses((status = 200, content_type = "multipart/x-mixed-replace; boundary=frame", description = "MJPEG")))]
pub(crate) async fn stream(
    State(live): State<Arc<Live>>,
    State(views): State<Arc<Views>>,
    State(uploading): State<Arc<Uploading>>,
    Query(query): Query<mjpeg::Query>,
    view: ViewRequest,
    request: Request,
) -> Result<Response, ApiError> {
    if websocket::is_upgrade(&request) {
        return upload::websocket::response(uploading, view.grant, request);
    }
    view.grant.require_somewhere(Scope::Live)?;
    let source = if view.is_of_one_stream() {
        let stream = default_stream(&live, &view.grant)?;
        view.source(&views, &stream, query.fps).await?
    } else {
        let want = view.want(views.rate(query.fps));
        Source::following(&views, move || live.default_stream(&view.grant), want)?
    };
    Ok(mjpeg::response(&views, source, None, &query, request.headers()))
}

/// A past and an analysis need one stream that is live.
fn default_stream(live: &Live, grant: &Grant) -> Result<Stream, ApiError> {
    live.default_stream(grant).ok_or_else(|| {
        let message = "no stream is live that could be rewound or analysed: publish to /publish/{name}";
        ApiError::new(StatusCode::NOT_FOUND, "STREAM_NOT_FOUND", message)
    })
}

/// Statistics of the default stream.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ViewerStats {
    frames_received: u64,
    frames_served: u64,
    frames_dropped: u64,
    clients_connected: usize,
    uptime_seconds: f64,
    /// Frames a second over the last seconds.
    current_fps: f64,
    server_running: bool,
    host: String,
    port: u16,
    /// The default stream's name.
    stream: Option<String>,
    version: &'static str,
}

/// Statistics of the default stream.
#[utoipa::path(get, path = "/stats", tag = "control", responses((status = 200, description = "The answer", body = ViewerStats)))]
pub(crate) async fn stats(State(monitor): State<Arc<Monitor>>, Granted(grant): Granted) -> impl IntoResponse {
    let now = clock::now();
    let stats = monitor.live.default_stream(&grant).map(|stream| stream.stats(now));
    let totals = stats.as_ref().map(|s| s.totals).unwrap_or_default();
    let address = monitor.address;
    Json(ViewerStats {
        frames_received: totals.frames,
        frames_served: totals.served,
        frames_dropped: totals.skipped,
        clients_connected: stats.as_ref().map_or(0, |s| s.demand.viewers),
        uptime_seconds: round(now.mono.saturating_duration_since(monitor.started.mono).as_secs_f64(), 1),
        current_fps: stats.as_ref().map_or(0.0, |s| round(s.fps, 1)),
        server_running: !monitor.shutdown.is_cancelled(),
        host: address.ip().to_string(),
        port: address.port(),
        stream: stats.map(|s| s.name.to_string()),
        version: env!("CARGO_PKG_VERSION"),
    })
}
