//! What the hub signs: logins, tickets for a page's files, links to one stream.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::extract::FromRequestParts;
use http::{StatusCode, request::Parts};
use hub::StreamName;

use super::{Claim, Grant, Guard, Holder, Scope, credentials, key::time_left, token::unix_secs};
use crate::{App, error::ApiError};

/// A browser is asked for its key again after so long.
const LOGIN: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// A page loads its files at once; what it loads later, it loads on the day on which it was opened.
const TICKET: Duration = Duration::from_secs(24 * 60 * 60);

/// A link's token, and until when it opens its stream.
#[derive(Debug)]
pub(crate) struct Share {
    pub(crate) token: String,
    pub(crate) until: SystemTime,
}

impl Guard {
    /// Whether all is open.
    pub(crate) fn is_open(&self) -> bool {
        self.ring.is_empty()
    }

    /// For the cookie of whoever has sent this key: the text and how long it counts.
    pub(crate) fn login(
        &self,
        key: &str,
        from: Option<IpAddr>,
        now: SystemTime,
    ) -> Result<(String, Duration), ApiError> {
        let grant = self.of_key(key, from, now)?;
        let Holder::Key { fingerprint, .. } = grant.holder() else { return Err(cannot_sign()) };
        let until = earlier(now + LOGIN, grant.until());
        let claim = Claim::Login { key: *fingerprint, until: unix_secs(until) };
        Ok((claim.sign(&self.secret).ok_or_else(cannot_sign)?, time_left(now, until)))
    }

    /// A link to `stream` that counts for so long, but not longer than the key that asks for it.
    pub(crate) fn share(
        &self,
        grant: &Grant,
        stream: &StreamName,
        span: Duration,
    ) -> Result<Share, ApiError> {
        if self.is_open() {
            let message =
                "a link needs no token here: without any key everything is open to whoever knows its address";
            return Err(ApiError::new(StatusCode::CONFLICT, "NO_KEYS", message));
        }
        let by = match grant.holder() {
            Holder::Key { fingerprint, .. } => *fingerprint,
            Holder::Anybody | Holder::Page => return Err(self.key_needed()),
            Holder::Link(_) => {
                let message = "a link cannot make another link: use the key that it was made with";
                return Err(ApiError::new(StatusCode::FORBIDDEN, "FORBIDDEN", message));
            }
        };
        let until = earlier(SystemTime::now() + span, grant.until());
        let claim = Claim::Share {
            scope: Scope::Live,
            stream: stream.clone(),
            until: unix_secs(until),
            by: Some(by),
        };
        // As the token says it: in whole seconds.
        let until = claim.until();
        Ok(Share { token: claim.sign(&self.secret).ok_or_else(cannot_sign)?, until })
    }

    fn ticket(&self) -> Option<String> {
        Claim::Ticket { until: unix_secs(SystemTime::now() + TICKET) }.sign(&self.secret)
    }
}

fn earlier(time: SystemTime, limit: Option<SystemTime>) -> SystemTime {
    limit.map_or(time, |limit| limit.min(time))
}

fn cannot_sign() -> ApiError {
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "the hub cannot sign: see auth.secret")
}

/// For a page that was opened by what stands in its address; other pages need none.
pub(crate) struct Ticket(Option<String>);

impl Ticket {
    pub(crate) fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl FromRequestParts<Arc<App>> for Ticket {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        let guard = app.guard();
        let needed = !guard.is_open() && credentials::is_in_address(&parts.uri);
        Ok(Self(if needed { guard.ticket() } else { None }))
    }
}
