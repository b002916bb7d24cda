//! What is told of a source: its state and its counters, written by the supervisor, read by whoever asks.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// What a source is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Nobody watches, so nothing is open.
    Resting,
    /// Opened, and no picture has come yet.
    Connecting,
    /// Pictures come.
    Live,
    /// It will be tried again.
    Failed {
        why: String,
        /// The wait before the next attempt.
        retry_in: Duration,
    },
    /// It will not be tried again.
    Ended { why: String },
}

impl State {
    /// One word for statistics.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Resting => "resting",
            Self::Connecting => "connecting",
            Self::Live => "live",
            Self::Failed { .. } => "failed",
            Self::Ended { .. } => "ended",
        }
    }
}

/// A source at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// One word: http, rtsp, v4l2, …
    pub kind: &'static str,
    pub state: State,
    /// Pictures that came from the source, those left out for its `fps` too.
    pub captures: u64,
    /// Pictures that were encoded here, because the source gave none as JPEG. Never more than one a capture,
    /// however many watch.
    pub encodes: u64,
    /// Pictures that could not be used and were skipped.
    pub frame_errors: u64,
    /// Attempts that were made at opening it.
    pub attempts: u64,
}

/// Where a source's state is kept.
#[derive(Debug)]
pub(crate) struct Status {
    kind: &'static str,
    state: Mutex<State>,
    captures: AtomicU64,
    encodes: AtomicU64,
    frame_errors: AtomicU64,
    attempts: AtomicU64,
}

impl Status {
    pub(crate) fn new(kind: &'static str) -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            kind,
            state: Mutex::new(State::Resting),
            captures: zero(),
            encodes: zero(),
            frame_errors: zero(),
            attempts: zero(),
        }
    }

    pub(crate) fn report(&self) -> Report {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Report {
            kind: self.kind,
            state: self.state.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            captures: read(&self.captures),
            encodes: read(&self.encodes),
            frame_errors: read(&self.frame_errors),
            attempts: read(&self.attempts),
        }
    }

    /// The state before.
    pub(crate) fn set(&self, state: State) -> State {
        std::mem::replace(&mut *self.state.lock().unwrap_or_else(PoisonError::into_inner), state)
    }

    pub(crate) fn count_attempt(&self) {
        self.attempts.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_capture(&self) {
        self.captures.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_encode(&self) {
        self.encodes.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_error(&self) {
        self.frame_errors.fetch_add(1, Ordering::Relaxed);
    }
}
