//! What one request may do: the rights of its key, and those that are open to all. It rides in the request's
//! extensions; a handler that lists streams asks it for each one.

use std::{sync::Arc, time::SystemTime};

use axum::extract::FromRequestParts;
use http::{StatusCode, request::Parts};
use hub::StreamName;
use tokio::time::Instant;

use super::{Scope, Scopes, StreamPattern, key::time_left};
use crate::error::ApiError;

/// Scopes on streams.
#[derive(Debug, Clone)]
pub(super) struct Right {
    pub(super) scopes: Scopes,
    pub(super) streams: Vec<StreamPattern>,
}

impl Right {
    pub(super) fn on_every_stream(scopes: Scopes) -> Self {
        Self { scopes, streams: vec![StreamPattern::every()] }
    }

    fn allows(&self, scope: Scope, stream: &StreamName) -> bool {
        self.scopes.contain(scope) && self.streams.iter().any(|pattern| pattern.matches(stream))
    }
}

/// Clones share everything.
#[derive(Debug, Clone)]
pub(crate) struct Grant(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// The key's name; none: whoever comes.
    holder: Option<String>,
    rights: Vec<Right>,
    /// When the rights end.
    until: Option<SystemTime>,
}

impl Grant {
    pub(super) fn new(holder: Option<String>, rights: Vec<Right>, until: Option<SystemTime>) -> Self {
        let rights = rights.into_iter().filter(|right| !right.scopes.is_empty()).collect();
        Self(Arc::new(Inner { holder, rights, until }))
    }

    /// Whether a key stands behind it.
    pub(crate) fn has_key(&self) -> bool {
        self.0.holder.is_some()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.rights.is_empty()
    }

    pub(crate) fn allows(&self, scope: Scope, stream: &StreamName) -> bool {
        self.0.rights.iter().any(|right| right.allows(scope, stream))
    }

    /// Whether it may watch the stream, and know that it is there.
    pub(crate) fn shows(&self, stream: &StreamName) -> bool {
        self.allows(Scope::View, stream)
    }

    /// Whether there may be streams on which it has the scope.
    pub(crate) fn allows_somewhere(&self, scope: Scope) -> bool {
        self.0.rights.iter().any(|right| right.scopes.contain(scope))
    }

    /// Whether it has the scope on every stream there may be.
    pub(crate) fn allows_everywhere(&self, scope: Scope) -> bool {
        let everywhere =
            |right: &Right| right.scopes.contain(scope) && right.streams.iter().any(StreamPattern::is_every);
        self.0.rights.iter().any(everywhere)
    }

    /// When what was begun with it has to end.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.0.until.map(|until| Instant::now() + time_left(SystemTime::now(), until))
    }

    /// That it does not have the scope here.
    pub(super) fn forbidden(&self, scope: Scope, stream: Option<&StreamName>) -> ApiError {
        let holder = self.0.holder.as_deref().unwrap_or("whoever has none");
        let place = stream.map_or(String::new(), |name| format!(" on the stream '{name}'"));
        let message = format!(
            "the key '{holder}' has no right to {scope}{place}: use one that has it there (auth.keys of the hub)"
        );
        ApiError::new(StatusCode::FORBIDDEN, "FORBIDDEN", message)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Grant {
    type Rejection = ApiError;

    /// A request without one has not passed the front: it gets nothing.
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            ApiError::new(StatusCode::FORBIDDEN, "FORBIDDEN", "the request's rights were not looked at")
        })
    }
}
