//! Logging in with a key, and links that open one stream for a while.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use ::access::Scope;
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::header;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{Name, OptionalJson};
use crate::{
    BasePath,
    auth::{Access, COOKIE, Granted, LoggedIn},
    caller::Caller,
    clock,
    error::ApiError,
    live::Live,
};

#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct Login {
    key: String,
}

/// Log in: a browser gets a cookie that stands for the key, without containing it.
#[utoipa::path(post, path = "/api/login", tag = "keys", request_body = Login, responses(
    (status = 200, description = "The cookie is set"), (status = 401, description = "The key is not known, or has expired")))]
pub(crate) async fn login(
    State(access): State<Arc<Access>>,
    base_path: BasePath,
    caller: Caller,
    OptionalJson(login): OptionalJson<Login>,
) -> Result<Response, ApiError> {
    if access.guard.is_open() {
        return Ok(Json(json!({ "status": "success", "message": "no key is needed here" })).into_response());
    }
    let ::access::Login { token, lasts } =
        access.guard.login(&login.key, caller.address, SystemTime::now())?;
    let message = "logged in";
    let body =
        Json(json!({ "status": "success", "message": message, "expires_in_seconds": lasts.as_secs() }));
    Ok(([(header::SET_COOKIE, cookie(&token, lasts, &base_path, &caller))], body).into_response())
}

/// Log out: the cookie opens nothing any more, what it had opened ends, and the browser forgets it.
#[utoipa::path(post, path = "/api/logout", tag = "keys", responses((status = 200, description = "The cookie is gone")))]
pub(crate) async fn logout(
    State(access): State<Arc<Access>>,
    base_path: BasePath,
    LoggedIn(login): LoggedIn,
    caller: Caller,
) -> Response {
    if let Some(token) = login {
        access.guard.logout(&token, SystemTime::now());
    }
    let body = Json(json!({ "status": "success", "message": "logged out" }));
    ([(header::SET_COOKIE, cookie("", Duration::ZERO, &base_path, &caller))], body).into_response()
}

/// Hidden from scripts and other sites, and over HTTPS never sent in the clear afterwards.
fn cookie(value: &str, span: Duration, base_path: &BasePath, caller: &Caller) -> String {
    let secure = if caller.is_https { "; Secure" } else { "" };
    let path = base_path.at("/");
    format!("{COOKIE}={value}; Path={path}; Max-Age={}; HttpOnly; SameSite=Strict{secure}", span.as_secs())
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = ShareWish)]
pub(crate) struct ShareRequest {
    /// How long the link lasts: 1 to 31,536,000 (a year); an hour by default.
    seconds: Option<u64>,
}

impl ShareRequest {
    const DEFAULT: u64 = 60 * 60;
    const MAX: u64 = 365 * 24 * 60 * 60;

    fn span(&self) -> Result<Duration, ApiError> {
        let seconds = self.seconds.unwrap_or(Self::DEFAULT);
        if (1..=Self::MAX).contains(&seconds) {
            return Ok(Duration::from_secs(seconds));
        }
        let message = format!("seconds={seconds}: allowed is 1 to {}", Self::MAX);
        Err(ApiError::bad_request("BAD_BODY", message))
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Shared {
    #[schema(example = "success")]
    status: &'static str,
    stream: String,
    token: String,
    expires_at: String,
    /// MJPEG, for an `<img>`.
    url: String,
    /// A page, for people.
    embed_url: String,
    snapshot_url: String,
    /// There is no such stream now: the name may be mistyped, or its publisher is still to come.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
}

/// A link that opens this stream's views, and nothing else, for a while.
#[utoipa::path(post, path = "/api/streams/{name}/share", operation_id = "share_stream", tag = "keys", params(("name" = String, Path)),
    request_body(content = ShareRequest, description = "{\"seconds\": 7200}"), responses(
    (status = 200, description = "The link; it ends with the key that asked for it, if that is sooner", body = Shared),
    (status = 409, description = "No key is set, so all is open anyway")))]
pub(crate) async fn share(
    State(access): State<Arc<Access>>,
    State(live): State<Arc<Live>>,
    base_path: BasePath,
    Granted(grant): Granted,
    caller: Caller,
    Name(name): Name,
    OptionalJson(request): OptionalJson<ShareRequest>,
) -> Result<Json<Shared>, ApiError> {
    let share = access.guard.share(&grant, Scope::Live, &name, request.span()?)?;
    tracing::info!(stream = %name, until = clock::rfc3339(share.until), "link to a stream made by request");
    let is_live = live.hub.stream(&name).is_some();
    let warning =
        (!is_live).then(|| format!("no stream named '{name}' is live: the link shows it once it is"));
    let (base, token) = (caller.base(), share.token);
    let path = base_path.at(&format!("/stream/{name}"));
    let url = |rest: &str| format!("{base}{path}{rest}?token={token}");
    Ok(Json(Shared {
        status: "success",
        stream: name.to_string(),
        url: url(""),
        embed_url: url("/embed"),
        snapshot_url: url("/snapshot.jpg"),
        expires_at: clock::rfc3339(share.until),
        token,
        warning,
    }))
}
