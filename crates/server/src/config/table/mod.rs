//! The table of keys: the single source of names, types, defaults, ranges, environment names and
//! their documentation.
//!
//! Each file below holds some sections; a row that is not `available` is accepted and checked, but this version does not
//! act on it yet. A key that changes its table row changes its parsing, its check, `docs/ref/configuration.md`
//! and `config.example.yaml` with it; nothing else lists keys.

mod access;
mod camera;
mod recording;
mod referee;
mod serving;
mod simulator;

use std::{path::PathBuf, time::Duration};

use super::key::Key;
use super::typed::Config;

/// A group of keys, as in the file.
#[derive(Debug)]
pub struct Section {
    pub name: &'static str,
    pub doc: &'static str,
    /// What this version does not do although it accepts keys for it. Empty: nothing is missing.
    pub missing: &'static str,
}

/// The sections, in the order of the reference page.
pub const SECTIONS: &[Section] = &[
    Section { name: "server", doc: "The listener and its limits.", missing: "" },
    Section { name: "streams", doc: "Named live streams and what is kept of each.", missing: "" },
    Section { name: "viewers", doc: "Whoever watches.", missing: "" },
    Section {
        name: "demo",
        doc: "A moving test picture, so that a fresh start shows something.",
        missing: "",
    },
    Section { name: "auth", doc: "Who may do what.", missing: "" },
    Section {
        name: "limits",
        doc: "What one address may do, so that nobody crowds out the others.",
        missing: "",
    },
    Section { name: "logging", doc: "What is logged, and where to.", missing: "" },
    Section { name: "cleanup", doc: "When idle streams and old recordings are removed.", missing: "" },
    Section { name: "recording", doc: "Streams on disk.", missing: "" },
    Section {
        name: "camera",
        doc: "A camera on this machine, in the stream `camera`. `sources` takes more of them.",
        missing: "",
    },
    Section {
        name: "simulator",
        doc: "The simulator whose pictures sessions show, unless they choose one of `simulators`.",
        missing: "",
    },
    Section { name: "sessions", doc: "Simulator sessions.", missing: "" },
    Section { name: "referee", doc: "Frame upload and analysis of fencing phrases.", missing: "" },
];

const PARTS: [&[Key]; 6] =
    [serving::KEYS, access::KEYS, recording::KEYS, camera::KEYS, simulator::KEYS, referee::KEYS];
const COUNT: usize = serving::KEYS.len()
    + access::KEYS.len()
    + recording::KEYS.len()
    + camera::KEYS.len()
    + simulator::KEYS.len()
    + referee::KEYS.len();

/// Every key, in the order of the reference page.
pub static KEYS: [&Key; COUNT] = {
    let mut keys = [&serving::KEYS[0]; COUNT];
    let (mut at, mut part) = (0, 0);
    while part < PARTS.len() {
        let mut row = 0;
        while row < PARTS[part].len() {
            keys[at] = &PARTS[part][row];
            at += 1;
            row += 1;
        }
        part += 1;
    }
    keys
};

/// The key `section.name`.
pub(super) fn find(section: &str, name: &str) -> Option<&'static Key> {
    KEYS.iter().copied().find(|key| key.section == section && key.name == name)
}

/// A kilobyte and its multiples are powers of two here, as in 001's `max_frame_size_mb`.
const KB: u64 = 1024;
const MB: f64 = 1024.0 * 1024.0;
const GB: f64 = 1024.0 * MB;

/// Seconds that a range has checked: not negative, and far below what a `Duration` holds.
fn seconds(value: f64) -> Duration {
    Duration::from_secs_f64(value)
}

/// A size that a range has checked, rounded to whole bytes.
fn bytes(value: f64, unit: f64) -> u64 {
    (value * unit).round() as u64
}

/// Texts that a stream name may be: API.md, 'Conventions'.
const STREAM_NAME: &str = "1 to 64 letters, digits, '_' or '-'";

fn is_stream_name(text: &str) -> bool {
    let good = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(good)
}

/// Stores an optional stream name; the empty text is none.
fn set_stream_name(slot: &mut Option<String>, text: &str) -> bool {
    let good = text.is_empty() || is_stream_name(text);
    if good {
        *slot = (!text.is_empty()).then(|| text.to_owned());
    }
    good
}

/// Stores a value that parsing may refuse.
fn set_parsed<T>(slot: &mut T, parsed: Option<T>) -> bool {
    let Some(value) = parsed else { return false };
    *slot = value;
    true
}

/// A path: not empty and without a NUL.
fn is_path(text: &str) -> bool {
    !text.is_empty() && !text.contains('\0')
}

/// Stores an optional path; the empty text is none.
fn set_optional_path(slot: &mut Option<PathBuf>, text: &str) -> bool {
    let path = (!text.is_empty()).then(|| PathBuf::from(text));
    set_parsed(slot, (!text.contains('\0')).then_some(path))
}

impl Default for Config {
    /// The built-in defaults, from the table of keys.
    fn default() -> Config {
        let mut config = Config::blank();
        for key in KEYS {
            // The table's own test holds that each default is one of the allowed values.
            let applied = key.apply_default(&mut config);
            debug_assert!(applied.is_ok(), "the default of {} is not allowed: {applied:?}", key.path());
        }
        config.settle();
        config
    }
}

#[cfg(test)]
mod tests;
