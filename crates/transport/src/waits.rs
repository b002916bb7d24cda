//! What a client keeps the hub waiting for: the rest of what it began to send, or to take what it asked for.

use std::{sync::Arc, time::Duration};

use net::Lock;
use tokio::time::Instant;

/// Of one connection. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Waits(Arc<Lock<State>>);

#[derive(Debug, Default)]
struct State {
    sending: Since,
    taking: Since,
}

/// Waits that go on, and when the last of them began or ended: something moved then.
#[derive(Debug, Default)]
struct Since {
    count: usize,
    last: Option<Instant>,
}

/// What a client is waited for to do.
#[derive(Debug, Clone, Copy)]
pub(super) enum Side {
    Sending,
    Taking,
}

/// A client is waited for until this is dropped.
#[derive(Debug)]
pub(super) struct Waiting {
    waits: Waits,
    side: Side,
}

impl Waits {
    pub(super) fn begin(&self, side: Side) -> Waiting {
        self.0.lock().of(side).change(1);
        Waiting { waits: self.clone(), side }
    }

    /// Whether nothing has moved for so long.
    pub(super) fn are_longer_than(&self, limit: Duration) -> bool {
        let state = self.0.lock();
        [&state.sending, &state.taking]
            .iter()
            .any(|since| since.last.is_some_and(|last| last.elapsed() >= limit))
    }

    /// Since when the client has taken nothing of what there is for it.
    pub(super) fn taking_since(&self) -> Option<Instant> {
        self.0.lock().taking.last
    }
}

impl State {
    fn of(&mut self, side: Side) -> &mut Since {
        match side {
            Side::Sending => &mut self.sending,
            Side::Taking => &mut self.taking,
        }
    }
}

impl Since {
    fn change(&mut self, change: isize) {
        self.count = self.count.saturating_add_signed(change);
        self.last = (self.count > 0).then(Instant::now);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.waits.0.lock().of(self.side).change(-1);
    }
}
