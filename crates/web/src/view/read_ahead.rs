//! A recording read one batch ahead of its viewer, off the thread that serves connections.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use record::{Batch, Replay, Replayed};
use tokio::time::Sleep;

use crate::disk::Disk;

/// How often a file that is being written is checked for more: a fragment comes about twice a second.
const RECHECK: Duration = Duration::from_millis(100);

type Reading = Pin<Box<dyn Future<Output = Option<(Replay, Result<Batch, record::Error>)>> + Send>>;

/// Holds at most one batch, and reads at most one at a time.
pub(super) struct ReadAhead {
    disk: Disk,
    state: State,
    ahead: Option<Vec<Replayed>>,
}

enum State {
    Idle(Replay),
    Reading(Reading),
    /// All there is has been read; more may come.
    Resting(Replay, Pin<Box<Sleep>>),
    Ended,
}

impl ReadAhead {
    pub(super) fn new(disk: Disk, replay: Replay) -> Self {
        Self { disk, state: State::Idle(replay), ahead: None }
    }

    /// Goes on with the reading as far as it can. What has been overtaken at `from` need not be read. After the end
    /// of what there is, more is waited for if `goes_on` says so.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, from: Duration, goes_on: impl Fn() -> bool) {
        loop {
            self.state = match std::mem::replace(&mut self.state, State::Ended) {
                State::Idle(replay) if self.ahead.is_some() => {
                    self.state = State::Idle(replay);
                    return;
                }
                State::Idle(replay) => State::Reading(read(self.disk.clone(), replay, from)),
                State::Reading(mut reading) => match reading.as_mut().poll(cx) {
                    Poll::Ready(Some((replay, batch))) => self.take_in(replay, batch, &goes_on),
                    Poll::Ready(None) => State::Ended,
                    Poll::Pending => {
                        self.state = State::Reading(reading);
                        return;
                    }
                },
                State::Resting(replay, mut rest) => {
                    if rest.as_mut().poll(cx).is_pending() {
                        self.state = State::Resting(replay, rest);
                        return;
                    }
                    State::Idle(replay)
                }
                State::Ended => return,
            }
        }
    }

    fn take_in(
        &mut self,
        replay: Replay,
        batch: Result<Batch, record::Error>,
        goes_on: impl Fn() -> bool,
    ) -> State {
        match batch {
            Ok(Batch::Frames(frames)) => {
                self.ahead = Some(frames);
                State::Idle(replay)
            }
            Ok(Batch::AwaitMore) => State::Resting(replay, Box::pin(tokio::time::sleep(RECHECK))),
            Ok(Batch::End) if goes_on() => State::Resting(replay, Box::pin(tokio::time::sleep(RECHECK))),
            Ok(Batch::End) => State::Ended,
            Err(error) => {
                tracing::warn!(%error, "a replay ended early");
                State::Ended
            }
        }
    }

    pub(super) fn take(&mut self) -> Option<Vec<Replayed>> {
        self.ahead.take()
    }

    pub(super) fn is_reading(&self) -> bool {
        matches!(self.state, State::Reading(_))
    }

    /// Everything that has been written has been read.
    pub(super) fn is_resting(&self) -> bool {
        matches!(self.state, State::Resting(..))
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended) && self.ahead.is_none()
    }
}

fn read(disk: Disk, mut replay: Replay, from: Duration) -> Reading {
    Box::pin(async move {
        let read = disk.read_on(move || {
            let batch = replay.next_batch(from);
            (replay, batch)
        });
        read.await.ok()
    })
}
