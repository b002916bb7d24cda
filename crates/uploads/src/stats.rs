//! How uploads go, as `/streaming/stats` shows it.

use std::collections::BTreeMap;

use serde::Serialize;

const MB: f64 = 1024.0 * 1024.0;

#[derive(Debug, Clone, Serialize)]
pub struct Stats {
    pub active_sessions: usize,
    pub max_sessions: usize,
    /// Frames in memory.
    pub total_memory_mb: f64,
    #[serde(serialize_with = "wire::json::whole")]
    pub max_memory_mb: f64,
    /// Of the sessions that are active.
    pub total_frames: u64,
    /// By their ids.
    pub sessions: BTreeMap<String, SessionStats>,
}

#[derive(Debug, Clone, Serialize)]
pub struct SessionStats {
    pub session_id: String,
    pub frames_received: u64,
    /// Frames in memory; the others lie on disk.
    pub memory_mb: f64,
    pub duration_seconds: f64,
    /// `create`, `receiving_frames`, `frames_complete`, `processing` or `cleanup`.
    pub state: &'static str,
    /// The live stream of its frames.
    pub stream: String,
    /// Whether its client is connected.
    pub connected: bool,
    pub spooled_mb: f64,
    pub missing_frames: u64,
    pub duplicate_frames: u64,
    pub out_of_order_frames: u64,
    pub idle_seconds: f64,
    pub analysis: AnalysisStats,
}

#[derive(Debug, Clone, Serialize)]
pub struct AnalysisStats {
    /// `null`: this hub has none.
    pub pipeline: Option<&'static str>,
    /// Whether its turn has come.
    pub running: bool,
    pub frames_analysed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<f64>,
}

impl Stats {
    pub(crate) fn of(sessions: Vec<SessionStats>, max_sessions: usize, max_memory_bytes: u64) -> Self {
        Self {
            active_sessions: sessions.len(),
            max_sessions,
            // From 0.0: the empty sum of floats is -0.0.
            total_memory_mb: rounded(sessions.iter().fold(0.0, |sum, s| sum + s.memory_mb)),
            max_memory_mb: megabytes(max_memory_bytes),
            total_frames: sessions.iter().map(|s| s.frames_received).sum(),
            sessions: sessions.into_iter().map(|s| (s.session_id.clone(), s)).collect(),
        }
    }

    /// The sessions that `may_see` names, and their sums.
    #[must_use]
    pub fn only(self, may_see: impl Fn(&SessionStats) -> bool) -> Self {
        let shown: Vec<SessionStats> = self.sessions.into_values().filter(may_see).collect();
        let (max_sessions, max_memory_mb) = (self.max_sessions, self.max_memory_mb);
        Self { max_memory_mb, ..Self::of(shown, max_sessions, 0) }
    }
}

pub(crate) fn megabytes(bytes: u64) -> f64 {
    rounded(bytes as f64 / MB)
}

/// Three places say enough.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_sessions_memory_is_zero_and_not_less() {
        let idle = Stats::of(Vec::new(), 4, 1 << 30);
        assert!(idle.total_memory_mb.is_sign_positive(), "{}", idle.total_memory_mb);
        assert_eq!((idle.active_sessions, idle.total_frames, idle.max_memory_mb), (0, 0, 1024.0));
    }
}
