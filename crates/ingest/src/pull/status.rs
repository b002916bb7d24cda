//! The state of a source and its counters.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::sync::watch;

/// What a source is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum State {
    /// There are no viewers, so nothing is open.
    #[default]
    Resting,
    /// Being opened, and no picture has come yet.
    Connecting,
    /// Open, without pictures so far. A simulator's WebSocket may carry none at all.
    Open,
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
            Self::Open => "open",
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
    /// Pictures that were encoded here, because the source gave none as JPEG. At most one a capture, whatever the
    /// number of viewers.
    pub encodes: u64,
    /// Pictures that could not be used and were skipped.
    pub frame_errors: u64,
    /// Pictures of a file that were left out because their time had passed.
    pub late: u64,
    /// Attempts at opening it.
    pub attempts: u64,
}

impl Report {
    /// The report on a source that is reached in two ways: the first one's state, unless only the second brings pictures.
    pub fn with(self, other: Self, kind: &'static str) -> Self {
        Self {
            kind,
            state: if other.state == State::Live { other.state } else { self.state },
            captures: self.captures + other.captures,
            encodes: self.encodes + other.encodes,
            frame_errors: self.frame_errors + other.frame_errors,
            late: self.late + other.late,
            attempts: self.attempts + other.attempts,
        }
    }
}

/// A source's state and counters, shared by the task that writes them and everyone who asks.
#[derive(Debug, Default)]
pub struct Status {
    kind: &'static str,
    state: watch::Sender<State>,
    /// Why the first unusable picture of this attempt was skipped.
    pub(super) trouble: watch::Sender<Option<String>>,
    pub(super) captures: AtomicU64,
    pub(super) encodes: AtomicU64,
    pub(super) frame_errors: AtomicU64,
    pub(super) late: AtomicU64,
    attempts: AtomicU64,
}

impl Status {
    pub fn new(kind: &'static str) -> Self {
        Self { kind, ..Self::default() }
    }

    pub fn report(&self) -> Report {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Report {
            kind: self.kind,
            state: self.state(),
            captures: read(&self.captures),
            encodes: read(&self.encodes),
            frame_errors: read(&self.frame_errors),
            late: read(&self.late),
            attempts: read(&self.attempts),
        }
    }

    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    pub fn is_live(&self) -> bool {
        matches!(*self.state.borrow(), State::Live)
    }

    /// Returns the state before.
    pub fn set(&self, state: State) -> State {
        if state == State::Connecting {
            self.trouble.send_replace(None);
        }
        self.state.send_replace(state)
    }

    /// Why the first unusable picture of this attempt was skipped.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.borrow().clone()
    }

    /// Receivers of the state, and of why the first unusable picture of an attempt was skipped.
    pub fn watch(&self) -> (watch::Receiver<State>, watch::Receiver<Option<String>>) {
        (self.state.subscribe(), self.trouble.subscribe())
    }

    pub fn count_attempt(&self) {
        self.attempts.fetch_add(1, Ordering::Relaxed);
    }
}
