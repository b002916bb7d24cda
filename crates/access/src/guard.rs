//! The guard: from what a client has sent to what it may do.
//!
//! Without any configured key everything is open. Otherwise a client has the rights of the key, link or login that it
//! sent, and those that are open to everyone.

use std::{net::IpAddr, sync::Arc, time::SystemTime};

use hub::StreamName;

use crate::{
    Error, Grant, Key, Scope, Scopes, SigningSecret, StreamPattern,
    ending::{Ending, Logouts},
    failures::Failures,
    grant::{Holder, Right},
    key::KeyRing,
    token::Claim,
};

/// Who may do what, as configured.
#[derive(Debug, Clone)]
pub struct Settings {
    pub keys: Vec<Key>,
    /// What everyone may do, on every stream.
    pub public: Scopes,
    pub secret: SigningSecret,
    /// Different wrong keys an address may try a minute; `None`: any number.
    pub failed_keys_per_minute: Option<u32>,
}

/// What a client has sent to be let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    Nothing,
    Key(String),
    /// The token of a shared link.
    Link(String),
    /// The token of a login, as a browser keeps it in a cookie.
    Login(String),
    /// The token in the addresses of a page's files.
    Ticket(String),
}

/// Decides about every request.
#[derive(Debug)]
pub struct Guard {
    pub(crate) ring: KeyRing,
    /// Of each key in the ring, in its order.
    grants: Vec<Grant>,
    /// Of a client that sends nothing.
    everyone: Grant,
    /// Of a page's files.
    pages: Grant,
    public: Scopes,
    pub(crate) secret: SigningSecret,
    failures: Option<Failures>,
    logouts: Arc<Logouts>,
}

impl Guard {
    pub fn new(settings: &Settings) -> Self {
        let ring = KeyRing(settings.keys.clone());
        let public = if ring.0.is_empty() { Scopes::from_iter(Scope::EVERY) } else { settings.public };
        let of_key = |key: &Key| {
            let own = Right { scopes: key.scopes, streams: key.streams.clone() };
            let holder = Holder::Key { name: key.name.clone(), fingerprint: key.fingerprint() };
            Grant::new(holder, vec![own, Right::on_every_stream(public)], key.expires)
        };
        Self {
            grants: ring.0.iter().map(of_key).collect(),
            everyone: Grant::new(Holder::Anyone, vec![Right::on_every_stream(public)], None),
            pages: Grant::new(Holder::Page, Vec::new(), None),
            public,
            secret: settings.secret.clone(),
            failures: settings.failed_keys_per_minute.map(Failures::new),
            logouts: Arc::default(),
            ring,
        }
    }

    /// Whether everything is open.
    pub fn is_open(&self) -> bool {
        self.ring.0.is_empty()
    }

    /// The rights of a client that sends nothing.
    pub fn everyone(&self) -> Grant {
        self.everyone.clone()
    }

    /// The rights of what was sent. `from`: the address whose wrong keys are counted.
    pub fn grant(&self, sent: &Credential, from: Option<IpAddr>, now: SystemTime) -> Result<Grant, Error> {
        match sent {
            Credential::Nothing => Ok(self.everyone()),
            // Where there are no keys, none is wrong.
            Credential::Key(_) | Credential::Link(_) if self.is_open() => Ok(self.everyone()),
            Credential::Key(key) => self.of_key(key, from, now),
            Credential::Link(token) => self.of_link(token, now),
            Credential::Ticket(ticket) => self.of_ticket(ticket, now),
            // A browser keeps sending its cookie after the login has ended: as if it had sent none.
            Credential::Login(token) => Ok(self.of_login(token, now).unwrap_or_else(|| self.everyone())),
        }
    }

    /// Refuses a grant that does not have the scope on the stream that the request names, or on any stream at all.
    pub fn require(&self, grant: &Grant, scope: Scope, stream: Option<&StreamName>) -> Result<(), Error> {
        let is_allowed = match stream {
            Some(stream) => grant.allows(scope, stream),
            None => grant.allows_somewhere(scope),
        };
        if is_allowed { Ok(()) } else { Err(grant.forbidden_on(scope, stream)) }
    }

    /// Refuses a grant without a key behind it, whatever is open to everyone.
    pub fn require_key(&self, grant: &Grant) -> Result<(), Error> {
        if grant.has_key() { Ok(()) } else { Err(self.key_required()) }
    }

    /// Refuses a grant that opens nothing, not even pages.
    pub fn require_any(&self, grant: &Grant) -> Result<(), Error> {
        if grant.opens_pages() { Ok(()) } else { Err(self.key_required()) }
    }

    pub(crate) fn key_required(&self) -> Error {
        if self.is_open() { Error::NoKeyToSend } else { Error::KeyRequired }
    }

    pub(crate) fn of_key(&self, sent: &str, from: Option<IpAddr>, now: SystemTime) -> Result<Grant, Error> {
        let counted = self.failures.as_ref().zip(from);
        if let Some((failures, from)) = counted {
            failures.check(from).map_err(|wait| Error::TooManyWrongKeys { wait })?;
        }
        let Some(at) = self.ring.position(sent) else {
            if let Some((failures, from)) = counted {
                failures.note(from, sent);
            }
            return Err(Error::KeyUnknown);
        };
        self.unexpired(at, now).ok_or(Error::KeyExpired)
    }

    fn unexpired(&self, at: usize, now: SystemTime) -> Option<Grant> {
        let is_over = self.ring.0.get(at)?.has_expired(now);
        self.grants.get(at).filter(|_| !is_over).cloned()
    }

    /// A link opens no more than the key that made it does now.
    fn of_link(&self, token: &str, now: SystemTime) -> Result<Grant, Error> {
        let claim = Claim::verify(token, &self.secret).ok_or(Error::LinkInvalid)?;
        let until = claim.until();
        let Claim::Share { scope, stream, by, .. } = claim else { return Err(Error::LinkInvalid) };
        if until <= now {
            return Err(Error::LinkExpired);
        }
        if let Some(by) = by {
            let maker = self.ring.position_of(by).and_then(|at| self.unexpired(at, now));
            let may = |maker: &Grant| maker.allows(scope, &stream) && maker.shows(&stream);
            maker.filter(may).ok_or(Error::LinkExpired)?;
        }
        let scopes = Scopes::from_iter([Scope::Live, scope]);
        let shared = Right { scopes, streams: vec![StreamPattern::only(&stream)] };
        let rights = vec![shared, Right::on_every_stream(self.public)];
        Ok(Grant::new(Holder::Link(stream), rights, Some(until)))
    }

    fn of_ticket(&self, ticket: &str, now: SystemTime) -> Result<Grant, Error> {
        match Claim::verify(ticket, &self.secret) {
            Some(claim @ Claim::Ticket { .. }) if claim.until() > now => Ok(self.pages.clone()),
            _ => Err(Error::TicketExpired),
        }
    }

    fn of_login(&self, token: &str, now: SystemTime) -> Option<Grant> {
        let claim = Claim::verify(token, &self.secret).filter(|claim| claim.until() > now)?;
        let Claim::Login(login) = claim else { return None };
        if self.logouts.have_ended(&login) {
            return None;
        }
        let of_key = self.unexpired(self.ring.position_of(login.key)?, now)?;
        // It ends before its key does, if at all.
        Some(
            of_key.ending(Ending {
                until: Some(claim.until()),
                login: Some((login, Arc::clone(&self.logouts))),
            }),
        )
    }

    /// Ends a login, and everything that was begun with it. A token that is none has nothing to end.
    pub fn logout(&self, token: &str, now: SystemTime) {
        match Claim::verify(token, &self.secret) {
            Some(claim @ Claim::Login(login)) if claim.until() > now => self.logouts.end(login, now),
            _ => {}
        }
    }
}
