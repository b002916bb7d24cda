//! How much memory the hub can come to hold, as arithmetic over the config's limits.
//!
//! The bound is what strangers can make the hub hold by sending the largest frames everywhere at
//! once; real frames are far smaller, and viewers of one frame share it. Whatever a client can make
//! the hub hold has a term here: who adds a buffer, adds to a term.

use std::fmt;

use super::typed::Config;

const KB: u64 = 1024;
const MB: u64 = 1024 * KB;

/// What waits in a simulator session, in both directions.
const SIGNALLING_BYTES: u64 = 2 * MB;
/// Of an upload session: its index, its signal log, its messages.
const UPLOAD_BYTES: u64 = 104 * MB;
/// The largest picture that is analysed has 8K: its coefficients while it is decoded, and two of its pixels.
const ANALYSIS_BYTES: u64 = 7680 * 4320 * (15 + 2 * 3);
/// The program, its libraries, the index of the recordings, what the allocator keeps for itself.
const HUB_BYTES: u64 = 128 * MB;

/// What one kind of thing may hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Term {
    pub what: &'static str,
    pub count: u64,
    /// Bytes of each.
    pub each: u64,
}

/// The bound and what it is made of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MemoryBound {
    /// The largest frame reckoned with.
    pub frame_bytes: u64,
    pub terms: Vec<Term>,
}

impl MemoryBound {
    pub fn total_bytes(&self) -> u64 {
        let bytes = self.terms.iter().map(|term| term.count.saturating_mul(term.each));
        bytes.fold(HUB_BYTES, u64::saturating_add)
    }
}

impl fmt::Display for MemoryBound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {}: ", Size(self.total_bytes()))?;
        for Term { what, count, each } in self.terms.iter().filter(|term| term.count > 0) {
            match count {
                1 => write!(f, "{} of {what} + ", Size(*each))?,
                _ => write!(f, "{count} {what} × {} + ", Size(*each))?,
            }
        }
        write!(f, "{} of the hub's own, with frames of {}", Size(HUB_BYTES), Size(self.frame_bytes))
    }
}

impl Config {
    /// The bound with frames as large as they may be.
    pub fn memory_bound(&self) -> MemoryBound {
        self.memory_bound_with(self.server.max_frame_bytes)
    }

    /// The same arithmetic for frames of another size, such as the one that is expected.
    pub fn memory_bound_with(&self, frame_bytes: u64) -> MemoryBound {
        let terms =
            [self.streaming(frame_bytes), self.serving(frame_bytes), self.working(frame_bytes)].concat();
        MemoryBound { frame_bytes, terms }
    }

    /// What the streams keep, and those that fill and record them.
    fn streaming(&self, frame: u64) -> Vec<Term> {
        let kept = self.streams.max_buffer_bytes.max(self.streams.backlog_bytes).saturating_add(frame);
        let fragment = record::FRAGMENT_BYTES as u64;
        let recorder = if self.recording.automatic { fragment.saturating_add(frame) } else { 0 };
        let stream = kept.saturating_add(recorder);
        let session = frame.saturating_mul(3).saturating_add(SIGNALLING_BYTES);
        vec![
            Term { what: "streams", count: self.streams.max_concurrent as u64, each: stream },
            Term { what: "sources", count: self.sources.len() as u64, each: frame.saturating_mul(2) },
            Term { what: "simulator sessions", count: self.sessions.max_concurrent as u64, each: session },
        ]
    }

    /// What connections hold, and what all of them together send and take.
    fn serving(&self, frame: u64) -> Vec<Term> {
        let server = &self.server;
        let connection =
            web::connection_bytes(server.tls_cert.is_some()) as u64 + self.viewers.send_buffer_bytes as u64;
        // A message in base64, or one of an upload.
        let message = frame.saturating_mul(4).div_ceil(3).max(self.uploads.max_frame_bytes as u64);
        let replay = frame.saturating_add(record::FRAGMENT_BYTES as u64).saturating_mul(2);
        vec![
            Term { what: "connections", count: server.max_connections as u64, each: connection },
            Term { what: "frames being received", count: 1, each: server.receive_bytes.max(message) },
            Term { what: "frames being sent", count: 1, each: server.send_bytes.saturating_add(frame) },
            Term { what: "threads that copy", count: server.threads as u64, each: message.saturating_mul(2) },
            Term { what: "replays", count: web::MAX_REPLAYS as u64, each: replay },
        ]
    }

    /// What is decoded, scaled and analysed.
    fn working(&self, frame: u64) -> Vec<Term> {
        let uploads = &self.uploads;
        let sessions = uploads.max_sessions as u64;
        let spools = uploads.spool_memory_bytes.saturating_mul(sessions).min(uploads.max_memory_bytes);
        let upload = UPLOAD_BYTES.saturating_add(2 * uploads.max_frame_bytes as u64);
        let analyses = if sessions > 0 { uploads.analyses as u64 } else { 0 };
        let has_spools = u64::from(spools > 0);
        vec![
            Term { what: "pictures being decoded", count: 1, each: net::DECODERS.most() },
            Term { what: "renditions", count: self.derive.renditions as u64, each: frame.saturating_mul(3) },
            Term { what: "live analyses", count: self.derive.analyses as u64, each: frame.saturating_mul(2) },
            Term { what: "upload sessions", count: sessions, each: upload },
            Term { what: "frames of uploads", count: has_spools, each: spools },
            Term {
                what: "videos of POST /analyze",
                count: web::max_forms(uploads.max_sessions) as u64,
                each: web::FORM_BYTES as u64,
            },
            Term { what: "analyses of uploads", count: analyses, each: ANALYSIS_BYTES },
        ]
    }
}

/// Bytes for people.
struct Size(u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 5] = ["bytes", "kB", "MB", "GB", "TB"];
        let (mut amount, mut unit) = (self.0 as f64, 0);
        while amount >= 1000.0 && unit + 1 < UNITS.len() {
            amount /= 1024.0;
            unit += 1;
        }
        let places = usize::from(unit > 0 && amount < 100.0);
        write!(f, "{amount:.places$} {}", UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn term(bound: &MemoryBound, what: &str) -> (u64, u64) {
        let term = bound.terms.iter().find(|term| term.what == what).unwrap();
        (term.count, term.each)
    }

    #[test]
    fn the_bound_is_the_sum_of_its_terms() {
        let bound = Config::default().memory_bound();
        assert_eq!(term(&bound, "streams"), (50, (8 + 10 + 4 + 10) * MB));
        assert_eq!(term(&bound, "simulator sessions"), (25, 32 * MB));
        assert_eq!(term(&bound, "frames being received"), (1, 256 * MB));
        assert_eq!(term(&bound, "frames being sent"), (1, (256 + 10) * MB));
        assert_eq!(term(&bound, "renditions"), (8, 30 * MB));
        assert_eq!(term(&bound, "frames of uploads"), (1, 640 * MB));
        let (connections, each) = term(&bound, "connections");
        assert!(connections == 2048 && each < MB, "a connection that does nothing large is small: {each}");
        let sum: u64 = bound.terms.iter().map(|term| term.count * term.each).sum();
        assert_eq!(bound.total_bytes(), sum + HUB_BYTES);
        let text = bound.to_string();
        assert!(text.starts_with("at most ") && text.contains(": 50 streams × 32.0 MB + "), "{text}");
    }

    #[test]
    fn every_limit_that_is_raised_raises_the_bound() {
        let usual = Config::default().memory_bound().total_bytes();
        let raises: [fn(&mut Config); 9] = [
            |c| c.streams.max_concurrent += 1,
            |c| c.server.max_connections += 1,
            |c| c.server.max_frame_bytes += MB,
            |c| c.server.receive_bytes += MB,
            |c| c.server.send_bytes += MB,
            |c| c.sessions.max_concurrent += 1,
            |c| c.derive.renditions += 1,
            |c| c.uploads.max_sessions += 1,
            |c| c.uploads.analyses += 1,
        ];
        for raise in raises {
            let mut config = Config::default();
            raise(&mut config);
            assert!(config.memory_bound().total_bytes() > usual);
        }
    }

    #[test]
    fn with_small_frames_the_backlog_decides() {
        let mut config = Config::default();
        config.recording.automatic = false;
        let bound = config.memory_bound_with(100 * KB);
        assert_eq!(term(&bound, "streams"), (50, 8 * MB + 100 * KB));
    }
}
