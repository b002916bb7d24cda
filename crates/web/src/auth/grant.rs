//! What one request may do: the rights of its key, and those that are open to all. It rides in the request's
//! extensions; a handler that lists streams asks it for each one.

use std::{sync::Arc, time::SystemTime};

use axum::extract::FromRequestParts;
use http::{StatusCode, request::Parts};
use hub::StreamName;
use tokio::time::Instant;

use super::{
    Scope, Scopes, StreamPattern,
    key::{Fingerprint, time_left},
};
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

/// Whose rights they are.
#[derive(Debug, Clone)]
pub(super) enum Holder {
    /// Whoever comes.
    Anybody,
    Key {
        name: String,
        fingerprint: Fingerprint,
    },
    /// Of a link to this stream.
    Link(StreamName),
    /// A page that is being loaded.
    Page,
}

/// Clones share everything.
#[derive(Debug, Clone)]
pub(crate) struct Grant(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    holder: Holder,
    rights: Vec<Right>,
    /// When the rights end.
    until: Option<SystemTime>,
}

impl Grant {
    pub(super) fn new(holder: Holder, rights: Vec<Right>, until: Option<SystemTime>) -> Self {
        let rights = rights.into_iter().filter(|right| !right.scopes.is_empty()).collect();
        Self(Arc::new(Inner { holder, rights, until }))
    }

    /// Whether a key stands behind it, that of a link's maker included.
    pub(crate) fn has_key(&self) -> bool {
        matches!(self.0.holder, Holder::Key { .. } | Holder::Link(_))
    }

    pub(super) fn holder(&self) -> &Holder {
        &self.0.holder
    }

    pub(super) fn until(&self) -> Option<SystemTime> {
        self.0.until
    }

    /// Whether it may have what holds neither a picture nor a name.
    pub(crate) fn opens_pages(&self) -> bool {
        !self.0.rights.is_empty() || matches!(self.0.holder, Holder::Page)
    }

    pub(crate) fn allows(&self, scope: Scope, stream: &StreamName) -> bool {
        self.0.rights.iter().any(|right| right.allows(scope, stream))
    }

    /// Refuses where it does not have the scope.
    pub(crate) fn require(&self, scope: Scope, stream: &StreamName) -> Result<(), ApiError> {
        if self.allows(scope, stream) { Ok(()) } else { Err(self.forbidden(scope, Some(stream))) }
    }

    /// Refuses where there can be no stream on which it has the scope.
    pub(crate) fn require_somewhere(&self, scope: Scope) -> Result<(), ApiError> {
        if self.allows_somewhere(scope) { Ok(()) } else { Err(self.forbidden(scope, None)) }
    }

    /// Whether it may watch the stream, and know that it is there.
    pub(crate) fn shows(&self, stream: &StreamName) -> bool {
        self.allows(Scope::Live, stream)
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
        let holder = match &self.0.holder {
            Holder::Anybody => "a request without a key".to_owned(),
            Holder::Key { name, .. } => format!("the key '{name}'"),
            Holder::Page => "a page's file".to_owned(),
            Holder::Link(stream) => format!("a link to the stream '{stream}'"),
        };
        // In the words of the configuration.
        let scope = if scope == Scope::Live { Scope::View } else { scope };
        let place = stream.map_or(String::new(), |name| format!(" on the stream '{name}'"));
        let message = format!(
            "{holder} has no right to {scope}{place}: use a key that has it there (auth.keys of the hub)"
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
