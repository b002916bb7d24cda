//! Reading a stream's name and a query out of a request, refusing in the form of all our errors.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use hub::{InvalidName, StreamName};
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

/// The stream that the path names (H1).
pub(crate) struct Name(pub(crate) StreamName);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(text)) => Ok(Self(text.parse()?)),
            Err(_not_utf8) => Err(InvalidName { shown: parts.uri.path().chars().take(80).collect() }.into()),
        }
    }
}
