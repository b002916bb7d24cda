//! Streams by name: publish, view, list, statistics, delete.

use std::sync::Arc;

use access::{Grant, Scope};
use axum::{
    Json,
    extract::{FromRequestParts, Request, State},
    response::Response,
};
use http::{HeaderMap, StatusCode, request::Parts};
use hub::{Stream, StreamName, Want};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Name, Query};
use crate::{
    auth::{Granted, Ticket},
    clock,
    error::ApiError,
    live::Live,
    pages,
    publish::{self, Publishing, frame::Published},
    stats::{StreamDetail, StreamInfo},
    view::{Fps, Past, Rendition, Source, Views, mjpeg, snapshot, websocket as websocket_view},
    websocket,
};

/// Publish a frame, or frames without end.
#[utoipa::path(post, path = "/publish/{name}", tag = "publish", params(
    ("name" = String, Path, description = "1 to 64 letters, digits, '_' or '-'; the first frame creates the stream"),
    ("takeover" = Option<u8>, Query, description = "1: a never-ending body replaces a connected publisher")
), request_body(content(
    (String = "multipart/form-data"), (Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"), (Vec<u8> = "multipart/x-mixed-replace")
), description = "A form with the picture in the field 'frame'; the picture itself; or a part a frame, without end. The headers X-Timestamp (Unix seconds), X-Frame-Seq and X-Frame-Metadata (a JSON object, 4 kB), of the request or of the part, travel with the frame"),
responses(
    (status = 200, description = "The answer", body = Published),
    (status = 400, description = "No frame, an empty or a truncated one, or a bad stream name"),
    (status = 409, description = "Another connection publishes this stream"),
    (status = 413, description = "Larger than server.max_frame_size_mb"),
    (status = 415, description = "Not an image that the hub takes"),
    (status = 503, description = "The stream limit is reached")
))]
pub(crate) async fn publish(
    State(publishing): State<Arc<Publishing>>,
    Name(name): Name,
    Query(query): Query<publish::Query>,
    request: Request,
) -> Result<Json<Published>, ApiError> {
    publish::body::publish(publishing, name, query, request).await.map(Json)
}

/// The same as POST: ffmpeg and curl upload with PUT.
#[utoipa::path(put, path = "/publish/{name}", tag = "publish", params(("name" = String, Path), ("takeover" = Option<u8>, Query)),
    request_body(content((Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"), (Vec<u8> = "multipart/x-mixed-replace"))),
    responses((status = 200, description = "The answer", body = Published), (status = 400, description = "Malformed"), (status = 409, description = "Another connection publishes it"), (status = 413, description = "Too large"), (status = 415, description = "Not an image that the hub takes"), (status = 503, description = "At a limit")))]
pub(crate) async fn publish_by_put(
    state: State<Arc<Publishing>>,
    name: Name,
    query: Query<publish::Query>,
    request: Request,
) -> Result<Json<Published>, ApiError> {
    publish(state, name, query, request).await
}

/// Publish over a WebSocket: a binary message a frame, a text message the metadata of the next one.
#[utoipa::path(get, path = "/publish/{name}", tag = "publish", params(
    ("name" = String, Path), ("ack" = Option<u8>, Query, description = "1: a JSON acknowledgement a frame"),
    ("takeover" = Option<u8>, Query),
    ("demand" = Option<u8>, Query, description = "1: {\"type\":\"demand\",\"viewers\":0,\"services\":1} at once and, after the first frame, whenever the readers of the stream change; refused frames are reported, too")
), responses((status = 101, description = "A WebSocket"), (status = 409, description = "Another connection publishes it"), (status = 426, description = "Not a WebSocket handshake")))]
pub(crate) async fn publish_websocket(
    State(publishing): State<Arc<Publishing>>,
    Name(name): Name,
    Query(query): Query<publish::Query>,
    request: Request,
) -> Result<Response, ApiError> {
    if !websocket::is_upgrade(&request) {
        return Err(websocket::upgrade_required());
    }
    publish::websocket::response(publishing, name, query, request)
}

/// View a stream: MJPEG, or with an upgrade the WebSocket view.
#[utoipa::path(get, path = "/stream/{name}", tag = "view", params(
    ("name" = String, Path), ("fps" = Option<f64>, Query), ("advance_headers" = Option<u8>, Query),
    ("width" = Option<u32>, Query, description = "Pixels; one side alone keeps the proportions, no picture is made larger"),
    ("height" = Option<u32>, Query), ("quality" = Option<u8>, Query, description = "Of the JPEG, 1 to 100"),
    ("format" = Option<String>, Query, description = "Of the WebSocket view: json (default) or binary"),
    ("relay" = Option<u8>, Query, description = "Of the WebSocket view of a simulator session: 0 leaves out the simulator's own messages"),
    ("metadata" = Option<u8>, Query, description = "1: before each frame of the WebSocket view a text with its number and metadata"),
    ("overlay" = Option<String>, Query, description = "Name of a running analysis: the frames that it has analysed, with its findings in their metadata"),
    ("t" = Option<String>, Query, description = "As it was: -30s, -1.5m, -1h, or a time (RFC 3339). Played on from there")
), responses(
    (status = 200, content_type = "multipart/x-mixed-replace; boundary=frame", description = "MJPEG"),
    (status = 101, description = "A WebSocket"), (status = 404, description = "No such stream, or not recorded then")
))]
pub(crate) async fn view(
    State(live): State<Arc<Live>>,
    State(views): State<Arc<Views>>,
    Name(name): Name,
    Query(query): Query<mjpeg::Query>,
    Query(socket_query): Query<websocket_view::Query>,
    view: ViewRequest,
    request: Request,
) -> Result<Response, ApiError> {
    let (is_live, may_signal) = (view.moment.t.is_none(), view.grant.allows(Scope::Signal, &name));
    let stream = match live.stream(&name) {
        Ok(stream) => stream,
        Err(_unknown) if websocket::is_upgrade(&request) => {
            return Ok(websocket_view::unknown(&name, request));
        }
        Err(unknown) => return Err(unknown),
    };
    let source = view.source(&views, &stream, query.fps).await?;
    if websocket::is_upgrade(&request) {
        let client = if is_live { live.simulators.join(&name, socket_query.with_relay()) } else { None };
        let client = client.map(|client| websocket_view::Member { client, may_signal });
        return Ok(websocket_view::response(views, name, source, client, &socket_query, request));
    }
    Ok(mjpeg::response(&views, source, None, &query, request.headers()))
}

/// `?t=`.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Moment {
    #[serde(default, deserialize_with = "crate::view::moment")]
    pub(crate) t: Option<Past>,
}

impl Moment {
    /// The moment asked for, if any. What was recorded is shown as it was recorded.
    fn past(self, grant: &Grant, stream: &StreamName, want: &Want) -> Result<Option<Past>, ApiError> {
        if self.t.is_some() && want.is_rendition() {
            let message = "width, height and quality are for live pictures: leave them out, or leave out t";
            return Err(ApiError::bad_request("BAD_QUERY", message));
        }
        if self.t.is_some() {
            grant.require(Scope::View, stream)?;
        }
        Ok(self.t)
    }
}

/// `?overlay=`.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Overlay {
    overlay: Option<String>,
}

/// What a viewer asks to see, and may.
pub(crate) struct ViewRequest {
    pub(crate) overlay: Overlay,
    pub(crate) moment: Moment,
    pub(crate) rendition: Rendition,
    pub(crate) grant: Grant,
}

impl ViewRequest {
    /// Whether it is of what one stream was, or of what was found in it: nothing that another could go on with.
    pub(crate) fn is_of_one_stream(&self) -> bool {
        self.moment.t.is_some() || self.overlay.overlay.is_some()
    }

    pub(crate) fn want(&self, fps: Option<f64>) -> Want {
        self.rendition.want().at_most(fps).analysed_by(self.overlay.overlay.as_deref().map(Arc::from))
    }

    /// The stream as it is, or as it was then, which is a recording.
    pub(crate) async fn source(
        self,
        views: &Views,
        stream: &Stream,
        fps: Option<Fps>,
    ) -> Result<Source, ApiError> {
        let fps = views.rate(fps);
        let want = self.want(fps);
        if self.moment.t.is_some() && want.analysis.is_some() {
            let message = "overlay is for live pictures as published: leave out t, width, height and quality";
            return Err(ApiError::bad_request("BAD_QUERY", message));
        }
        match self.moment.past(&self.grant, stream.name(), &want)? {
            Some(past) => views.replays.past(stream.name(), past, fps).await,
            None => Source::named(views, stream, &want),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ViewRequest {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Query(moment) = Query::from_request_parts(parts, state).await?;
        let Query(rendition) = Query::from_request_parts(parts, state).await?;
        let Query(overlay) = Query::from_request_parts(parts, state).await?;
        let Granted(grant) = Granted::from_request_parts(parts, state).await?;
        Ok(Self { overlay, moment, rendition, grant })
    }
}

/// View a stream as MJPEG.
#[utoipa::path(get, path = "/stream/{name}/mjpeg", tag = "view", params(
    ("name" = String, Path), ("fps" = Option<f64>, Query), ("advance_headers" = Option<u8>, Query),
    ("width" = Option<u32>, Query, description = "Pixels; one side alone keeps the proportions, no picture is made larger"),
    ("height" = Option<u32>, Query), ("quality" = Option<u8>, Query, description = "Of the JPEG, 1 to 100"),
    ("overlay" = Option<String>, Query, description = "Name of a running analysis: only the frames that it has analysed"),
    ("t" = Option<String>, Query, description = "As it was: -30s, -1.5m, -1h, or a time (RFC 3339). Played on from there")
), responses((status = 200, content_type = "multipart/x-mixed-replace; boundary=frame", description = "MJPEG"), (status = 404, description = "No such stream, or not recorded then")))]
pub(crate) async fn view_mjpeg(
    State(live): State<Arc<Live>>,
    State(views): State<Arc<Views>>,
    Name(name): Name,
    Query(query): Query<mjpeg::Query>,
    view: ViewRequest,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let source = view.source(&views, &live.stream(&name)?, query.fps).await?;
    Ok(mjpeg::response(&views, source, None, &query, &headers))
}

/// The newest frame as a JPEG.
#[utoipa::path(get, path = "/stream/{name}/snapshot.jpg", tag = "view", params(
    ("name" = String, Path),
    ("after" = Option<String>, Query, description = "Wait for a frame newer than that of this number or ETag, 25 s at most"),
    ("timeout" = Option<f64>, Query, description = "Wait for so many seconds at most"),
    ("width" = Option<u32>, Query, description = "Pixels; one side alone keeps the proportions, no picture is made larger"),
    ("height" = Option<u32>, Query), ("quality" = Option<u8>, Query, description = "Of the JPEG, 1 to 100"),
    ("t" = Option<String>, Query, description = "What it showed then: -30s, -1.5m, -1h, or a time (RFC 3339)")
), responses((status = 200, content_type = "image/jpeg", description = "The frame; X-Frame-Seq is its number"),
    (status = 304, description = "None newer"), (status = 404, description = "No such stream, or not recorded then"), (status = 503, description = "No frame yet")))]
pub(crate) async fn snapshot(
    State(live): State<Arc<Live>>,
    State(views): State<Arc<Views>>,
    Name(name): Name,
    Query(query): Query<snapshot::Query>,
    (Query(moment), Query(rendition)): (Query<Moment>, Query<Rendition>),
    Granted(grant): Granted,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (stream, want) = (live.stream(&name)?, rendition.want());
    match moment.past(&grant, &name, &want)? {
        Some(past) => snapshot::past(&views, &name, past).await,
        None => snapshot::live(&views, &stream, &want, &query, &headers).await,
    }
}

/// A page for an iframe.
#[utoipa::path(get, path = "/stream/{name}/embed", tag = "view", params(("name" = String, Path)),
    responses((status = 200, content_type = "text/html", description = "The page"),
    (status = 404, content_type = "text/html", description = "No such stream yet: the page, which waits for it")))]
pub(crate) async fn embed(
    State(live): State<Arc<Live>>,
    Name(name): Name,
    ticket: Ticket,
    headers: HeaderMap,
) -> Response {
    let mut page = pages::page("embed.html", &headers, ticket.0.as_deref());
    if live.hub.stream(&name).is_none() && page.status() == StatusCode::OK {
        // The stream may come later: the page waits for it.
        *page.status_mut() = StatusCode::NOT_FOUND;
    }
    page
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StreamList {
    count: usize,
    streams: Vec<StreamInfo>,
    /// Name of the stream that `/stream` and `/stats` show.
    default: Option<String>,
}

/// All live streams.
#[utoipa::path(get, path = "/api/streams", operation_id = "list_streams", tag = "control", responses((status = 200, description = "The answer", body = StreamList)))]
pub(crate) async fn list(State(live): State<Arc<Live>>, Granted(grant): Granted) -> Json<StreamList> {
    let streams = StreamInfo::all(&live, &grant);
    let default = live.default_stream(&grant).map(|stream| stream.name().to_string());
    Json(StreamList { count: streams.len(), streams, default })
}

/// Statistics of one stream.
#[utoipa::path(get, path = "/api/streams/{name}/stats", operation_id = "stream_stats", tag = "control", params(("name" = String, Path)),
    responses((status = 200, description = "The answer", body = StreamDetail), (status = 404, description = "No such stream")))]
pub(crate) async fn stats(
    State(live): State<Arc<Live>>,
    Name(name): Name,
) -> Result<Json<StreamDetail>, ApiError> {
    let stats = live.stream(&name)?.stats(clock::now());
    Ok(Json(StreamDetail::new(&live, stats)))
}

/// Delete a stream: its viewers learn that it has ended.
#[utoipa::path(delete, path = "/api/streams/{name}", operation_id = "delete_stream", tag = "control", params(("name" = String, Path)),
    responses((status = 200, description = "Deleted"), (status = 404, description = "No such stream")))]
pub(crate) async fn delete(State(live): State<Arc<Live>>, Name(name): Name) -> Result<Json<Value>, ApiError> {
    if !live.hub.remove(&name) {
        return Err(ApiError::stream_not_found(&name));
    }
    tracing::info!(stream = %name, "stream deleted by request");
    Ok(Json(json!({ "status": "success", "message": format!("Stream '{name}' deleted") })))
}
