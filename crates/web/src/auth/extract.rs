//! What handlers take from a request that was admitted.

use std::{convert::Infallible, sync::Arc};

use access::{Credential, Grant};
use axum::extract::{FromRef, FromRequestParts};
use http::{StatusCode, request::Parts};

use super::{
    Access,
    credentials::{self, By},
};
use crate::{caller::Caller, error::ApiError};

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
pub(crate) struct Ticket(pub(crate) Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for Ticket
where
    Arc<Access>: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let guard = &Arc::<Access>::from_ref(state).guard;
        let needed = !guard.is_open() && credentials::of(&parts.headers, &parts.uri).by == By::Address;
        Ok(Self(if needed { guard.ticket().ok() } else { None }))
    }
}

/// The token of the login that the request is judged by, if it is one.
#[derive(Debug)]
pub(crate) struct LoggedIn(pub(crate) Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for LoggedIn {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        match credentials::of(&parts.headers, &parts.uri).credential {
            Credential::Login(token) => Ok(Self(Some(token))),
            _ => Ok(Self(None)),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller
where
    Arc<Access>: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let access = Arc::<Access>::from_ref(state);
        Ok(Self::of(&access.trusted_proxies, &parts.uri, &parts.headers, &parts.extensions))
    }
}
