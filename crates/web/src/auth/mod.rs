//! The rights of a request: one decision, which [`Access::admit`] makes before any handler runs. `credentials` says which
//! credential the request is judged by, and who put it there; `origin` refuses what another site's page sends; the
//! `access` crate says which rights the credential gives, `need` which right the route needs; and `host` refuses a page
//! that made its own name lead here. When the rights end, so does all that was begun with them (`dispatch`, `transport`,
//! `websocket`).
//!
//! A key that is unknown or has expired is refused with 401 on every route, a right that is missing with 403, or with
//! 401 if a key would help.

mod credentials;
mod extract;
mod host;
mod need;
pub(crate) mod origin;

use std::time::{Duration, SystemTime};

use access::{Buckets, Cidr, Error, Grant, Guard, Scope};
use axum::extract::Request;
use http::Method;
use hub::StreamName;

pub(crate) use credentials::COOKIE;
pub(crate) use extract::{Granted, LoggedIn, Ticket};
pub(crate) use need::Need;

use crate::{Settings, caller::Caller, error::ApiError};
use credentials::{By, Sent};
use host::Names;
use origin::Asked;

/// Who may send which requests.
#[derive(Debug)]
pub(crate) struct Access {
    pub(crate) guard: Guard,
    /// How often each address may ask, where that is bounded.
    requests: Option<Buckets>,
    pub(crate) trusted_proxies: Vec<Cidr>,
    /// Whether pages of other origins may read responses: all, or those that are allowed.
    pub(crate) cors: bool,
    pub(crate) allowed_origins: Vec<String>,
    names: Names,
}

impl Access {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            guard: Guard::new(&settings.auth),
            requests: settings.request_rate.map(|rate| Buckets::new(rate.per_second, rate.burst)),
            trusted_proxies: settings.trusted_proxies.clone(),
            cors: settings.cors,
            allowed_origins: settings.allowed_origins.clone(),
            names: Names::new(&settings.allowed_hosts, &settings.allowed_origins),
        }
    }

    /// Whether pages of every origin may do what needs no credential of their visitor.
    pub(crate) fn takes_every_origin(&self) -> bool {
        self.cors && self.allowed_origins.is_empty()
    }

    /// Whether the credential that the request is judged by stands in its address: whoever has the address has the right.
    pub(crate) fn is_by_address(&self, request: &Request) -> bool {
        credentials::of(request.headers(), request.uri()).by == By::Address
    }

    /// What the request may do, if that is enough for its route. `name`: the path's first parameter.
    ///
    /// `None`: a browser asks what it may send before it sends a key. No handler sees that question, and its answer
    /// reveals nothing.
    pub(crate) fn admit(
        &self,
        need: Need,
        name: Option<&str>,
        request: &Request,
    ) -> Result<Option<Grant>, ApiError> {
        let (uri, headers) = (request.uri(), request.headers());
        let from = Caller::address_of(&self.trusted_proxies, headers, request.extensions());
        if let (Some(requests), Some(from)) = (&self.requests, from) {
            requests.take(from).map_err(too_many_requests)?;
        }
        if request.method() == Method::OPTIONS {
            return Ok(None);
        }
        let Sent { credential, by } = credentials::of(headers, uri);
        let caller = || Caller::of(&self.trusted_proxies, uri, headers, request.extensions());
        if let Some(asked) = Asked::by(request.method(), headers) {
            // Where all is open, a credential opens nothing.
            let by = if self.guard.is_open() { By::Nobody } else { by };
            origin::check(self, asked, by, caller().host.as_deref())?;
        }
        let grant = self.guard.grant(&credential, from, SystemTime::now());
        if need == Need::Nothing && !self.guard.is_open() {
            // A probe is answered whatever it was sent with.
            return Ok(Some(grant.unwrap_or_else(|_| self.guard.everyone())));
        }
        let grant = grant?;
        check(&self.guard, &grant, need, name)?;
        if grant.is_everyones() && host::is_of_browser(headers) {
            let caller = caller();
            let host = caller.host.filter(|_| !caller.is_https);
            host.map_or(Ok(()), |host| self.names.check(&host))?;
        }
        Ok(Some(grant))
    }
}

fn too_many_requests(wait: Duration) -> ApiError {
    let message =
        "too many requests from this address: ask less often, or raise limits.requests_per_second of the hub";
    ApiError::too_often("TOO_MANY_REQUESTS", message, wait)
}

fn check(guard: &Guard, grant: &Grant, need: Need, name: Option<&str>) -> Result<(), Error> {
    match need {
        Need::Nothing => Ok(()),
        Need::Any => guard.require_any(grant),
        Need::Somewhere(scope) => guard.require(grant, scope, None),
        Need::Keyed(scope) => {
            guard.require_key(grant)?;
            guard.require(grant, scope, None)
        }
        Need::LiveOrUpload if grant.allows_somewhere(Scope::Publish) => Ok(()),
        Need::LiveOrUpload => guard.require(grant, Scope::Live, None),
        // A text that is no stream's name reaches no stream: the handler answers what is wrong with it.
        Need::On(scope) => {
            let stream: Option<StreamName> = name.and_then(|name| name.parse().ok());
            guard.require(grant, scope, stream.as_ref())
        }
    }
}

#[cfg(test)]
mod tests;
