//! What one client may do: the rights of its key, and those that are open to everyone.

use std::{sync::Arc, time::SystemTime};

use hub::StreamName;

use crate::{
    Error, Scope, Scopes, StreamPattern,
    ending::{Ended, Ending},
    key::Fingerprint,
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
pub struct Grant {
    inner: Arc<Inner>,
    ending: Ending,
}

#[derive(Debug)]
struct Inner {
    holder: Holder,
    rights: Vec<Right>,
}

impl Grant {
    pub(crate) fn new(holder: Holder, rights: Vec<Right>, until: Option<SystemTime>) -> Self {
        let rights = rights.into_iter().filter(|right| !right.scopes.is_empty()).collect();
        Self { inner: Arc::new(Inner { holder, rights }), ending: Ending { until, login: None } }
    }

    /// The same rights for a shorter time.
    pub(crate) fn ending(self, ending: Ending) -> Self {
        Self { ending, ..self }
    }

    pub(crate) fn holder(&self) -> &Holder {
        &self.inner.holder
    }

    pub(crate) fn until(&self) -> Option<SystemTime> {
        self.ending.until
    }

    /// Whether it comes from a key, be it that of the maker of a link.
    pub fn has_key(&self) -> bool {
        matches!(self.holder(), Holder::Key { .. } | Holder::Link(_))
    }

    /// Whether it is everyone's: whoever reaches the hub has it.
    pub fn is_everyones(&self) -> bool {
        matches!(self.holder(), Holder::Anyone)
    }

    /// Whether it may load pages, which hold neither a picture nor a name.
    pub fn opens_pages(&self) -> bool {
        !self.inner.rights.is_empty() || matches!(self.holder(), Holder::Page)
    }

    pub fn allows(&self, scope: Scope, stream: &StreamName) -> bool {
        self.inner.rights.iter().any(|right| right.allows(scope, stream))
    }

    /// Refuses where it does not have the scope. The refusal does not name the stream, of which the client may not
    /// know: [`crate::Guard::require`] names the one that a request itself has named.
    pub fn require(&self, scope: Scope, stream: &StreamName) -> Result<(), Error> {
        if self.allows(scope, stream) { Ok(()) } else { Err(self.forbidden(scope)) }
    }

    /// Refuses where it has the scope on no stream.
    pub fn require_somewhere(&self, scope: Scope) -> Result<(), Error> {
        if self.allows_somewhere(scope) { Ok(()) } else { Err(self.forbidden(scope)) }
    }

    /// Whether it may watch the stream, and know that it exists.
    pub fn shows(&self, stream: &StreamName) -> bool {
        self.allows(Scope::Live, stream)
    }

    /// Whether there may be streams on which it has the scope.
    pub fn allows_somewhere(&self, scope: Scope) -> bool {
        self.inner.rights.iter().any(|right| right.scopes.contain(scope))
    }

    /// Whether it has the scope on every stream there may be.
    pub fn allows_everywhere(&self, scope: Scope) -> bool {
        let everywhere =
            |right: &Right| right.scopes.contain(scope) && right.streams.iter().any(StreamPattern::is_every);
        self.inner.rights.iter().any(everywhere)
    }

    /// Whether it can end while it is used.
    pub fn can_end(&self) -> bool {
        !self.ending.is_never()
    }

    /// Waits until it ends; everything that was begun with it has to end then. Says why. Cancel-safe.
    pub async fn ended(&self) -> Error {
        match (self.ending.reached().await, self.holder()) {
            (Ended::LoggedOut, _) => Error::KeyRequired,
            (Ended::Expired, Holder::Link(_)) => Error::LinkExpired,
            (Ended::Expired, _) => Error::KeyExpired,
        }
    }

    /// The refusal: it does not have the scope on a stream that is not named.
    pub fn forbidden(&self, scope: Scope) -> Error {
        self.forbidden_on(scope, None)
    }

    /// The refusal: it does not have the scope. `stream`: as the request has named it.
    pub(crate) fn forbidden_on(&self, scope: Scope, stream: Option<&StreamName>) -> Error {
        let holder = match self.holder() {
            // A key would help.
            Holder::Anyone | Holder::Page => return Error::KeyRequired,
            Holder::Key { name, .. } => format!("the key '{name}'"),
            Holder::Link(stream) => format!("a link to the stream '{stream}'"),
        };
        Error::Forbidden { holder, scope: scope.of_keys(), stream: stream.cloned() }
    }
}
