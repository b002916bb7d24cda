//! The rights of a request. Every request passes [`admit`] before it reaches a handler: `credentials` reads what the
//! request was sent with, the `access` crate says which rights that gives, `need` says which right the route needs,
//! and `origin` refuses what another site's page sends in its visitor's name.
//!
//! A key that is unknown or has expired is refused with 401 on every route, a right that is missing with 403, or with
//! 401 if a key would help.

mod credentials;
mod extract;
mod need;
pub(crate) mod origin;

use std::{net::IpAddr, time::SystemTime};

use access::{Error, Grant, Guard, Scope};
use http::{HeaderMap, Uri};
use hub::StreamName;
use percent_encoding::percent_decode_str;

pub(crate) use credentials::COOKIE;
pub(crate) use extract::{Granted, Ticket};
pub(crate) use need::{Found, Need, Routes, Table};

/// What the request may do, if that is enough for its route.
pub(crate) fn admit(
    guard: &Guard,
    found: &Found<'_>,
    uri: &Uri,
    headers: &HeaderMap,
    from: Option<IpAddr>,
) -> Result<Grant, Error> {
    if matches!(found, Found::Route { need: Need::Nothing, .. }) {
        return Ok(guard.everyone());
    }
    let grant = guard.grant(&credentials::of(headers, uri), from, SystemTime::now())?;
    match found {
        Found::Route { need, name } => check(guard, &grant, *need, *name)?,
        Found::WrongMethod | Found::Nowhere => guard.require_any(&grant)?,
    }
    Ok(grant)
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
        Need::On(scope) => guard.require(grant, scope, name.and_then(stream_name).as_ref()),
    }
}

/// As the router reads it.
fn stream_name(sent: &str) -> Option<StreamName> {
    percent_decode_str(sent).decode_utf8().ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
