//! What bounds uploads, and where they keep things.

use std::{path::PathBuf, time::Duration};

use net::Room;
use settings::{Table, is_path, store};

type Row = settings::Row<Settings>;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    /// At the same time; 0: this hub takes none.
    pub max_sessions: usize,
    /// Frames of all sessions together that are in memory.
    pub max_memory_bytes: u64,
    /// Frames of one session that may be in memory; what is beyond goes to disk.
    pub spool_memory_bytes: u64,
    /// A session without a message for so long ends.
    pub session_timeout: Duration,
    /// Bytes of one frame.
    pub max_frame_bytes: usize,
    /// Bytes of a video that is sent as one file.
    pub max_video_bytes: u64,
    /// Analyses that run at once; the others wait in order.
    pub analyses: usize,
    /// Artifacts, a folder a session.
    pub folder: PathBuf,
    /// What all of it leaves free on the disk.
    pub min_free_bytes: u64,
    /// Of the JPEGs that viewers get where a session sends PNG or raw frames, 1 to 100.
    pub jpeg_quality: u8,
}

impl Settings {
    /// The disk of the folder.
    pub(crate) fn room(&self) -> Room {
        Room::new(&self.folder, self.min_free_bytes)
    }

    /// A session's part of the memory: what it may have, but no more than leaves room for all others.
    pub(crate) fn share(&self) -> u64 {
        let sessions = u64::try_from(self.max_sessions.max(1)).unwrap_or(u64::MAX);
        self.spool_memory_bytes.min(self.max_memory_bytes / sessions)
    }
}

/// The section `referee` of the configuration, as far as it is about uploads.
pub static UPLOADS: Table<Settings> = Table {
    section: "referee",
    doc: "Frame upload and analysis of fencing phrases.",
    rows: &[
        Row::int("max_streaming_sessions", 0, 10_000, |s, v| s.max_sessions = v as usize)
            .default("10")
            .env(&["REFEREE_MAX_STREAMING_SESSIONS"])
            .doc(
                "Upload sessions at the same time. Raising it shares `referee.max_streaming_memory_mb` \
                 among more. 0 turns uploads off.",
            ),
        Row::bytes("max_streaming_memory_mb", 1.0, 1_048_576.0, |s, v| s.max_memory_bytes = v)
            .default("2048")
            .env(&["REFEREE_MAX_STREAMING_MEMORY_MB"])
            .doc(
                "Frames of all upload sessions together that may be in memory; each session has an equal \
                 part of it at most. Raise it for large frames in PNG or raw.",
            ),
        Row::bytes("spool_memory_mb", 0.1, 1_048_576.0, |s, v| s.spool_memory_bytes = v).default("64").doc(
            "Frames of one upload session that may be in memory; what is beyond lies in a file in \
                 `referee.output_dir` until the session ends. Raising it spares a slow disk.",
        ),
        Row::bytes("max_frame_mb", 0.1, 512.0, |s, v| {
            s.max_frame_bytes = usize::try_from(v).unwrap_or(usize::MAX)
        })
        .default("32")
        .doc(
            "The largest frame that an upload session may send. A raw frame of 3840 × 2160 pixels has \
                 24 MB.",
        ),
        Row::bytes("max_video_mb", 0.1, 1_048_576.0, |s, v| s.max_video_bytes = v).default("1024").doc(
            "The largest video that `POST /analyze` takes. While it is analysed it lies in \
                 `referee.output_dir`.",
        ),
        Row::int("analyses", 1, 64, |s, v| s.analyses = v as usize).default("2").doc(
            "Analyses that run at once; the others wait in order while their frames come in. Each \
                 takes a processor.",
        ),
        Row::seconds("streaming_session_timeout", 1.0, 86400.0, |s, v| s.session_timeout = v)
            .default("300")
            .unit("seconds")
            .env(&["REFEREE_STREAMING_SESSION_TIMEOUT"])
            .doc(
                "An upload session without a message for this long is dropped with its frames; within it \
                 a lost connection may resume.",
            ),
        Row::text("output_dir", "a path", |s, v| store(&mut s.folder, is_path(v).then(|| PathBuf::from(v))))
            .default("artifacts")
            .env(&["REFEREE_OUTPUT_DIR"])
            .doc("Where the files of each analysis are kept, a folder for each session."),
    ],
};
