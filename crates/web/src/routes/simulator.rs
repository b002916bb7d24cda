//! Simulator sessions are created, described and destroyed here. Their streams are viewed like any other.

use std::sync::Arc;

use access::{Grant, Guard, Scope};
use axum::{Json, extract::State};
use http::StatusCode;
use hub::StreamName;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use sessions::{CreateRequest, Created, Info, Sessions};
use utoipa::ToSchema;

use super::{Name, OptionalJson};
use crate::{
    BasePath,
    auth::{Access, Granted},
    caller::Caller,
    clock,
    error::ApiError,
    live::Live,
};

/// How the paths of these routes begin; their errors say `"success": false`.
pub(crate) const ROUTES: &str = "/session/";

/// The request for a session.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Create {
    #[serde(deserialize_with = "text")]
    #[schema(example = "user123")]
    user_id: Option<String>,
    #[serde(deserialize_with = "text")]
    #[schema(example = "demo-robot")]
    robot_name: Option<String>,
    /// A live session of this robot is used again.
    #[serde(deserialize_with = "text")]
    robot_id: Option<String>,
    /// The simulator's name in `simulators:`; without it the robot's name is looked for there, else it is the default one.
    #[serde(deserialize_with = "text")]
    simulator: Option<String>,
}

/// Text, or a number: databases number their users and robots.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        Value::Number(number) => Ok(Some(number.to_string())),
        _ => Err(serde::de::Error::custom("expected a text, a number, or null")),
    }
}

/// Where the session is watched.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SessionCreated {
    success: bool,
    #[schema(example = "stream_1234567890_abc123")]
    session_id: String,
    ws_url: String,
    http_stream_url: String,
    embed_url: String,
    message: &'static str,
    /// What is wrong with the simulator; it is tried all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
}

/// Make a session, or find that of the robot.
#[utoipa::path(post, path = "/session/create", operation_id = "create_session", tag = "sessions",
    request_body(content = Create, description = "{\"userId\": \"user123\", \"robotName\": \"demo-robot\"}"), responses(
    (status = 200, description = "The session; with a key that may view its stream, the addresses hold a token that opens them for a year", body = SessionCreated),
    (status = 400, description = "A bad body or robotId"), (status = 503, description = "At a limit")))]
pub(crate) async fn create(
    State(simulators): State<Sessions>,
    State(access): State<Arc<Access>>,
    base_path: BasePath,
    Granted(grant): Granted,
    caller: Caller,
    OptionalJson(create): OptionalJson<Create>,
) -> Result<Json<SessionCreated>, ApiError> {
    let Create { user_id, robot_name, robot_id, simulator } = create;
    let request =
        CreateRequest { user_id, robot_name, robot_id: robot_id.filter(|id| !id.is_empty()), simulator };
    let may_have = |id: &StreamName| grant.allows(Scope::Publish, id);
    let Some(Created { info, is_reused }) = simulators.create(request, may_have)? else {
        return Err(grant.forbidden(Scope::Publish).into());
    };
    let warning = if is_reused { None } else { probe(&simulators, &info).await };
    if !is_reused {
        tracing::info!(session = %info.id, "session made by request");
    }
    let root = format!("{}{base_path}", caller.base());
    let url = |scope, view: &str| {
        format!("{root}/stream/{}{view}{}", info.id, token(&access.guard, &grant, scope, &info.id))
    };
    Ok(Json(SessionCreated {
        success: true,
        // Its client speaks to the simulator, too.
        ws_url: url(Scope::Signal, "").replacen("http", "ws", 1),
        http_stream_url: url(Scope::Live, "/mjpeg"),
        embed_url: url(Scope::Live, "/embed"),
        session_id: info.id.to_string(),
        message: if is_reused { "Streaming session reused" } else { "Streaming session created" },
        warning,
    }))
}

/// What is added to the address of a session's view. An `<img>`, an iframe and a WebSocket send no key: where one is
/// needed, a token stands in the address.
fn token(guard: &Guard, grant: &Grant, scope: Scope, id: &StreamName) -> String {
    let share = guard.share(grant, scope, id, TOKEN_SPAN).ok().filter(|_| grant.shows(id));
    share.map_or(String::new(), |share| format!("?token={}", share.token))
}

/// As long as a key lives, or as its session does.
const TOKEN_SPAN: std::time::Duration = std::time::Duration::from_secs(365 * 24 * 60 * 60);

async fn probe(simulators: &Sessions, info: &Info) -> Option<String> {
    let warning = simulators.probe(&info.request).await?;
    tracing::warn!(session = %info.id, "the simulator does not answer GET /ping: {warning}");
    Some(format!("the simulator does not answer GET /ping: {warning}"))
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionAnswer {
    success: bool,
    session: Session,
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Session {
    id: String,
    user_id: Option<String>,
    robot_name: Option<String>,
    robot_id: Option<String>,
    created_at: String,
    last_activity: String,
    /// Viewers of all kinds.
    connections: usize,
    is_isaac_sim_connected: bool,
}

/// A session.
#[utoipa::path(get, path = "/session/{id}", operation_id = "session", tag = "sessions", params(("id" = String, Path)),
    responses((status = 200, description = "The session", body = SessionAnswer), (status = 404, description = "Session not found")))]
pub(crate) async fn info(
    State(live): State<Arc<Live>>,
    Name(id): Name,
) -> Result<Json<SessionAnswer>, ApiError> {
    let info = live.simulators.info(&id).ok_or_else(not_found)?;
    let CreateRequest { user_id, robot_name, robot_id, .. } = info.request;
    let session = Session {
        connections: live.hub.stream(&id).map_or(0, |stream| stream.demand().viewers),
        id: id.to_string(),
        user_id,
        robot_name,
        robot_id,
        created_at: clock::rfc3339(info.created),
        last_activity: clock::rfc3339(info.last_activity),
        is_isaac_sim_connected: info.is_connected,
    };
    Ok(Json(SessionAnswer { success: true, session }))
}

/// Give a session back. When all who were given it have done so it ends: its clients are notified, and the simulator is
/// disconnected.
#[utoipa::path(post, path = "/session/{id}/destroy", operation_id = "destroy_session", tag = "sessions", params(("id" = String, Path)),
    responses((status = 200, description = "Given back, or ended"), (status = 404, description = "Session not found")))]
pub(crate) async fn destroy(
    State(simulators): State<Sessions>,
    Name(id): Name,
) -> Result<Json<Value>, ApiError> {
    if !simulators.destroy(&id) {
        return Err(not_found());
    }
    Ok(Json(json!({ "success": true, "message": "Session destroyed" })))
}

pub(crate) fn not_found() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "SESSION_NOT_FOUND", "Session not found")
}
