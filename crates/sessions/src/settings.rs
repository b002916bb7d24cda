//! The sections `simulator` and `sessions` of the configuration.

use std::time::Duration;

use settings::{Table, store};

use crate::Place;

type Row = settings::Row<Settings>;

/// The sessions, and the simulator of those that name no other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    pub default: Place,
    /// A simulator that does not answer for so long is gone.
    pub timeout: Duration,
    /// At the same time.
    pub max_concurrent: usize,
    /// A session that is idle for so long ends.
    pub idle: Duration,
    /// How often idle sessions are swept.
    pub check: Duration,
}

pub static SIMULATOR: Table<Settings> = Table {
    section: "simulator",
    doc: "The simulator whose pictures sessions show, unless they choose one of `simulators`.",
    rows: &[
        Row::text("ip", "an IP address or a host name", |s, v| {
            store(&mut s.default.host, is_host(v.trim()).then(|| v.trim().to_owned()))
        })
        .default("127.0.0.1")
        .env(&["ISAAC_SIM_IP"])
        .doc("Where the simulator runs. `simulators` names further ones."),
        Row::int("port", 1, 65535, |s, v| s.default.port = v as u16)
            .default("8211")
            .env(&["ISAAC_SIM_PORT"])
            .doc(
                "The simulator's HTTP port, where the hub checks that it is alive when a session is created.",
            ),
        Row::int("ws_port", 1, 65535, |s, v| s.default.ws_port = v as u16)
            .default("8211")
            .env(&["ISAAC_SIM_WS_PORT"])
            .doc("The simulator's WebSocket port."),
        Row::int("stream_port", 1, 65535, |s, v| s.default.stream_port = v as u16)
            .default("8765")
            .env(&["ISAAC_STREAM_PORT"])
            .doc("The port of the simulator's own MJPEG stream, used when its WebSocket carries no frames."),
        Row::text("ws_path", "a path that begins with /", |s, v| {
            let path = v.trim();
            let good = path.starts_with('/') && path.bytes().all(|b| b.is_ascii_graphic());
            store(&mut s.default.ws_path, good.then(|| path.to_owned()))
        })
        .default("/streaming/webrtc")
        .doc("The path of the simulator's WebSocket."),
        Row::seconds("timeout_seconds", 0.1, 3600.0, |s, v| s.timeout = v).default("10").doc(
            "A simulator that does not answer for this long is considered lost, and the hub reconnects. \
                 Lower it to notice sooner, raise it for slow links.",
        ),
    ],
};

pub static SESSIONS: Table<Settings> = Table {
    section: "sessions",
    doc: "Simulator sessions.",
    rows: &[
        Row::seconds("timeout_seconds", 1.0, 31_536_000.0, |s, v| s.idle = v).default("3600").doc(
            "A session without activity for this long is closed. Lower it to free the simulator \
                 sooner.",
        ),
        Row::int("max_concurrent", 1, 10_000, |s, v| s.max_concurrent = v as usize).default("25").doc(
            "Sessions at the same time. Each is a stream, too, and counts towards \
                 `streams.max_concurrent`.",
        ),
        Row::seconds("check_seconds", 0.1, 86_400.0, |s, v| s.check = v)
            .default("300")
            .doc("How often sessions without activity are looked for."),
    ],
};

fn is_host(text: &str) -> bool {
    let good = |b: u8| b.is_ascii_alphanumeric() || b".-_:".contains(&b);
    let place = Place { host: text.to_owned(), port: 1, ws_port: 1, stream_port: 1, ws_path: "/".into() };
    (1..=253).contains(&text.len()) && text.bytes().all(good) && place.simulator().is_ok()
}
