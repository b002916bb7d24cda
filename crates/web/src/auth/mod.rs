//! The rights of a request. Every request passes [`Access::admit`] before it reaches a handler: `credentials` reads what the
//! request was sent with, the `access` crate says which rights that gives, `need` says which right the route needs,
//! and `origin` refuses what another site's page sends in its visitor's name.
//!
//! A key that is unknown or has expired is refused with 401 on every route, a right that is missing with 403, or with
//! 401 if a key would help.

mod credentials;
mod extract;
mod need;
pub(crate) mod origin;

use std::time::{Duration, SystemTime};

use access::{Buckets, Cidr, Error, Grant, Guard, Scope};
use axum::extract::Request;
use http::{Method, header};
use hub::StreamName;

pub(crate) use credentials::COOKIE;
pub(crate) use extract::{Granted, Ticket};
pub(crate) use need::Need;

use crate::{Settings, caller::Caller, error::ApiError};

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
}

impl Access {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            guard: Guard::new(&settings.auth),
            requests: settings.request_rate.map(|rate| Buckets::new(rate.per_second, rate.burst)),
            trusted_proxies: settings.trusted_proxies.clone(),
            cors: settings.cors,
            allowed_origins: settings.allowed_origins.clone(),
        }
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
        // Where everything is open to pages of every origin, so are the WebSockets.
        let takes_every_origin = self.guard.is_open() && self.cors && self.allowed_origins.is_empty();
        if !takes_every_origin && headers.contains_key(header::ORIGIN) {
            let caller = Caller::of(&self.trusted_proxies, uri, headers, request.extensions());
            let host = caller.host.as_deref();
            origin::check(request.method(), uri, headers, host, &self.allowed_origins)?;
        }
        if need == Need::Nothing {
            return Ok(Some(self.guard.everyone()));
        }
        let grant = self.guard.grant(&credentials::of(headers, uri), from, SystemTime::now())?;
        check(&self.guard, &grant, need, name)?;
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
