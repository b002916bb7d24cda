//! Every refusal as a response: its status and `{"error": …, "code": …}`.

use std::time::Duration;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;
use wire::image::Refused;

use transport::GivenUp;

/// A refusal: what was wrong and how to mend it, with a stable code for programs.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    code: &'static str,
    pub(crate) message: String,
    /// Seconds after which trying again makes sense.
    retry_after: Option<u32>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let retry_after =
            matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS).then_some(2);
        Self { status, code, message: message.into(), retry_after }
    }

    /// With the status of its code, see [`status_of`].
    pub(crate) fn coded(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(status_of(code), code, message)
    }

    /// Asked too often; after `wait` the next request is allowed.
    pub(crate) fn too_often(code: &'static str, message: impl Into<String>, wait: Duration) -> Self {
        let secs = u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
        let error = Self::new(StatusCode::TOO_MANY_REQUESTS, code, message);
        Self { retry_after: Some(secs.max(1)), ..error }
    }

    pub(crate) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(crate) fn stream_not_found(name: &hub::StreamName) -> Self {
        let message = format!("no stream named '{name}': GET /api/streams lists those that are live");
        Self::new(StatusCode::NOT_FOUND, "STREAM_NOT_FOUND", message)
    }

    #[cfg(test)]
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// Adds `"success": false` to the refusal that the response holds, as clients of the simulator routes expect it.
    pub(crate) fn mark_unsuccessful(response: &mut Response) {
        let Some(Self { message, code, .. }) = response.extensions_mut().remove() else { return };
        let body = json!({ "success": false, "error": message, "code": code });
        *response.body_mut() = Json(body).into_response().into_body();
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = Json(json!({ "error": self.message, "code": self.code }));
        let mut response = (self.status, body).into_response();
        if let Some(secs) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(secs));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// The status of each code with which the rooms refuse; any other is a malformed request.
fn status_of(code: &str) -> StatusCode {
    match code {
        "API_KEY_REQUIRED" | "API_KEY_UNKNOWN" | "API_KEY_EXPIRED" => StatusCode::UNAUTHORIZED,
        "LINK_INVALID" | "LINK_EXPIRED" | "TICKET_EXPIRED" => StatusCode::UNAUTHORIZED,
        "FORBIDDEN" => StatusCode::FORBIDDEN,
        "STREAM_NOT_FOUND" | "RECORDING_NOT_FOUND" | "NOT_RECORDED" => StatusCode::NOT_FOUND,
        "CODEC_UNAVAILABLE" => StatusCode::NOT_ACCEPTABLE,
        "STREAM_CLAIMED" | "TAKEN_OVER" | "STREAM_CLOSED" | "NO_KEYS" => StatusCode::CONFLICT,
        "RECORDING_ACTIVE" | "NOT_RECORDING" | "NOTHING_TO_SAVE" => StatusCode::CONFLICT,
        "ANALYSIS_NOT_RUNNING" => StatusCode::CONFLICT,
        "FRAME_TOO_LARGE" | "PICTURE_TOO_LARGE" => StatusCode::PAYLOAD_TOO_LARGE,
        "NOT_AN_IMAGE" | "UNSUPPORTED_JPEG" => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "STREAM_LIMIT" | "VIEWER_LIMIT" | "SESSION_LIMIT" => StatusCode::SERVICE_UNAVAILABLE,
        "RENDITION_LIMIT" | "ANALYSIS_LIMIT" | "MODEL_NOT_LOADED" => StatusCode::SERVICE_UNAVAILABLE,
        "RECORDINGS_UNAVAILABLE" | "SHUTTING_DOWN" => StatusCode::SERVICE_UNAVAILABLE,
        "RECORDING_DAMAGED" => StatusCode::UNPROCESSABLE_ENTITY,
        "INTERNAL" => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// Errors that are refusals as they are.
macro_rules! refusals {
    ($($error:ty),*) => {
        $(impl From<$error> for ApiError {
            fn from(error: $error) -> Self {
                Self::coded(error.code(), error.to_string())
            }
        })*
    };
}

refusals!(hub::ClaimError, hub::PublishError, ingest::Error, sessions::CreateError, Refused);

impl From<GivenUp> for ApiError {
    fn from(given_up: GivenUp) -> Self {
        let (status, code) = match given_up {
            GivenUp::Late(_) => (StatusCode::REQUEST_TIMEOUT, "BODY_TIMEOUT"),
            GivenUp::NoRoom => (StatusCode::SERVICE_UNAVAILABLE, "RECEIVE_LIMIT"),
        };
        Self::new(status, code, given_up.to_string())
    }
}

impl From<hub::InvalidName> for ApiError {
    fn from(error: hub::InvalidName) -> Self {
        Self::coded(hub::InvalidName::CODE, error.to_string())
    }
}

impl From<hub::SubscribeError> for ApiError {
    fn from(error: hub::SubscribeError) -> Self {
        match error {
            // To a publisher a closed stream is a conflict; to a viewer it is not there.
            hub::SubscribeError::Closed { .. } => {
                Self::new(StatusCode::NOT_FOUND, error.code(), error.to_string())
            }
            _ => Self::coded(error.code(), error.to_string()),
        }
    }
}

impl From<derive::Error> for ApiError {
    fn from(error: derive::Error) -> Self {
        match error {
            derive::Error::Subscribe(error) => error.into(),
            _ => Self::coded(error.code(), error.to_string()),
        }
    }
}

impl From<record::Error> for ApiError {
    fn from(error: record::Error) -> Self {
        let refusal = Self::coded(error.code(), error.to_string());
        // Of a full disk the recorders tell, once.
        if refusal.status == StatusCode::SERVICE_UNAVAILABLE && !matches!(error, record::Error::NoRoom(_)) {
            tracing::warn!(%error, "the recordings cannot be used");
        }
        refusal
    }
}

impl From<access::Error> for ApiError {
    fn from(error: access::Error) -> Self {
        use access::Error;
        let how = match &error {
            Error::TooManyWrongKeys { wait } => {
                return Self::too_often(error.code(), error.to_string(), *wait);
            }
            Error::KeyRequired => ": send it as X-API-Key, Authorization: Bearer, or ?api_key=",
            Error::NoKeyToSend => ", and send that key as X-API-Key",
            _ => "",
        };
        Self::coded(error.code(), format!("{error}{how}"))
    }
}
