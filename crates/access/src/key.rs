//! The keys that were configured. Of a key only its hash is kept, and a key that is sent is compared with every one
//! in constant time: neither memory nor timing reveals one.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{Scopes, StreamPattern};

/// SHA-256 of a key's text.
pub type KeyDigest = [u8; 32];

/// One key, and its rights.
#[derive(Clone, PartialEq)]
pub struct Key {
    /// For people, in messages and in the log.
    pub name: String,
    pub digest: KeyDigest,
    pub scopes: Scopes,
    /// The streams on which the scopes hold.
    pub streams: Vec<StreamPattern>,
    /// From then on it opens nothing.
    pub expires: Option<SystemTime>,
}

impl Key {
    /// Whether a client can send this as a key and somebody can have meant it as one: neither a list or a quotation that
    /// nobody has taken apart, nor the place of a value that nobody has put in.
    pub fn is_text(text: &str) -> bool {
        let wraps =
            [("[", "]"), ("\"", "\""), ("'", "'"), ("${", "}"), ("$(", ")"), ("{{", "}}"), ("<", ">")];
        let is_wrapped =
            wraps.iter().any(|(open, close)| text.starts_with(open) && text[open.len()..].ends_with(close));
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic()) && !is_wrapped
    }

    pub fn digest_of(secret: &str) -> KeyDigest {
        Sha256::digest(secret.as_bytes()).into()
    }

    /// Names a key in the tokens that it has signed, without giving its hash away.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        let digest =
            Sha256::new().chain_update(b"framehub key fingerprint").chain_update(self.digest).finalize();
        let mut short = [0; 8];
        short.copy_from_slice(&digest[..8]);
        Fingerprint(u64::from_be_bytes(short))
    }

    pub(crate) fn has_expired(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

impl fmt::Debug for Key {
    /// Without the hash: that of a short secret gives it away.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("name", &self.name)
            .field("scopes", &self.scopes)
            .field("streams", &self.streams)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fingerprint(pub(crate) u64);

/// All keys.
#[derive(Debug)]
pub(crate) struct KeyRing(pub(crate) Vec<Key>);

impl KeyRing {
    /// The position of the key with this text. Every key is compared, so that the time taken gives no hint.
    pub(crate) fn position(&self, sent: &str) -> Option<usize> {
        let digest = Key::digest_of(sent);
        let mut found = None;
        for (at, key) in self.0.iter().enumerate() {
            if bool::from(key.digest.ct_eq(&digest)) {
                found = found.or(Some(at));
            }
        }
        found
    }

    pub(crate) fn position_of(&self, fingerprint: Fingerprint) -> Option<usize> {
        self.0.iter().position(|key| key.fingerprint() == fingerprint)
    }
}

/// How long from `now` to `then`; nothing if it is past.
pub(crate) fn time_left(now: SystemTime, then: SystemTime) -> Duration {
    then.duration_since(now).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn key(name: &str, secret: &str) -> Key {
        let streams = vec![StreamPattern::every()];
        Key {
            name: name.into(),
            digest: Key::digest_of(secret),
            scopes: Scopes::NONE,
            streams,
            expires: None,
        }
    }

    #[test]
    fn only_the_whole_key_is_known() {
        let ring = KeyRing(vec![key("first", "first-key"), key("second", "second-key")]);
        assert_eq!(ring.position("second-key"), Some(1));
        for wrong in ["", "second-ke", "second-key2", "SECOND-KEY"] {
            assert_eq!(ring.position(wrong), None);
        }
    }

    #[test]
    fn a_key_shows_neither_secret_nor_hash() {
        let key = key("door", "hush-hush");
        let digest = format!("{:?}", key.digest);
        let shown = format!("{key:?}");
        assert!(!shown.contains("hush") && !shown.contains(&digest), "{shown}");
    }

    #[test]
    fn what_nobody_means_as_a_key_is_none() {
        for key in ["a", "as129skaSF1", "a\"b]", "{x}", "$KEY", "it's", "<", "\""] {
            assert!(Key::is_text(key), "{key}");
        }
        for none in [
            "",
            "a b",
            "schlüssel",
            "a\n",
            "[\"a\"]",
            "\"a\"",
            "'a'",
            "${KEY}",
            "$(cat k)",
            "{{ key }}",
            "<your-key>",
        ] {
            assert!(!Key::is_text(none), "{none}");
        }
    }

    #[test]
    fn another_secret_has_another_fingerprint() {
        assert_ne!(key("a", "one").fingerprint(), key("a", "two").fingerprint());
        assert_eq!(key("a", "one").fingerprint(), key("b", "one").fingerprint());
    }
}
