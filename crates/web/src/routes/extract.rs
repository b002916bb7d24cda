//! Extractors of names, a query or a small body. Their refusals have the form of all our errors.

use std::convert::Infallible;

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
};
use http::request::Parts;
use hub::{InvalidName, StreamName};
use record::RecordingId;
use serde::de::DeserializeOwned;

use crate::{error::ApiError, router::Params};

/// Like axum's own, but its refusals have the form of all our errors.
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

/// A JSON body; without one, everything has its default. The content type does not matter.
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

/// The stream that the path names.
pub(crate) struct Name(pub(crate) StreamName);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        match param(parts, 0) {
            Some(text) => Ok(Self(text.parse()?)),
            None => Err(InvalidName { shown: shown(parts) }.into()),
        }
    }
}

/// The stream and the file of a recording. The file's name is checked by [`RecordingPath::id`].
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

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        match param(parts, 0).zip(param(parts, 1)) {
            Some((stream, file)) => Ok(Self { stream: stream.parse()?, file: file.to_owned() }),
            None => Err(record::Error::BadFileName { shown: shown(parts) }.into()),
        }
    }
}

/// The rest of the path, which a route leaves open; empty where it is not UTF-8.
pub(crate) struct Tail(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Tail {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self(param(parts, 0).unwrap_or_default().to_owned()))
    }
}

/// An analysis, and one of its files where the route names one; empty where they are not UTF-8.
pub(crate) struct AnalysisPath {
    pub(crate) id: String,
    pub(crate) file: String,
}

impl<S: Send + Sync> FromRequestParts<S> for AnalysisPath {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let text = |at| param(parts, at).unwrap_or_default().to_owned();
        Ok(Self { id: text(0), file: text(1) })
    }
}

/// One of the path's parameters, if it is UTF-8.
fn param(parts: &Parts, at: usize) -> Option<&str> {
    parts.extensions.get::<Params>()?.get(at)
}

/// The beginning of the path, short enough for a message of one line.
fn shown(parts: &Parts) -> String {
    parts.uri.path().chars().take(80).collect()
}
