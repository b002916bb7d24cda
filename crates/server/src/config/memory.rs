//! How much memory the hub can come to hold, as arithmetic over the config's limits.
//!
//! The bound is what strangers can make the hub hold by sending the largest frames everywhere at
//! once; real frames are far smaller, and viewers of one frame share it.

use std::fmt;

use super::typed::Config;

/// Read and write buffers of one connection in user space, 16 kB each.
const CONNECTION_BUFFER_BYTES: u64 = 32 * 1024;

/// What waits in a simulator session, in both directions.
const SIGNALLING_BYTES: u64 = 2 * 1024 * 1024;

/// The bound and what it is made of.
///
/// ```text
/// streams.max_concurrent × (max(F, streams.max_buffer_mb, streams.backlog_mb) + 4 MB + F)
/// + server.max_connections × (F + viewers.send_buffer_kb + 32 kB)
/// + viewers.max_renditions × 2 F
/// + sessions.max_concurrent × (3 F + 2 MB)
/// + min(referee.max_streaming_memory_mb, referee.max_streaming_sessions × referee.spool_memory_mb)
/// ```
///
/// F is one frame (`server.max_frame_size_mb`). 4 MB and a frame are a recorder's, and none where
/// `recording.enabled` is off. A connection holds the frame that it is receiving,
/// or one that it is still sending after the stream let it go. A rendition holds the frame that it
/// is made of, and its newest picture. A session holds a message on its way in, in base64, the picture in it,
/// and the signalling that waits in both directions. What upload sessions have beyond the last line lies on disk.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MemoryBound {
    /// The largest frame reckoned with.
    pub frame_bytes: u64,
    pub streams: u64,
    pub per_stream_bytes: u64,
    pub connections: u64,
    pub per_connection_bytes: u64,
    pub renditions: u64,
    pub per_rendition_bytes: u64,
    pub sessions: u64,
    pub per_session_bytes: u64,
    pub uploads_bytes: u64,
}

impl MemoryBound {
    /// All streams at their fullest.
    pub fn streams_bytes(&self) -> u64 {
        self.streams.saturating_mul(self.per_stream_bytes)
    }

    pub fn total_bytes(&self) -> u64 {
        let connections = self.connections.saturating_mul(self.per_connection_bytes);
        let renditions = self.renditions.saturating_mul(self.per_rendition_bytes);
        let sessions = self.sessions.saturating_mul(self.per_session_bytes);
        self.streams_bytes()
            .saturating_add(connections)
            .saturating_add(renditions)
            .saturating_add(sessions)
            .saturating_add(self.uploads_bytes)
    }
}

impl fmt::Display for MemoryBound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "at most {}: {} streams × {} + {} connections × {} + {} renditions × {} + {} sessions × {} + {} of uploads, with frames of {}",
            Size(self.total_bytes()),
            self.streams,
            Size(self.per_stream_bytes),
            self.connections,
            Size(self.per_connection_bytes),
            self.renditions,
            Size(self.per_rendition_bytes),
            self.sessions,
            Size(self.per_session_bytes),
            Size(self.uploads_bytes),
            Size(self.frame_bytes),
        )
    }
}

impl Config {
    /// The bound with frames as large as they may be.
    pub fn memory_bound(&self) -> MemoryBound {
        self.memory_bound_with(self.server.max_frame_bytes)
    }

    /// The same arithmetic for frames of another size, such as the one that is expected.
    pub fn memory_bound_with(&self, frame_bytes: u64) -> MemoryBound {
        let kept = self.streams.max_buffer_bytes.max(self.streams.backlog_bytes);
        let fragment = u64::try_from(record::FRAGMENT_BYTES).unwrap_or(u64::MAX);
        let recorder = if self.recording.automatic { fragment.saturating_add(frame_bytes) } else { 0 };
        let tail = u64::from(self.viewers.send_buffer_bytes) + CONNECTION_BUFFER_BYTES;
        let uploads = self.uploads.spool_memory_bytes.saturating_mul(self.uploads.max_sessions as u64);
        MemoryBound {
            frame_bytes,
            streams: self.streams.max_concurrent as u64,
            per_stream_bytes: kept.max(frame_bytes).saturating_add(recorder),
            connections: self.server.max_connections as u64,
            per_connection_bytes: frame_bytes.saturating_add(tail),
            renditions: self.derive.renditions as u64,
            per_rendition_bytes: frame_bytes.saturating_mul(2),
            sessions: self.sessions.max_concurrent as u64,
            per_session_bytes: frame_bytes.saturating_mul(3).saturating_add(SIGNALLING_BYTES),
            uploads_bytes: uploads.min(self.uploads.max_memory_bytes),
        }
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
    use super::*;

    #[test]
    fn the_bound_is_the_documented_sum() {
        let config = Config::default();
        let bound = config.memory_bound();
        let mb = 1024 * 1024;
        assert_eq!(bound.per_stream_bytes, (10 + 4 + 10) * mb);
        assert_eq!(bound.per_connection_bytes, 10 * mb + (16 + 32) * 1024);
        let others = 8 * 20 * mb + 25 * (30 + 2) * mb + 10 * 64 * mb;
        assert_eq!(
            bound.total_bytes(),
            50 * bound.per_stream_bytes + 2048 * bound.per_connection_bytes + others
        );
        assert_eq!(
            bound.to_string(),
            "at most 22.8 GB: 50 streams × 24.0 MB + 2048 connections × 10.0 MB + 8 renditions × 20.0 MB + 25 \
             sessions × 32.0 MB + 640 MB of uploads, with frames of 10.0 MB"
        );
    }

    #[test]
    fn with_small_frames_the_backlog_decides() {
        let mut config = Config::default();
        config.recording.automatic = false;
        let bound = config.memory_bound_with(100 * 1024);
        assert_eq!(bound.per_stream_bytes, 8 * 1024 * 1024);
        assert_eq!(bound.streams_bytes(), 400 * 1024 * 1024);
    }
}
