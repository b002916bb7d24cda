//! Document 003: how uploads go. The upload itself is `GET /stream` as a WebSocket.

use std::sync::Arc;

use axum::{Json, extract::State};

use crate::{
    App,
    auth::{Grant, Scope},
};

/// Upload sessions, their memory and how far they are: of those whose stream the key may see or publish to. The sums are
/// over all.
#[utoipa::path(get, path = "/streaming/stats", operation_id = "streaming_stats", tag = "upload",
    responses((status = 200, description = "The answer", body = Object)))]
pub(crate) async fn streaming_stats(State(app): State<Arc<App>>, grant: Grant) -> Json<uploads::Stats> {
    let may_see = |session: &uploads::SessionStats| {
        let stream = session.stream.parse();
        stream.is_ok_and(|stream| grant.allows(Scope::View, &stream) || grant.allows(Scope::Publish, &stream))
    };
    Json(app.uploads().stats().only(may_see))
}
