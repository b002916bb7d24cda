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

pub(crate) use credentials::COOKIE;
pub(crate) use extract::{Granted, Ticket};
pub(crate) use need::Need;

/// What the request may do, if that is enough for its route. `name`: the path's first parameter.
pub(crate) fn admit(
    guard: &Guard,
    need: Need,
    name: Option<&str>,
    uri: &Uri,
    headers: &HeaderMap,
    from: Option<IpAddr>,
) -> Result<Grant, Error> {
    if need == Need::Nothing {
        return Ok(guard.everyone());
    }
    let grant = guard.grant(&credentials::of(headers, uri), from, SystemTime::now())?;
    check(guard, &grant, need, name)?;
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
        Need::On(scope) => {
            let stream: Option<StreamName> = name.and_then(|name| name.parse().ok());
            guard.require(grant, scope, stream.as_ref())
        }
    }
}

#[cfg(test)]
mod tests;
