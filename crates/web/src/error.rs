//! Every refusal as a response: its status and `{"error": …, "code": …}`.

use std::time::Duration;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;
use wire::image::Refused;

/// A refusal: what was wrong and how to mend it, with a stable code for programs.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    /// Seconds after which trying again makes sense.
    retry_after: Option<u32>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let retry_after =
            matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS).then_some(2);
        Self { status, code, message: message.into(), retry_after }
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

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    #[cfg(test)]
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
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

impl From<hub::InvalidName> for ApiError {
    fn from(error: hub::InvalidName) -> Self {
        Self::bad_request(hub::InvalidName::CODE, error.to_string())
    }
}

impl From<access::Error> for ApiError {
    fn from(error: access::Error) -> Self {
        use access::Error;
        let status = match &error {
            Error::TooManyWrongKeys { wait } => {
                return Self::too_often(error.code(), error.to_string(), *wait);
            }
            Error::Forbidden { .. } | Error::LinkFromLink => StatusCode::FORBIDDEN,
            Error::NoKeys => StatusCode::CONFLICT,
            Error::CannotSign => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::UNAUTHORIZED,
        };
        let how = match &error {
            Error::KeyRequired => ": send it as X-API-Key, Authorization: Bearer, or ?api_key=",
            Error::NoKeyToSend => ", and send that key as X-API-Key",
            _ => "",
        };
        Self::new(status, error.code(), format!("{error}{how}"))
    }
}

impl From<sessions::CreateError> for ApiError {
    fn from(error: sessions::CreateError) -> Self {
        use sessions::CreateError;
        let status = match &error {
            CreateError::TextTooLong { .. } | CreateError::BadRobotId { .. } => StatusCode::BAD_REQUEST,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.code(), error.to_string())
    }
}

impl From<hub::ClaimError> for ApiError {
    fn from(error: hub::ClaimError) -> Self {
        let status = match error {
            hub::ClaimError::Claimed { .. } => StatusCode::CONFLICT,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.code(), error.to_string())
    }
}

impl From<hub::PublishError> for ApiError {
    fn from(error: hub::PublishError) -> Self {
        Self::new(StatusCode::CONFLICT, error.code(), error.to_string())
    }
}

/// 415 for what is not taken however whole it is, 413 for what is too large, 400 for a damaged picture.
impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        let status = match refused.code() {
            "NOT_AN_IMAGE" | "UNSUPPORTED_JPEG" => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "FRAME_TOO_LARGE" | "PICTURE_TOO_LARGE" => StatusCode::PAYLOAD_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        };
        Self::new(status, refused.code(), refused.to_string())
    }
}

impl From<ingest::Error> for ApiError {
    fn from(error: ingest::Error) -> Self {
        match error {
            ingest::Error::Refused(refused) => refused.into(),
            ingest::Error::Claim(error) => error.into(),
            ingest::Error::Publish(error) => error.into(),
            error => Self::bad_request(error.code(), error.to_string()),
        }
    }
}

impl From<hub::SubscribeError> for ApiError {
    fn from(error: hub::SubscribeError) -> Self {
        let status = match error {
            hub::SubscribeError::ViewerLimit { .. } => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::NOT_FOUND,
        };
        Self::new(status, error.code(), error.to_string())
    }
}

impl From<derive::Error> for ApiError {
    fn from(error: derive::Error) -> Self {
        use derive::Error;
        let status = match &error {
            Error::CodecUnavailable { .. } => StatusCode::NOT_ACCEPTABLE,
            Error::AnalysisScaled | Error::UnknownPipeline { .. } => StatusCode::BAD_REQUEST,
            Error::AnalysisNotRunning { .. } => StatusCode::CONFLICT,
            Error::Claim(error) => return error.clone().into(),
            Error::Subscribe(error) => return error.clone().into(),
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.code(), error.to_string())
    }
}

impl From<record::Error> for ApiError {
    fn from(error: record::Error) -> Self {
        use record::Error;
        let status = match &error {
            Error::NotFound { .. } | Error::NoStream { .. } | Error::NotRecordedThen { .. } => {
                StatusCode::NOT_FOUND
            }
            Error::BadFileName { .. } | Error::BadCursor { .. } => StatusCode::BAD_REQUEST,
            Error::Active { .. } | Error::NotRecording { .. } | Error::NothingToSave { .. } => {
                StatusCode::CONFLICT
            }
            _ => StatusCode::SERVICE_UNAVAILABLE,
        };
        if status == StatusCode::SERVICE_UNAVAILABLE {
            tracing::warn!(%error, "the recordings cannot be used");
        }
        Self::new(status, error.code(), error.to_string())
    }
}
