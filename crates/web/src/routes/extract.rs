//! Reading names, a query or a small body out of a request, refusing in the form of all our errors.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Request},
};
use http::request::Parts;
use hub::{InvalidName, StreamName};
use record::RecordingId;
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// Like axum's own, but refusing in our form.
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Query::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(error) => Err(ApiError::bad_request("BAD_QUERY", error.body_text())),
        }
    }
}

/// A JSON body that may be absent: then all is as by default. Its content type does not matter.
pub(crate) struct OptionalJson<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bad = |message: String| ApiError::bad_request("BAD_BODY", message);
        let body = Bytes::from_request(request, state).await.map_err(|error| bad(error.body_text()))?;
        if body.trim_ascii().is_empty() {
            return Ok(Self(T::default()));
        }
        serde_json::from_slice(&body).map(Self).map_err(|error| bad(format!("the body: {error}")))
    }
}

/// The stream that the path names (H1).
pub(crate) struct Name(pub(crate) StreamName);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(text)) => Ok(Self(text.parse()?)),
            Err(_not_utf8) => Err(InvalidName { shown: shown(parts) }.into()),
        }
    }
}

/// The stream and the file of a recording, as the path has them: the file's name is checked by whoever looks for it.
pub(crate) struct RecordingPath {
    pub(crate) stream: StreamName,
    pub(crate) file: String,
}

impl RecordingPath {
    pub(crate) fn id(&self) -> Result<RecordingId, ApiError> {
        Ok(RecordingId::parse(&self.stream, &self.file)?)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RecordingPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::<(String, String)>::from_request_parts(parts, state).await {
            Ok(Path((stream, file))) => Ok(Self { stream: stream.parse()?, file }),
            Err(_not_utf8) => Err(record::Error::BadFileName { shown: shown(parts) }.into()),
        }
    }
}

/// Of the path, so much that a message stays a line.
fn shown(parts: &Parts) -> String {
    parts.uri.path().chars().take(80).collect()
}
