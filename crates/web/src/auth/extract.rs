//! What handlers take from a request that was admitted.

use std::{convert::Infallible, sync::Arc};

use access::Grant;
use axum::extract::FromRequestParts;
use http::{StatusCode, request::Parts};

use super::credentials;
use crate::{App, error::ApiError};

/// The rights of the request. A handler that lists streams asks them for each one.
#[derive(Debug)]
pub(crate) struct Granted(pub(crate) Grant);

impl<S: Send + Sync> FromRequestParts<S> for Granted {
    type Rejection = ApiError;

    /// A request without rights in its extensions was never checked: it is refused.
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        parts.extensions.get().cloned().map(Self).ok_or_else(|| {
            ApiError::new(StatusCode::FORBIDDEN, "FORBIDDEN", "the request's rights were not checked")
        })
    }
}

/// For a page whose address holds the credential: its files are loaded with this token. Other pages need none.
#[derive(Debug)]
pub(crate) struct Ticket(Option<String>);

impl Ticket {
    pub(crate) fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl FromRequestParts<Arc<App>> for Ticket {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        let guard = app.guard();
        let needed = !guard.is_open() && credentials::is_in_address(&parts.uri);
        Ok(Self(if needed { guard.ticket().ok() } else { None }))
    }
}
