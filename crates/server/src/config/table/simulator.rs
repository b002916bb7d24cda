//! The rows of the simulator that sessions show, and of the sessions themselves (document 002).

use super::super::key::{Key, Kind};
use super::serving::ROW;
use super::{seconds, set_parsed};

const SIMULATOR: Key = Key { section: "simulator", ..ROW };
const SESSIONS: Key = Key { section: "sessions", ..ROW };

pub(super) const KEYS: &[Key] = &[
    Key {
        name: "ip",
        kind: Kind::Text {
            allowed: "an IP address or a host name",
            set: |p, v| set_parsed(&mut p.simulator.ip, is_host(v.trim()).then(|| v.trim().to_owned())),
        },
        default: "127.0.0.1",
        env: &["ISAAC_SIM_IP"],
        doc: "Where the simulator runs. `simulators` names further ones.",
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
        name: "timeout_seconds",
        kind: Kind::Number { least: 0.1, most: 3600.0, set: |p, v| p.simulator.timeout = seconds(v) },
        default: "10",
        doc: "A simulator that does not answer for this long counts as gone and is connected to anew. \
            Lower it to notice sooner, raise it for slow links.",
        ..SIMULATOR
    },
    Key {
        name: "timeout_seconds",
        kind: Kind::Number { least: 1.0, most: 31_536_000.0, set: |p, v| p.sessions.timeout = seconds(v) },
        default: "3600",
        doc: "A session without activity for this long is closed. Lower it to free the simulator \
            sooner.",
        ..SESSIONS
    },
    Key {
        name: "max_concurrent",
        kind: Kind::Int { least: 1, most: 10_000, set: |p, v| p.sessions.max_concurrent = v as usize },
        default: "25",
        doc: "Sessions at the same time. Each is a stream, too, and counts towards \
            `streams.max_concurrent`.",
        ..SESSIONS
    },
    Key {
        name: "check_seconds",
        kind: Kind::Number { least: 0.1, most: 86_400.0, set: |p, v| p.sessions.check = seconds(v) },
        default: "300",
        doc: "How often sessions without activity are looked for.",
        ..SESSIONS
    },
];

fn is_host(text: &str) -> bool {
    let good = |b: u8| b.is_ascii_alphanumeric() || b".-_:".contains(&b);
    let place = sessions::Place { host: text.to_owned(), ..super::super::Simulator::default().place() };
    (1..=253).contains(&text.len()) && text.bytes().all(good) && place.simulator().is_ok()
}
