//! What the hub signs: logins, tickets for a page's files, links to one stream.

use std::{
    net::IpAddr,
    time::{Duration, SystemTime},
};

use hub::StreamName;

use crate::{
    Error, Grant, Guard, Scope,
    grant::Holder,
    key::time_left,
    token::{Claim, LoginId, unix_secs},
};

/// A browser is asked for its key again after this time.
const LOGIN: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// A page loads its files at once; what it loads later, it loads on the day on which it was opened.
const TICKET: Duration = Duration::from_secs(24 * 60 * 60);

/// The token of a login, and how long it lasts.
#[derive(Debug)]
pub struct Login {
    pub token: String,
    pub lasts: Duration,
}

/// A link's token, and until when it opens its stream.
#[derive(Debug)]
pub struct Share {
    pub token: String,
    pub until: SystemTime,
}

impl Guard {
    /// A login for the client that has sent this key.
    pub fn login(&self, key: &str, from: Option<IpAddr>, now: SystemTime) -> Result<Login, Error> {
        let grant = self.of_key(key, from, now)?;
        let Holder::Key { fingerprint: key, .. } = *grant.holder() else { return Err(Error::CannotSign) };
        let until = earlier(now + LOGIN, grant.until());
        let nonce = getrandom::u64().map_err(|_| Error::CannotSign)?;
        let token = self.sign(&Claim::Login(LoginId { until: unix_secs(until), key, nonce }))?;
        Ok(Login { token, lasts: time_left(now, until) })
    }

    /// A link to `stream` with the right to watch it and `scope` ([`Scope::Live`]: nothing else) that lasts for `span`,
    /// but not longer than the key that asks for it.
    pub fn share(
        &self,
        grant: &Grant,
        scope: Scope,
        stream: &StreamName,
        span: Duration,
    ) -> Result<Share, Error> {
        if self.is_open() {
            return Err(Error::NoKeys);
        }
        let by = match grant.holder() {
            Holder::Key { fingerprint, .. } => Some(*fingerprint),
            Holder::Anyone | Holder::Page => return Err(self.key_required()),
            Holder::Link(_) => return Err(Error::LinkFromLink),
        };
        let until = unix_secs(earlier(SystemTime::now() + span, grant.until()));
        let claim = Claim::Share { scope, stream: stream.clone(), until, by };
        // In whole seconds, as in the token.
        Ok(Share { token: self.sign(&claim)?, until: claim.until() })
    }

    /// A token with which a page that was just shown may load its files.
    pub fn ticket(&self) -> Result<String, Error> {
        self.sign(&Claim::Ticket { until: unix_secs(SystemTime::now() + TICKET) })
    }

    fn sign(&self, claim: &Claim) -> Result<String, Error> {
        claim.sign(&self.secret).ok_or(Error::CannotSign)
    }
}

fn earlier(time: SystemTime, limit: Option<SystemTime>) -> SystemTime {
    limit.map_or(time, |limit| limit.min(time))
}
