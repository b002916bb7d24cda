//! The rows that this version accepts and checks, but does not act on yet, so that the five
//! documents' own files and environments start unchanged.

use super::super::key::{Key, Kind};
use super::{seconds, set_parsed};

/// What all these rows share.
const ROW: Key = Key {
    section: "",
    name: "",
    kind: Kind::Flag(|_, _| ()),
    default: "",
    unit: "",
    env: &[],
    secret: false,
    available: false,
    doc: "",
};

const SIMULATOR: Key = Key { section: "simulator", ..ROW };

pub(super) const KEYS: &[Key] = &[
    Key {
        name: "ip",
        kind: Kind::Text {
            allowed: "an IP address or a host name",
            set: |p, v| set_parsed(&mut p.simulator.ip, is_host(v.trim()).then(|| v.trim().to_owned())),
        },
        default: "127.0.0.1",
        env: &["ISAAC_SIM_IP"],
        doc: "Where the simulator runs.",
        ..SIMULATOR
    },
    Key {
        name: "port",
        kind: Kind::Int { least: 1, most: 65535, set: |p, v| p.simulator.port = v as u16 },
        default: "8211",
        env: &["ISAAC_SIM_PORT"],
        doc: "The simulator's HTTP port, asked whether it is alive when a session is made.",
        ..SIMULATOR
    },
    Key {
        name: "ws_port",
        kind: Kind::Int { least: 1, most: 65535, set: |p, v| p.simulator.ws_port = v as u16 },
        default: "8211",
        env: &["ISAAC_SIM_WS_PORT"],
        doc: "The simulator's WebSocket port.",
        ..SIMULATOR
    },
    Key {
        name: "stream_port",
        kind: Kind::Int { least: 1, most: 65535, set: |p, v| p.simulator.stream_port = v as u16 },
        default: "8765",
        env: &["ISAAC_STREAM_PORT"],
        doc: "The port of the simulator's own MJPEG stream, used when its WebSocket carries no frames.",
        ..SIMULATOR
    },
    Key {
        name: "ws_path",
        kind: Kind::Text {
            allowed: "a path that begins with /",
            set: |p, v| {
                let path = v.trim();
                let good = path.starts_with('/') && path.bytes().all(|b| b.is_ascii_graphic());
                set_parsed(&mut p.simulator.ws_path, good.then(|| path.to_owned()))
            },
        },
        default: "/streaming/webrtc",
        doc: "The path of the simulator's WebSocket.",
        ..SIMULATOR
    },
    Key {
        section: "sessions",
        name: "timeout_seconds",
        kind: Kind::Number { least: 1.0, most: 31_536_000.0, set: |p, v| p.sessions.timeout = seconds(v) },
        default: "3600",
        doc: "A session without activity for this long is closed. Lower it to free the simulator \
            sooner.",
        ..ROW
    },
];

fn is_host(text: &str) -> bool {
    let good = |b: u8| b.is_ascii_alphanumeric() || b".-_:".contains(&b);
    (1..=253).contains(&text.len()) && text.bytes().all(good)
}
