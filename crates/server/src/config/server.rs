//! The section `server`: the listener and what bounds its connections.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use settings::{Table, store};

type Row = settings::Row<Server>;

#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    pub host: IpAddr,
    /// 0 lets the operating system choose.
    pub port: u16,
    /// PEM files; with both, connections are encrypted.
    pub tls_cert: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    pub base_path: web::BasePath,
    pub debug: bool,
    pub cors_enabled: bool,
    pub max_frame_bytes: u64,
    pub header_timeout: Duration,
    pub body_timeout: Duration,
    pub receive_bytes: u64,
    pub send_bytes: u64,
    pub idle_timeout: Duration,
    pub max_connections: usize,
    /// Threads that serve connections, at least 1.
    pub threads: usize,
    pub shutdown: Duration,
    /// Whose `X-Forwarded-*` count.
    pub trusted_proxies: Vec<access::Cidr>,
    /// Origins such as `https://app.example`, or `*`.
    pub allowed_origins: Vec<String>,
    /// Names such as `cams.example`, `*.example`, or `*`.
    pub allowed_hosts: Vec<String>,
}

impl Server {
    /// The address to listen on.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }
}

pub(super) static SERVER: Table<Server> = Table {
    section: "server",
    doc: "The listener and its limits.",
    rows: &[
        Row::text(
            "host",
            "an IP address: 127.0.0.1 or localhost (this machine only), 0.0.0.0 (every IPv4 address), \
                 :: (every address) or one of this machine's own",
            |s, v| store(&mut s.host, host(v.trim())),
        )
        .default("127.0.0.1")
        .env(&["REFEREE_HOST"])
        .doc(
            "The address to listen on. Anything but this machine's own loopback lets others in: set \
                 `auth.api_keys` first, or stay behind a proxy that asks for a password.",
        ),
        Row::int("port", 0, 65535, |s, v| s.port = v as u16)
            .default("5000")
            .env(&["SERVER_PORT", "VIDEO_PROXY_PORT", "REFEREE_PORT"])
            .doc(
                "The TCP port to listen on. 0 lets the operating system choose a free one, which is \
                 logged at start.",
            ),
        Row::text("tls_cert", "a path or nothing", |s, v| store(&mut s.tls_cert, optional_path(v))).doc(
            "A PEM file with the server's certificate and, after it, the intermediate ones (certbot's \
                 `fullchain.pem`). With it and `server.tls_key` every connection \
                 is encrypted: https:// and wss:// only. Both files are read again within seconds when \
                 they change, so that a renewal needs no restart.",
        ),
        Row::text("tls_key", "a path or nothing", |s, v| store(&mut s.tls_key, optional_path(v))).doc(
            "A PEM file with the certificate's private key, not encrypted (certbot's `privkey.pem`). \
                 Only the hub's own user should be able to read it.",
        ),
        Row::text(
            "base_path",
            "a path such as /cams, of letters, digits, '-', '.', '_' and '~', or nothing",
            |s, v| store(&mut s.base_path, v.trim().parse().ok()),
        )
        .doc(
            "Puts everything below this path: the page, every route, every address in an answer. For \
                 a proxy that passes on paths as they are; one that takes its prefix off needs nothing \
                 here.",
        ),
        Row::flag("debug", |s, v| s.debug = v)
            .default("false")
            .env(&["SERVER_DEBUG"])
            .doc("Raises `logging.level` to DEBUG, whatever it says. Does nothing else."),
        Row::flag("cors_enabled", |s, v| s.cors_enabled = v).default("true").doc(
            "Lets pages of other origins read the API and the streams, and without keys also publish \
                 and delete. Turn it off when only the hub's own pages are used: then every change and \
                 every WebSocket of another page is refused, keys or not.",
        ),
        Row::bytes("max_frame_size_mb", 0.001, 100.0, |s, v| s.max_frame_bytes = v).default("10").doc(
            "The largest frame a publisher may send; a larger one is refused with 413 and the stream \
                 keeps its last good frame. Raising it raises the memory that one stream and one \
                 connection may hold.",
        ),
        Row::seconds("header_timeout_seconds", 0.1, 3600.0, |s, v| s.header_timeout = v).default("10").doc(
            "How long a client may take to send a request's header. Lower it to drop clients that \
                 send very slowly sooner; too low cuts off slow mobile links.",
        ),
        Row::seconds("body_timeout_seconds", 0.1, 3600.0, |s, v| s.body_timeout = v).default("30").doc(
            "How long the body of a request may take to arrive; in a never-ending publish, one frame. Of \
                 a video for `POST /analyze` something must come in this time, and 16 kB a second in the \
                 mean. Lower it to free a stalled upload's memory sooner.",
        ),
        Row::bytes("receive_memory_mb", 1.0, 1_048_576.0, |s, v| s.receive_bytes = v).default("256").doc(
            "Bytes of frames and other bodies larger than 256 kB (over HTTP/2: 16 kB) that may be on \
                 their way in at the same time, over all connections. Further ones wait, in the order in \
                 which they came; one that has waited for `server.body_timeout_seconds` is refused with \
                 503. Raise it where many send large frames at once.",
        ),
        Row::bytes("send_memory_mb", 1.0, 1_048_576.0, |s, v| s.send_bytes = v).default("256").doc(
            "Bytes of frames of 64 kB and more that slow clients may still have to take, each frame \
                 counted once however many take it. Beyond that, the client that has taken nothing for \
                 longest is closed. Raise it where many watch large frames over slow links.",
        ),
        Row::seconds("idle_timeout_seconds", 0.1, 86400.0, |s, v| s.idle_timeout = v).default("60").doc(
            "How long a kept-alive connection may wait for its next request. Raising it saves \
                 reconnects for clients that post rarely, and holds a place of `server.max_connections` \
                 longer.",
        ),
        Row::int("max_connections", 1, 1_000_000, |s, v| s.max_connections = v as usize).default("2048").doc(
            "Connections served at the same time, viewers and publishers together. Raising it raises \
                 the memory bound and needs as many file descriptors (`ulimit -n`). At the limit the \
                 connection that has rested longest between requests makes room; if none rests, one whose \
                 client has kept the hub waiting for ten seconds, in the middle of a frame or without \
                 taking what it asked for; if there is none either, a newcomer gets 503. A lower limit of \
                 open files lowers it, with a warning at the start.",
        ),
        Row::int("threads", 1, 64, |s, v| s.threads = v as usize).default("1").doc(
            "Threads that serve connections. One costs the least CPU a frame, and carried 1.2 GB/s to \
                 400 viewers with a fifth of a core (docs/benchmarks.md); two delivered the same frames a \
                 sixth sooner, for a quarter more CPU. Decoding and encoding always run on threads of \
                 their own.",
        ),
        Row::seconds("shutdown_seconds", 0.0, 300.0, |s, v| s.shutdown = v).default("4").doc(
            "How long a stop waits for requests under way before it cuts them off. Endless streams \
                 are ended at once.",
        ),
        Row::list(
            "trusted_proxies",
            "addresses or blocks of them, such as 127.0.0.1 or 10.0.0.0/8, as a list or separated by \
                 commas",
            |s, v| {
                let blocks: Result<Vec<access::Cidr>, _> = v.iter().map(|text| text.parse()).collect();
                store(&mut s.trusted_proxies, blocks.ok())
            },
        )
        .doc(
            "Proxies in front of the hub whose `X-Forwarded-For`, `-Proto`, `-Host` and `-Prefix` count. From \
                 anybody else they are ignored, since anybody can write them.",
        ),
        Row::list(
            "allowed_origins",
            "origins such as https://app.example, or *, as a list or separated by commas",
            |s, v| {
                let good = v.iter().all(|origin| is_origin(origin));
                if good {
                    s.allowed_origins = v;
                }
                good
            },
        )
        .doc(
            "Pages of other origins that may act with their visitor's login, and show the hub's pages \
                 in a frame. With nothing here only the hub's own pages may; with something here, only \
                 these may read and use the API (`server.cors_enabled`), too.",
        ),
        Row::list(
            "allowed_hosts",
            "host names such as cams.example, *.example or *, without a port, as a list or separated by \
                 commas",
            |s, v| {
                let good = v.iter().all(|host| is_host_pattern(host));
                if good {
                    s.allowed_hosts = v.into_iter().map(|host| host.to_ascii_lowercase()).collect();
                }
                good
            },
        )
        .doc(
            "Names under which browsers reach the hub, beside addresses, `localhost`, this machine's \
                 own names, and the hosts of `server.allowed_origins`. It matters where no key is needed: \
                 there a browser that asks for the hub by another name over plain HTTP is refused, since \
                 a page of any site can make its own name lead here.",
        ),
    ],
};

/// `localhost` is its IPv4 address, which every client tries.
fn host(text: &str) -> Option<IpAddr> {
    if text.eq_ignore_ascii_case("localhost") {
        return Some(Ipv4Addr::LOCALHOST.into());
    }
    text.parse().ok()
}

/// `Some(None)` is no path.
fn optional_path(text: &str) -> Option<Option<PathBuf>> {
    (!text.contains('\0')).then(|| (!text.is_empty()).then(|| PathBuf::from(text)))
}

/// A name, or all below one.
fn is_host_pattern(text: &str) -> bool {
    let is_letter = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let name = text.strip_prefix("*.").unwrap_or(text);
    text == "*" || !name.is_empty() && name.bytes().all(is_letter)
}

/// Scheme, host, and a port if need be.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_host =
        |host: &str| !host.is_empty() && host.bytes().all(|b| b.is_ascii_graphic() && !b"/?#@".contains(&b));
    text == "*" || host.is_some_and(is_host)
}
