//! Signed tokens: of links that open one stream for a while, of logins, and of a page's files. Their holder cannot
//! change them, and each says when it expires.
//!
//! A token is `<claim>.<tag>`, both base64url: the claim is text, the tag its HMAC-SHA256 (RFC 2104) under the hub's
//! secret. The claim begins with the kind of token, so that one kind does not pass for another.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use hub::StreamName;
use sha2::Sha256;

use crate::{Scope, key::Fingerprint};

/// No token of this hub is longer.
const LONGEST: usize = 512;

/// What tokens are signed with.
#[derive(Clone)]
pub struct SigningSecret(Vec<u8>);

impl SigningSecret {
    /// Any bytes that cannot be guessed; 32 random ones are best.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    fn mac(&self, claim: &str) -> Option<Hmac<Sha256>> {
        // HMAC takes keys of any length, although the signature allows for an error.
        Some(Hmac::<Sha256>::new_from_slice(&self.0).ok()?.chain_update(claim))
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

/// The content of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Its bearer may watch one stream, and has the scope on it. `by`: the key that made it, and must still be valid.
    Share { scope: Scope, stream: StreamName, until: u64, by: Option<Fingerprint> },
    /// Its bearer has sent a key.
    Login(LoginId),
    /// Its bearer was shown a page, and may load its files.
    Ticket { until: u64 },
}

/// One login. Ordered by the time at which it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LoginId {
    pub(crate) until: u64,
    pub(crate) key: Fingerprint,
    /// Distinguishes logins with one key that end at once, so that each can be ended by itself.
    pub(crate) nonce: u64,
}

impl Claim {
    pub(crate) fn until(&self) -> SystemTime {
        let (Self::Share { until, .. } | Self::Login(LoginId { until, .. }) | Self::Ticket { until }) = self;
        // A time beyond the clock's range counts as expired.
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(*until)).unwrap_or(SystemTime::UNIX_EPOCH)
    }

    pub(crate) fn sign(&self, secret: &SigningSecret) -> Option<String> {
        let claim = self.to_string();
        let tag = secret.mac(&claim)?.finalize().into_bytes();
        Some(format!("{}.{}", URL_SAFE_NO_PAD.encode(claim), URL_SAFE_NO_PAD.encode(tag)))
    }

    /// The claim of a token that was signed with this secret; it may have expired.
    pub(crate) fn verify(token: &str, secret: &SigningSecret) -> Option<Self> {
        if token.len() > LONGEST {
            return None;
        }
        let (claim, tag) = token.split_once('.')?;
        let claim = String::from_utf8(URL_SAFE_NO_PAD.decode(claim).ok()?).ok()?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        // Compares in constant time.
        secret.mac(&claim)?.verify_slice(&tag).ok()?;
        Self::parse(&claim)
    }

    fn parse(claim: &str) -> Option<Self> {
        let mut fields = claim.split(':');
        let mut next = || fields.next();
        let claim = match next()? {
            "share" => Self::Share {
                scope: match next()? {
                    "live" => Scope::Live,
                    "signal" => Scope::Signal,
                    scope => scope.parse().ok()?,
                },
                stream: next()?.parse().ok()?,
                until: next()?.parse().ok()?,
                by: match next()? {
                    "" => None,
                    key => Some(fingerprint(key)?),
                },
            },
            "login" => {
                let (key, until) = (fingerprint(next()?)?, next()?.parse().ok()?);
                // Logins of earlier versions have none.
                let nonce = next().map_or(Some(0), |text| u64::from_str_radix(text, 16).ok())?;
                Self::Login(LoginId { until, key, nonce })
            }
            "ticket" => Self::Ticket { until: next()?.parse().ok()? },
            _ => return None,
        };
        fields.next().is_none().then_some(claim)
    }
}

fn fingerprint(text: &str) -> Option<Fingerprint> {
    u64::from_str_radix(text, 16).ok().map(Fingerprint)
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share { scope, stream, until, by } => {
                let by = by.map_or(String::new(), |Fingerprint(key)| format!("{key:016x}"));
                write!(f, "share:{scope}:{stream}:{until}:{by}")
            }
            Self::Ticket { until } => write!(f, "ticket:{until}"),
            Self::Login(LoginId { until, key: Fingerprint(key), nonce }) => {
                write!(f, "login:{key:016x}:{until}:{nonce:016x}")
            }
        }
    }
}

/// Whole seconds since the Unix epoch.
pub(crate) fn unix_secs(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// A link's token made with the hub's secret itself rather than by a key.
pub fn share_token(secret: &SigningSecret, stream: &StreamName, until: SystemTime) -> Option<String> {
    let until = unix_secs(until);
    Claim::Share { scope: Scope::Live, stream: stream.clone(), until, by: None }.sign(secret)
}

#[cfg(test)]
mod tests;
