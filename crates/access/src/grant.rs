//! What one client may do: the rights of its key, and those that are open to everyone.

use std::{sync::Arc, time::SystemTime};

use hub::StreamName;
use tokio::time::Instant;

use crate::{
    Error, Scope, Scopes, StreamPattern,
    key::{Fingerprint, time_left},
};

/// Scopes on streams.
#[derive(Debug, Clone)]
pub(crate) struct Right {
    pub(crate) scopes: Scopes,
    pub(crate) streams: Vec<StreamPattern>,
}

impl Right {
    pub(crate) fn on_every_stream(scopes: Scopes) -> Self {
        Self { scopes, streams: vec![StreamPattern::every()] }
    }

    fn allows(&self, scope: Scope, stream: &StreamName) -> bool {
        self.scopes.contain(scope) && self.streams.iter().any(|pattern| pattern.matches(stream))
    }
}

/// The client that has the rights.
#[derive(Debug, Clone)]
pub(crate) enum Holder {
    /// A client without a key.
    Anyone,
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
pub struct Grant(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) holder: Holder,
    rights: Vec<Right>,
    /// When the rights end.
    pub(crate) until: Option<SystemTime>,
}

impl Grant {
    pub(crate) fn new(holder: Holder, rights: Vec<Right>, until: Option<SystemTime>) -> Self {
        let rights = rights.into_iter().filter(|right| !right.scopes.is_empty()).collect();
        Self(Arc::new(Inner { holder, rights, until }))
    }

    /// Whether it comes from a key, be it that of the maker of a link.
    pub fn has_key(&self) -> bool {
        matches!(self.0.holder, Holder::Key { .. } | Holder::Link(_))
    }

    /// Whether it may load pages, which hold neither a picture nor a name.
    pub fn opens_pages(&self) -> bool {
        !self.0.rights.is_empty() || matches!(self.0.holder, Holder::Page)
    }

    pub fn allows(&self, scope: Scope, stream: &StreamName) -> bool {
        self.0.rights.iter().any(|right| right.allows(scope, stream))
    }

    /// Refuses where it does not have the scope.
    pub fn require(&self, scope: Scope, stream: &StreamName) -> Result<(), Error> {
        if self.allows(scope, stream) { Ok(()) } else { Err(self.forbidden(scope, Some(stream))) }
    }

    /// Refuses where it has the scope on no stream.
    pub fn require_somewhere(&self, scope: Scope) -> Result<(), Error> {
        if self.allows_somewhere(scope) { Ok(()) } else { Err(self.forbidden(scope, None)) }
    }

    /// Whether it may watch the stream, and know that it exists.
    pub fn shows(&self, stream: &StreamName) -> bool {
        self.allows(Scope::Live, stream)
    }

    /// Whether there may be streams on which it has the scope.
    pub fn allows_somewhere(&self, scope: Scope) -> bool {
        self.0.rights.iter().any(|right| right.scopes.contain(scope))
    }

    /// Whether it has the scope on every stream there may be.
    pub fn allows_everywhere(&self, scope: Scope) -> bool {
        let everywhere =
            |right: &Right| right.scopes.contain(scope) && right.streams.iter().any(StreamPattern::is_every);
        self.0.rights.iter().any(everywhere)
    }

    /// When everything that was begun with it has to end.
    pub fn deadline(&self) -> Option<Instant> {
        self.0.until.map(|until| Instant::now() + time_left(SystemTime::now(), until))
    }

    /// The refusal: it does not have the scope.
    pub(crate) fn forbidden(&self, scope: Scope, stream: Option<&StreamName>) -> Error {
        let holder = match &self.0.holder {
            Holder::Anyone => "a request without a key".to_owned(),
            Holder::Key { name, .. } => format!("the key '{name}'"),
            Holder::Page => "a page's file".to_owned(),
            Holder::Link(stream) => format!("a link to the stream '{stream}'"),
        };
        // In the words of the configuration, which has no `live`.
        let scope = if scope == Scope::Live { Scope::View } else { scope };
        Error::Forbidden { holder, scope, stream: stream.cloned() }
    }
}
