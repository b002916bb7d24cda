//! The rows that say who gets in, and how much of the hub one of them may take.

use super::super::grants;
use super::super::key::{Key, Kind};
use super::super::typed::Secret;
use super::serving::ROW;
use super::set_parsed;

const SERVER: Key = Key { section: "server", ..ROW };
const AUTH: Key = Key { section: "auth", ..ROW };
const LIMITS: Key = Key { section: "limits", ..ROW };

pub(super) const KEYS: &[Key] = &[
    Key {
        name: "trusted_proxies",
        kind: Kind::List {
            allowed: "addresses or blocks of them, such as 127.0.0.1 or 10.0.0.0/8, as a list or parted by commas",
            set: |p, v| {
                let blocks: Result<Vec<access::Cidr>, _> = v.iter().map(|text| text.parse()).collect();
                set_parsed(&mut p.server.trusted_proxies, blocks.ok())
            },
        },
        doc: "Proxies in front of the hub whose `X-Forwarded-For`, `-Proto` and `-Host` count. From anybody \
            else they are ignored, since anybody can write them.",
        ..SERVER
    },
    Key {
        name: "allowed_origins",
        kind: Kind::List {
            allowed: "origins such as https://app.example, or *, as a list or parted by commas",
            set: |p, v| {
                let good = v.iter().all(|origin| is_origin(origin));
                if good {
                    p.server.allowed_origins = v;
                }
                good
            },
        },
        doc: "Pages of other origins that may open WebSockets and act with their visitor's login. With keys set \
            and nothing here only the hub's own pages may; with something here, only these may read the API \
            (`server.cors_enabled`), too.",
        ..SERVER
    },
    Key {
        name: "api_keys",
        kind: Kind::List {
            allowed: "keys of visible ASCII characters without spaces, as a list or parted by commas",
            set: |p, v| {
                let sendable = v.iter().all(|key| key.bytes().all(|b| b.is_ascii_graphic()));
                if sendable {
                    p.auth.api_keys = v.into_iter().map(Secret::new).collect();
                }
                sendable
            },
        },
        env: &["API_KEYS"],
        secret: true,
        doc: "Keys that have every right, sent as `X-API-Key`, `Authorization: Bearer`, Basic password \
            or `?api_key=`. With any key set, every route but the health checks asks for one; with \
            none, all is open. Use at least 8 characters each.",
        ..AUTH
    },
    Key {
        name: "keys",
        kind: Kind::Entries {
            allowed: "a list of maps with secret (or sha256, its hash in hexadecimal) and scopes (view, publish, \
                record, admin), and as you like name, streams (patterns such as cam-*) and expires (RFC 3339)",
            set: |p, v| {
                grants::read(v).map(|keys| {
                    p.auth.keys = keys;
                    p.auth.keys.iter().map(|key| key.name.as_str()).collect::<Vec<_>>().join(",")
                })
            },
        },
        secret: true,
        doc: "Keys with rights of their own: what they may do, on which streams, and until when. In the file \
            only. `docs/guide/keys.md` shows how to write them and what each scope opens.",
        ..AUTH
    },
    Key {
        name: "public",
        kind: Kind::List {
            allowed: "scopes (view, publish, record, admin), as a list or parted by commas",
            set: |p, v| {
                let scopes: Result<access::Scopes, _> =
                    v.iter().map(|word| word.parse::<access::Scope>()).collect();
                set_parsed(&mut p.auth.public, scopes.ok())
            },
        },
        doc: "What needs no key on any stream although keys are set: with `[view]` everybody may watch, and \
            only keys may publish, record and delete. Without keys all is open anyway.",
        ..AUTH
    },
    Key {
        name: "secret",
        kind: Kind::Text {
            allowed: "at least 16 characters, or empty",
            set: |p, v| {
                let good = v.is_empty() || v.len() >= 16;
                if good {
                    p.auth.secret = (!v.is_empty()).then(|| Secret::new(v));
                }
                good
            },
        },
        secret: true,
        doc: "What shared links and logins are signed with; a new one ends them all. Empty: the hub makes one \
            and keeps it in `.framehub-secret` in `recording.directory`, for its owner's eyes only.",
        ..AUTH
    },
    Key {
        name: "requests_per_second",
        kind: Kind::Number {
            least: 0.0,
            most: 1_000_000.0,
            set: |p, v| p.limits.requests_per_second = (v > 0.0).then_some(v),
        },
        default: "0",
        unit: "requests a second",
        doc: "Requests from one address in the long run, 0: no limit. Beyond it they get 429. A publisher that \
            posts its frames needs one for each; a view or a WebSocket counts once.",
        ..LIMITS
    },
    Key {
        name: "burst",
        kind: Kind::Int { least: 1, most: 1_000_000, set: |p, v| p.limits.burst = v as u32 },
        default: "100",
        unit: "requests",
        doc: "Requests from one address at once, where `limits.requests_per_second` is set. A page with its \
            files is about forty.",
        ..LIMITS
    },
    Key {
        name: "connections_per_address",
        kind: Kind::Int {
            least: 0,
            most: 1_000_000,
            set: |p, v| p.limits.connections = (v > 0).then_some(v as usize),
        },
        default: "0",
        unit: "connections",
        doc: "Connections that one address may have open, 0: no limit of its own. `server.trusted_proxies` are \
            not counted. An IPv6 address stands for its /64.",
        ..LIMITS
    },
    Key {
        name: "failed_keys_per_minute",
        kind: Kind::Int {
            least: 0,
            most: 100_000,
            set: |p, v| p.limits.failed_keys_per_minute = (v > 0).then_some(v as u32),
        },
        default: "20",
        unit: "keys",
        doc: "Different wrong keys that one address may try; after that its keys get 429 for a while, the right \
            one too. The same wrong key again does not count. 0: no limit.",
        ..LIMITS
    },
];

/// Scheme, host, and a port if need be.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_host =
        |host: &str| !host.is_empty() && host.bytes().all(|b| b.is_ascii_graphic() && !b"/?#@".contains(&b));
    text == "*" || host.is_some_and(is_host)
}
