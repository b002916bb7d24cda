//! Recordings: listing, fetching, replaying, deleting.

use std::sync::Arc;

use access::Scope;
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Method};
use jiff::Timestamp;
use record::{Filter, OpenFile, Order, RecordingId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{Query, RecordingPath};
use crate::{
    BasePath,
    auth::Granted,
    clock,
    disk::Library,
    download::Download,
    error::ApiError,
    recording::{DiskSpace, RecordedStream, Recording},
    view::{Offset, Speed, Views, mjpeg, snapshot},
};

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

#[derive(Debug, Default, Deserialize)]
pub(crate) struct ListQuery {
    stream: Option<String>,
    from: Option<String>,
    to: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
    #[serde(default)]
    order: ListOrder,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ListOrder {
    #[default]
    Newest,
    Oldest,
}

impl ListQuery {
    fn filter(self) -> Result<Filter, ApiError> {
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(bad_query(format!("limit={limit}: allowed is 1 to {MAX_LIMIT}")));
        }
        Ok(Filter {
            stream: given(self.stream).map(|name| name.parse()).transpose()?,
            among: None,
            from: time("from", self.from)?,
            to: time("to", self.to)?,
            order: match self.order {
                ListOrder::Newest => Order::Newest,
                ListOrder::Oldest => Order::Oldest,
            },
            limit,
            cursor: given(self.cursor),
        })
    }
}

/// A form sends empty fields too.
fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn time(name: &str, text: Option<String>) -> Result<Option<Timestamp>, ApiError> {
    let Some(text) = given(text) else { return Ok(None) };
    let wrong = || bad_query(format!("{name}={text}: it is a time like 2026-01-21T10:30:00Z (RFC 3339)"));
    clock::parse_rfc3339(&text).map(Some).ok_or_else(wrong)
}

fn bad_query(message: String) -> ApiError {
    ApiError::bad_request("BAD_QUERY", message)
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecordingList {
    /// On this page.
    count: usize,
    /// All that match, on this page or not.
    total: u64,
    total_bytes: u64,
    /// The cursor of the next page.
    next: Option<String>,
    /// Every stream that has recordings; on the first page only.
    #[serde(skip_serializing_if = "Option::is_none")]
    streams: Option<Vec<RecordedStream>>,
    recordings: Vec<Recording>,
    disk: Option<DiskSpace>,
}

/// All recordings that the key may see, the newest first.
#[utoipa::path(get, path = "/api/recordings", operation_id = "list_recordings", tag = "recordings", params(
    ("stream" = Option<String>, Query, description = "Of this stream only"),
    ("from" = Option<String>, Query, description = "RFC 3339: recordings that have something after this time"),
    ("to" = Option<String>, Query, description = "RFC 3339: recordings that have something before this time"),
    ("limit" = Option<usize>, Query, description = "1 to 1000; 100 by default"),
    ("cursor" = Option<String>, Query, description = "`next` of the page before"),
    ("order" = Option<String>, Query, description = "newest (default) or oldest")
), responses((status = 200, description = "A page", body = RecordingList), (status = 400, description = "Malformed query"), (status = 503, description = "The recordings' disk cannot be used")))]
pub(crate) async fn list(
    State(library): State<Arc<Library>>,
    base_path: BasePath,
    Granted(grant): Granted,
    Query(query): Query<ListQuery>,
) -> Result<Json<RecordingList>, ApiError> {
    let mut filter = query.filter()?;
    let store = library.recordings.store().clone();
    let list = library.disk.ask(move || {
        let sees_all = grant.allows_everywhere(Scope::View);
        let is_first = filter.cursor.is_none();
        let mut streams = if is_first || !sees_all { store.streams()? } else { Vec::new() };
        if !sees_all {
            streams.retain(|stream| stream.name.parse().is_ok_and(|name| grant.allows(Scope::View, &name)));
            filter.among = Some(streams.iter().filter_map(|stream| stream.name.parse().ok()).collect());
        }
        let page = store.list(&filter)?;
        let streams = is_first.then_some(streams);
        Ok(RecordingList {
            count: page.recordings.len(),
            total: page.total,
            total_bytes: page.total_bytes,
            next: page.next,
            streams: streams.map(|streams| streams.into_iter().map(RecordedStream::from).collect()),
            recordings: page.recordings.into_iter().map(|one| Recording::new(one, &base_path)).collect(),
            disk: store.disk().ok().map(DiskSpace::from),
        })
    });
    Ok(Json(list.await?))
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct FileQuery {
    #[serde(default)]
    download: u8,
}

/// A recording's file, whole or in part, or the metadata beside it. A file that is still being written gives its whole
/// fragments as of now; its ETag stays the same while it grows, so that a download can be resumed.
#[utoipa::path(get, path = "/api/recordings/{stream}/{file}", operation_id = "recording_file", tag = "recordings", params(
    ("stream" = String, Path), ("file" = String, Path, description = "camera1_20260121_103000.mp4, or .json for its metadata"),
    ("download" = Option<u8>, Query, description = "1: the browser saves it"),
    ("Range" = Option<String>, Header, description = "One range of bytes")
), responses(
    (status = 200, content_type = "video/mp4", description = "The file"), (status = 206, description = "The range"),
    (status = 304, description = "Unchanged"), (status = 400, description = "Not the name of a recording"),
    (status = 404, description = "No such recording"), (status = 416, description = "Nothing of the range is there")
))]
pub(crate) async fn file(
    State(library): State<Arc<Library>>,
    path: RecordingPath,
    Query(query): Query<FileQuery>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if let Some(name) = path.file.strip_suffix(".json") {
        let id = RecordingPath { file: format!("{name}.mp4"), ..path }.id()?;
        return metadata(&library, id).await;
    }
    let id = path.id()?;
    let store = library.recordings.store().clone();
    let save_as = (query.download != 0).then(|| path.file.clone());
    let download = library.disk.ask(move || Ok(download_of(store.open(&id)?))).await??;
    Ok(download.save_as(save_as.as_deref()).response(&library.disk, &method, &headers))
}

async fn metadata(library: &Library, id: RecordingId) -> Result<Response, ApiError> {
    let store = library.recordings.store().clone();
    let metadata = library.disk.ask(move || store.get(&id)).await?;
    Ok(Json(metadata).into_response())
}

/// Of a file that is being written, its whole fragments: that is what the recorder notes as its size.
pub(crate) fn download_of(open: OpenFile) -> Result<Download, ApiError> {
    const CONTENT_TYPE: &str = "video/mp4";
    let download = if open.growing {
        Download::growing(open.file, open.metadata.size_bytes, CONTENT_TYPE)
    } else {
        Download::finished(open.file, CONTENT_TYPE)
    };
    download.map_err(|source| record::Error::Io { path: open.path, source }.into())
}

/// Delete a recording and its metadata.
#[utoipa::path(delete, path = "/api/recordings/{stream}/{file}", operation_id = "delete_recording", tag = "recordings",
    params(("stream" = String, Path), ("file" = String, Path)),
    responses((status = 200, description = "Deleted; `freed_bytes` says how much that freed"), (status = 404, description = "No such recording"), (status = 409, description = "It is being written")))]
pub(crate) async fn delete(
    State(library): State<Arc<Library>>,
    path: RecordingPath,
) -> Result<Json<Value>, ApiError> {
    let id = path.id()?;
    let store = library.recordings.store().clone();
    let freed = library.disk.ask(move || store.delete(&id)).await?;
    let RecordingPath { stream, file } = path;
    tracing::info!(%stream, file, bytes = freed, "recording deleted by request");
    let message = format!("Recording '{stream}/{file}' deleted");
    Ok(Json(json!({ "status": "success", "message": message, "freed_bytes": freed })))
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct ReplayQuery {
    #[serde(default)]
    t: Offset,
    #[serde(default)]
    speed: Speed,
}

/// Replay a recording as MJPEG, at the pace at which it was taken. One that is being written is followed as it grows.
#[utoipa::path(get, path = "/api/recordings/{stream}/{file}/mjpeg", operation_id = "replay_recording", tag = "recordings", params(
    ("stream" = String, Path), ("file" = String, Path),
    ("t" = Option<String>, Query, description = "Seconds from its start, or, negative, from its end"),
    ("speed" = Option<f64>, Query, description = "0.1 to 100"),
    ("fps" = Option<f64>, Query, description = "Frames a second at most"), ("advance_headers" = Option<u8>, Query)
), responses((status = 200, content_type = "multipart/x-mixed-replace; boundary=frame", description = "MJPEG"),
    (status = 404, description = "No such recording"), (status = 503, description = "Too many are being watched")))]
pub(crate) async fn replay(
    State(views): State<Arc<Views>>,
    path: RecordingPath,
    Query(query): Query<ReplayQuery>,
    Query(view): Query<mjpeg::Query>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let fps = views.rate(view.fps);
    let source = views.replays.recording(path.id()?, query.t, query.speed, fps).await?;
    Ok(mjpeg::response(&views, source, None, &view, &headers))
}

/// The frame that a recording shows at a time.
#[utoipa::path(get, path = "/api/recordings/{stream}/{file}/snapshot.jpg", operation_id = "recording_snapshot", tag = "recordings", params(
    ("stream" = String, Path), ("file" = String, Path),
    ("t" = Option<String>, Query, description = "Seconds from its start, or, negative, from its end")
), responses((status = 200, content_type = "image/jpeg", description = "The frame"), (status = 304, description = "The same"),
    (status = 404, description = "No such recording"), (status = 503, description = "It has no frame yet")))]
pub(crate) async fn still(
    State(views): State<Arc<Views>>,
    path: RecordingPath,
    Query(query): Query<ReplayQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    snapshot::recording(&views, path.id()?, query.t, &headers).await
}
