//! Uploads of a phrase: their statistics, and the form of earlier clients. The upload itself is `GET /stream` as a
//! WebSocket.

use std::sync::Arc;

use access::Scope;
use axum::{
    Json,
    extract::{Request, State},
};
use serde_json::{Map, Value};

use crate::{
    auth::Granted,
    error::ApiError,
    upload::{self, Uploading},
};

/// Upload sessions, their memory and progress: of the sessions whose stream the key may view or publish to.
#[utoipa::path(get, path = "/streaming/stats", operation_id = "streaming_stats", tag = "upload",
    responses((status = 200, description = "The answer", body = Object)))]
pub(crate) async fn streaming_stats(
    State(uploading): State<Arc<Uploading>>,
    Granted(grant): Granted,
) -> Json<uploads::Stats> {
    let may_see = |session: &uploads::SessionStats| {
        let stream = session.stream.parse();
        stream.is_ok_and(|stream| grant.allows(Scope::View, &stream) || grant.allows(Scope::Publish, &stream))
    };
    Json(uploading.uploads.stats().only(may_see))
}

/// A whole phrase at once: its video and its signal log. The answer is the result, once there is one.
#[utoipa::path(post, path = "/analyze", tag = "upload",
    request_body(content_type = "multipart/form-data", content = Object,
        description = "`video` (AVI, MP4 or MKV), `signal` (text); optional: `include_keypoints`, `save_overlay` (true or false), `pipeline`"),
    responses((status = 200, description = "The result, as in `process_complete`", body = Object),
        (status = 400, description = "A field is missing"), (status = 413, description = "Too large"),
        (status = 415, description = "The video cannot be decoded here"), (status = 422, description = "The analysis failed"),
        (status = 503, description = "Too many sessions")))]
pub(crate) async fn analyze(
    State(uploading): State<Arc<Uploading>>,
    Granted(grant): Granted,
    request: Request,
) -> Result<Json<Map<String, Value>>, ApiError> {
    upload::analyse(&uploading, &grant, request).await.map(Json)
}
