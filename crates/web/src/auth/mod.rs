//! Keys and rights: who may do what. Every request passes [`Guard::admit`] before it reaches a handler.
//!
//! With no key configured all is open but document 004's robot routes. Otherwise a request has the rights of what it
//! was sent with (`credentials`): a configured key (`key`), a shared link or a login cookie (`token`); and those that
//! are open to all. `need` says which right each route needs. A key that is
//! unknown or has expired is refused with 401 wherever it is sent to, a right that is missing with 403, or with 401
//! if a key would help.

mod credentials;
mod failures;
mod grant;
mod issue;
mod key;
mod need;
pub(crate) mod origin;
mod pattern;
mod scope;
mod token;

use std::{
    net::IpAddr,
    time::{Duration, SystemTime},
};

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use hub::StreamName;
use percent_encoding::percent_decode_str;

pub(crate) use credentials::COOKIE;
pub(crate) use grant::Grant;
pub(crate) use issue::Ticket;
pub use key::{Key, KeyDigest};
pub(crate) use need::{Found, Need, Routes, Table};
pub use pattern::{InvalidPattern, StreamPattern};
pub use scope::{Scope, Scopes, UnknownScope};
pub use token::{SigningSecret, share_token};

use crate::{browser, error::ApiError, pages};
use credentials::Sent;
use failures::Failures;
use grant::{Holder, Right};
use key::KeyRing;
use token::Claim;

/// Who may do what, as configured.
#[derive(Debug, Clone)]
pub struct AuthSettings {
    pub keys: Vec<Key>,
    /// What everybody may do, on every stream.
    pub public: Scopes,
    pub secret: SigningSecret,
    /// Different wrong keys an address may try a minute; `None`: as many as it likes.
    pub failed_keys_per_minute: Option<u32>,
}

/// Looks at every request.
#[derive(Debug)]
pub(crate) struct Guard {
    ring: KeyRing,
    /// Of each key in the ring, in its order.
    grants: Vec<Grant>,
    /// Of whoever sends nothing.
    everybody: Grant,
    /// Of a page's files.
    pages: Grant,
    public: Scopes,
    secret: SigningSecret,
    failures: Option<Failures>,
}

impl Guard {
    pub(crate) fn new(settings: &AuthSettings) -> Self {
        let ring = KeyRing::new(settings.keys.clone());
        let public = if ring.is_empty() { Scopes::from_iter(Scope::EVERY) } else { settings.public };
        let of_key = |key: &std::sync::Arc<Key>| {
            let own = Right { scopes: key.scopes, streams: key.streams.clone() };
            let holder = Holder::Key { name: key.name.clone(), fingerprint: key.fingerprint() };
            Grant::new(holder, vec![own, Right::on_every_stream(public)], key.expires)
        };
        Self {
            grants: ring.iter().map(of_key).collect(),
            everybody: Grant::new(Holder::Anybody, vec![Right::on_every_stream(public)], None),
            pages: Grant::new(Holder::Page, Vec::new(), None),
            public,
            secret: settings.secret.clone(),
            failures: settings.failed_keys_per_minute.map(Failures::new),
            ring,
        }
    }

    /// What the request may do, if that is enough for where it goes.
    pub(crate) fn admit(
        &self,
        found: &Found<'_>,
        uri: &Uri,
        headers: &HeaderMap,
        from: Option<IpAddr>,
    ) -> Result<Grant, ApiError> {
        if matches!(found, Found::Route { need: Need::Nothing, .. }) {
            return Ok(self.everybody.clone());
        }
        let grant = self.grant(headers, uri, from, SystemTime::now())?;
        match found {
            Found::Route { need, name } => self.check(&grant, *need, *name)?,
            Found::WrongMethod | Found::Nowhere => self.check(&grant, Need::Any, None)?,
        }
        Ok(grant)
    }

    /// The rights of what the request was sent with.
    fn grant(
        &self,
        headers: &HeaderMap,
        uri: &Uri,
        from: Option<IpAddr>,
        now: SystemTime,
    ) -> Result<Grant, ApiError> {
        match Sent::with(headers, uri) {
            Sent::Nothing => Ok(self.everybody.clone()),
            // Where there are no keys, none is wrong.
            Sent::Key(_) | Sent::Token(_) if self.ring.is_empty() => Ok(self.everybody.clone()),
            Sent::Key(key) => self.of_key(&key, from, now),
            Sent::Token(token) => self.of_link(&token, now),
            Sent::Ticket(ticket) => self.of_ticket(&ticket, now),
            // A browser sends its cookie long after it has ended; it is as if it had sent none.
            Sent::Cookie(cookie) => Ok(self.of_login(&cookie, now).unwrap_or_else(|| self.everybody.clone())),
        }
    }

    /// `from`: the address whose wrong keys are counted.
    fn of_key(&self, sent: &str, from: Option<IpAddr>, now: SystemTime) -> Result<Grant, ApiError> {
        let counted = self.failures.as_ref().zip(from);
        if let Some((failures, from)) = counted {
            failures.look(from).map_err(too_many_wrong_keys)?;
        }
        let Some(at) = self.ring.position(sent) else {
            if let Some((failures, from)) = counted {
                failures.note(from, sent);
            }
            let message = "the API key is not known here: check it against auth.keys and API_KEYS of the hub";
            return Err(unauthorized("API_KEY_UNKNOWN", message));
        };
        self.unexpired(at, now).ok_or_else(|| {
            unauthorized(
                "API_KEY_EXPIRED",
                "the API key has expired: ask for a new one, or give it a later date in auth.keys of the hub",
            )
        })
    }

    fn unexpired(&self, at: usize, now: SystemTime) -> Option<Grant> {
        let is_over = self.ring.get(at)?.has_expired(now);
        self.grants.get(at).filter(|_| !is_over).cloned()
    }

    /// A link opens no more than the key that made it does now.
    fn of_link(&self, token: &str, now: SystemTime) -> Result<Grant, ApiError> {
        let wrong =
            || unauthorized("LINK_INVALID", "the link's token is not one of this hub's: ask for a new link");
        let over = || unauthorized("LINK_EXPIRED", "the link has expired: ask for a new one");
        let Some(claim @ Claim::Share { .. }) = Claim::verify(token, &self.secret) else {
            return Err(wrong());
        };
        let until = claim.until();
        let Claim::Share { scope, stream, by, .. } = claim else { return Err(wrong()) };
        if until <= now {
            return Err(over());
        }
        if let Some(by) = by {
            let maker = self.ring.position_of(by).and_then(|at| self.unexpired(at, now));
            maker.filter(|maker| maker.allows(scope, &stream)).ok_or_else(over)?;
        }
        let shared =
            Right { scopes: Scopes::from_iter([scope]), streams: vec![StreamPattern::only(&stream)] };
        let rights = vec![shared, Right::on_every_stream(self.public)];
        Ok(Grant::new(Holder::Link(stream), rights, Some(until)))
    }

    fn of_ticket(&self, ticket: &str, now: SystemTime) -> Result<Grant, ApiError> {
        match Claim::verify(ticket, &self.secret) {
            Some(claim @ Claim::Ticket { .. }) if claim.until() > now => Ok(self.pages.clone()),
            _ => Err(unauthorized("TICKET_EXPIRED", "the page has been open for too long: load it again")),
        }
    }

    fn of_login(&self, cookie: &str, now: SystemTime) -> Option<Grant> {
        let Some(Claim::Login { key, until }) = Claim::verify(cookie, &self.secret) else { return None };
        let claim = Claim::Login { key, until };
        if claim.until() <= now {
            return None;
        }
        self.unexpired(self.ring.position_of(key)?, now)
    }

    fn check(&self, grant: &Grant, need: Need, name: Option<&str>) -> Result<(), ApiError> {
        let refused = |scope: Scope, stream: Option<&StreamName>| {
            if grant.has_key() { Err(grant.forbidden(scope, stream)) } else { Err(self.key_needed()) }
        };
        match need {
            Need::Nothing => Ok(()),
            Need::Any if !grant.opens_pages() => Err(self.key_needed()),
            Need::Any => Ok(()),
            Need::Keyed(_) if !grant.has_key() => Err(self.key_needed()),
            Need::Somewhere(scope) | Need::Keyed(scope) if !grant.allows_somewhere(scope) => {
                refused(scope, None)
            }
            Need::Somewhere(_) | Need::Keyed(_) => Ok(()),
            Need::LiveOrUpload if grant.allows_somewhere(Scope::Publish) => Ok(()),
            Need::LiveOrUpload if !grant.allows_somewhere(Scope::Live) => refused(Scope::Live, None),
            Need::LiveOrUpload => Ok(()),
            Need::On(scope) => match name.and_then(stream_name) {
                Some(stream) if !grant.allows(scope, &stream) => refused(scope, Some(&stream)),
                Some(_) => Ok(()),
                // What is no stream's name reaches no stream; the handler says what is wrong with it.
                None if !grant.allows_somewhere(scope) => refused(scope, None),
                None => Ok(()),
            },
        }
    }

    fn key_needed(&self) -> ApiError {
        if self.ring.is_empty() {
            let message = "the robot's stream always needs an API key, and none is set: start the hub with \
                API_KEYS=<key> (auth.api_keys), and send that key as X-API-Key";
            return unauthorized("API_KEY_REQUIRED", message);
        }
        unauthorized(
            "API_KEY_REQUIRED",
            "an API key is needed: send it as X-API-Key, Authorization: Bearer, or ?api_key=",
        )
    }
}

/// A refusal as a response. RFC 9110, section 11.6.1: with 401 goes a challenge.
///
/// A browser that would show a page is shown the one that asks for a key. Its own box for names and passwords stays
/// shut, which would open for every picture of a page, too; programs such as ffmpeg wait for that challenge.
pub(crate) fn refused(refusal: ApiError, path: &str, headers: &HeaderMap) -> Response {
    if refusal.status() != StatusCode::UNAUTHORIZED {
        return refusal.into_response();
    }
    let mut response =
        if browser::wants_page(headers) { pages::login(path) } else { refusal.into_response() };
    let challenge = match browser::is_browser(headers) {
        true => "Bearer realm=\"Framehub\"",
        false => "Basic realm=\"Framehub: any name, the API key as password\"",
    };
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}

fn too_many_wrong_keys(wait: Duration) -> ApiError {
    let message = "too many wrong API keys came from this address: wait, then send the right one";
    ApiError::too_often("TOO_MANY_WRONG_KEYS", message, wait)
}

fn unauthorized(code: &'static str, message: &str) -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, code, message)
}

/// As the router reads it.
fn stream_name(sent: &str) -> Option<StreamName> {
    percent_decode_str(sent).decode_utf8().ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
