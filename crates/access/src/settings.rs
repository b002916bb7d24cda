//! The sections `auth` and `limits` of the configuration: who may do what, and how much of the hub one address may take.

use std::{fmt, path::Path};

use settings::{Row, Table, store};

use crate::{Key, Scope, Scopes, SecretError, SigningSecret, StreamPattern, guard, key_entries, secret_file};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Auth {
    /// Keys that have every right. With none, and no `keys` either, all is open.
    pub api_keys: Vec<Secret>,
    /// Keys with rights of their own.
    pub keys: Vec<Key>,
    /// What needs no key, once there are keys.
    pub public: Scopes,
    /// What links and logins are signed with. None: a generated one.
    pub secret: Option<Secret>,
}

impl Auth {
    /// Whether no key is set at all.
    pub fn is_open(&self) -> bool {
        self.api_keys.is_empty() && self.keys.is_empty()
    }

    /// What the guard needs to know. `folder` keeps the signing secret, if none is set.
    pub fn guard(&self, folder: &Path, failed_keys_per_minute: Option<u32>) -> guard::Settings {
        let with_every_right = self.api_keys.iter().map(|key| Key {
            name: "API_KEYS".to_owned(),
            digest: Key::digest_of(key.expose()),
            scopes: Scopes::from_iter(Scope::EVERY),
            streams: vec![StreamPattern::every()],
            expires: None,
        });
        let secret = self.signing_secret(folder).unwrap_or_else(|error| {
            tracing::warn!("{error}. Until then links and logins end with this run");
            SigningSecret::new(secret_file::random().unwrap_or_default())
        });
        guard::Settings {
            keys: with_every_right.chain(self.keys.iter().cloned()).collect(),
            public: self.public,
            secret,
            failed_keys_per_minute,
        }
    }

    /// `auth.secret`, or the one in a file of `folder`, which is made the first time. Without keys nothing is worth
    /// signing, and no file is made.
    ///
    /// # Errors
    /// The file cannot be made, or others may read it.
    pub fn signing_secret(&self, folder: &Path) -> Result<SigningSecret, SecretError> {
        match &self.secret {
            Some(secret) => Ok(SigningSecret::new(secret.expose())),
            None if self.is_open() => Ok(SigningSecret::new(secret_file::random().unwrap_or_default())),
            None => secret_file::kept_in(folder),
        }
    }
}

/// Text that must never be printed: its `Debug` shows none of it.
#[derive(Clone, Eq, PartialEq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The text itself, for comparing (in constant time) and for nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What one address may do. None: as much as it likes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddressLimits {
    pub requests_per_second: Option<f64>,
    pub burst: u32,
    pub connections: Option<usize>,
    pub failed_keys_per_minute: Option<u32>,
}

pub static AUTH: Table<Auth> = Table {
    section: "auth",
    doc: "Who may do what.",
    rows: &[
        Row::<Auth>::list(
            "api_keys",
            "one or more keys of visible ASCII characters without spaces, separated by commas or as a list (KEY,KEY or \
             [\"KEY\", \"KEY\"]), and no placeholder such as ${KEY}",
            |s, v| {
                let are_keys = v.iter().all(|key| Key::is_text(key));
                if are_keys {
                    s.api_keys = v.into_iter().map(Secret::new).collect();
                }
                are_keys
            },
        )
        .env(&["API_KEYS"])
        .secret()
        .doc(
            "Keys that have every right, sent as `X-API-Key`, `Authorization: Bearer`, Basic password \
                 or `?api_key=`. With any key set, every route but the health checks asks for one; with \
                 none, all is open. Use at least 8 characters each.",
        ),
        Row::<Auth>::entries(
            "keys",
            "a list of maps with secret (or sha256, its hash in hexadecimal) and scopes (view, \
                 publish, record, admin), and as you like name, streams (patterns such as cam-*) and \
                 expires (RFC 3339)",
            |s, v| {
                key_entries::read(v).map(|keys| {
                    s.keys = keys;
                    s.keys.iter().map(|key| key.name.as_str()).collect::<Vec<_>>().join(",")
                })
            },
        )
        .secret()
        .doc(
            "Keys with rights of their own: what they may do, on which streams, and until when. In \
                 the file only. `docs/guide/keys.md` shows how to write them and what each scope opens.",
        ),
        Row::<Auth>::list(
            "public",
            "scopes (view, publish, record, admin), as a list or separated by commas",
            |s, v| {
                let scopes: Result<Scopes, _> = v.iter().map(|word| word.parse::<Scope>()).collect();
                store(&mut s.public, scopes.ok())
            },
        )
        .doc(
            "What needs no key on any stream although keys are set: with `[view]` everybody may \
                 watch, and only keys may publish, record and delete. Without keys all is open anyway.",
        ),
        Row::<Auth>::text("secret", "at least 16 characters, or empty", |s, v| {
            let good = v.is_empty() || v.len() >= 16;
            if good {
                s.secret = (!v.is_empty()).then(|| Secret::new(v));
            }
            good
        })
        .secret()
        .doc(
            "What shared links and logins are signed with; a new one ends them all. Empty: the hub \
                 makes one and keeps it in `.framehub-secret` in `recording.directory`, for its owner's \
                 eyes only.",
        ),
    ],
};

pub static LIMITS: Table<AddressLimits> = Table {
    section: "limits",
    doc: "What one address may do, so that it cannot crowd out others.",
    rows: &[
        Row::<AddressLimits>::number("requests_per_second", 0.0, 1_000_000.0, |s, v| {
            s.requests_per_second = (v > 0.0).then_some(v)
        })
        .default("0")
        .unit("requests a second")
        .doc(
            "Requests a second from one address, on average; 0: no limit. Beyond it they get 429. A \
                 publisher that posts its frames needs one for each; a view or a WebSocket counts once.",
        ),
        Row::<AddressLimits>::int("burst", 1, 1_000_000, |s, v| s.burst = v as u32)
            .default("100")
            .unit("requests")
            .doc(
                "Requests from one address at once, where `limits.requests_per_second` is set. A page \
                 with its files is about forty.",
            ),
        Row::<AddressLimits>::int("connections_per_address", 0, 1_000_000, |s, v| {
            s.connections = (v > 0).then_some(v as usize)
        })
        .default("0")
        .unit("connections")
        .doc(
            "Connections that one address may have open, 0: no limit of its own. \
                 `server.trusted_proxies` are not counted. An IPv6 address stands for its /64.",
        ),
        Row::<AddressLimits>::int("failed_keys_per_minute", 0, 100_000, |s, v| {
            s.failed_keys_per_minute = (v > 0).then_some(v as u32)
        })
        .default("20")
        .unit("keys")
        .doc(
            "Different wrong keys that one address may try; after that its keys get 429 for a while, \
                 the right one too. The same wrong key again does not count. 0: no limit.",
        ),
    ],
};
