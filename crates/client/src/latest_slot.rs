//! Where a program's own loop leaves its pictures: one place, in which the newest replaces the one before. Leaving one
//! never waits, for a network least of all; what is sent, and when, is the business of the thread at the other end.
//!
//! Buffers go round: what has been sent, or was replaced, is filled again, so that a picture costs a copy and no
//! allocation.

use crate::pace::Pace;
use crate::publish::Metadata;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::{Notify, watch};

/// One being filled while another waits to be taken and a third is on its way.
const MOST_SPARES: usize = 2;

/// A picture, and what is known about it.
#[derive(Debug)]
pub struct Offer<P> {
    pub picture: P,
    pub metadata: Metadata,
}

/// What became of the pictures so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Offered, whether or not they were taken.
    pub offered: u64,
    /// Not taken: more than the rate allows.
    pub limited: u64,
    /// Taken, and replaced by a newer one before they could be sent.
    pub replaced: u64,
}

#[derive(Debug)]
pub struct LatestSlot<P> {
    /// Nothing waits, copies a picture or calls out under it.
    state: Mutex<State<P>>,
    /// Rung when a picture was put, or the slot closed.
    bell: Notify,
    closed: watch::Sender<bool>,
}

#[derive(Debug)]
struct State<P> {
    newest: Option<Offer<P>>,
    spares: Vec<P>,
    pace: Pace,
    counts: Counts,
}

impl<P> LatestSlot<P> {
    pub fn new(pace: Pace) -> LatestSlot<P> {
        let state = State { newest: None, spares: Vec::new(), pace, counts: Counts::default() };
        LatestSlot { state: Mutex::new(state), bell: Notify::new(), closed: watch::Sender::new(false) }
    }

    fn state(&self) -> MutexGuard<'_, State<P>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether [`admit`](Self::admit) would say yes.
    pub fn is_due(&self, now: Instant) -> bool {
        self.state().pace.is_due(now)
    }

    /// Whether a picture is taken now; if so, it comes next with [`put`](Self::put).
    pub fn admit(&self, now: Instant) -> bool {
        let mut state = self.state();
        state.counts.offered += 1;
        let is_due = state.pace.admit(now);
        if !is_due {
            state.counts.limited += 1;
        }
        is_due
    }

    /// A used picture to fill again, if there is one.
    pub fn spare(&self) -> Option<P> {
        self.state().spares.pop()
    }

    /// Hands over a picture in place of one that waits still.
    pub fn put(&self, offer: Offer<P>) {
        let mut state = self.state();
        if let Some(old) = state.newest.replace(offer) {
            state.counts.replaced += 1;
            state.keep(old.picture);
        }
        drop(state);
        self.bell.notify_one();
    }

    /// Gives a picture back that is done with.
    pub fn give_back(&self, picture: P) {
        self.state().keep(picture);
    }

    /// The newest picture; waits for one. `None` once the slot is closed and empty. For one taker at a time;
    /// cancel-safe.
    pub async fn next(&self) -> Option<Offer<P>> {
        loop {
            if let Some(offer) = self.state().newest.take() {
                return Some(offer);
            }
            if self.is_closed() {
                return None;
            }
            self.bell.notified().await;
        }
    }

    pub fn is_empty(&self) -> bool {
        self.state().newest.is_none()
    }

    pub fn counts(&self) -> Counts {
        self.state().counts
    }

    /// Nothing more will be put. What waits can be taken still.
    pub fn close(&self) {
        self.closed.send_replace(true);
        self.bell.notify_one();
    }

    pub fn is_closed(&self) -> bool {
        *self.closed.borrow()
    }

    /// Waits until it is closed.
    pub async fn closed(&self) {
        // The sender lives as long as this.
        let _ = self.closed.subscribe().wait_for(|closed| *closed).await;
    }
}

impl<P> State<P> {
    fn keep(&mut self, picture: P) {
        if self.spares.len() < MOST_SPARES {
            self.spares.push(picture);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn offer(picture: u32) -> Offer<u32> {
        Offer { picture, metadata: Metadata::default() }
    }

    #[tokio::test]
    async fn the_newest_is_taken_and_the_others_are_counted() {
        let slot = LatestSlot::new(Pace::new(None));
        for n in 1..=3 {
            assert!(slot.admit(Instant::now()));
            slot.put(offer(n));
        }
        assert_eq!(slot.next().await.unwrap().picture, 3);
        assert_eq!(slot.counts(), Counts { offered: 3, limited: 0, replaced: 2 });
        assert!(slot.is_empty());
    }

    #[tokio::test]
    async fn one_who_waits_is_woken_from_another_thread() {
        let slot = std::sync::Arc::new(LatestSlot::new(Pace::new(None)));
        let other = slot.clone();
        let taking = tokio::spawn(async move { other.next().await.unwrap().picture });
        tokio::task::yield_now().await;
        std::thread::spawn(move || slot.put(offer(7))).join().unwrap();
        assert_eq!(taking.await.unwrap(), 7);
    }

    #[tokio::test]
    async fn what_waits_when_it_closes_is_taken_before_the_end() {
        let slot = LatestSlot::new(Pace::new(None));
        slot.put(offer(1));
        slot.close();
        slot.closed().await;
        assert_eq!(slot.next().await.unwrap().picture, 1);
        assert!(slot.next().await.is_none());
        assert!(slot.next().await.is_none());
    }

    #[test]
    fn buffers_go_round_and_are_bounded() {
        let slot = LatestSlot::new(Pace::new(None));
        assert_eq!(slot.spare(), None);
        for n in 0..10 {
            slot.put(offer(n));
            slot.give_back(100 + n);
        }
        let spares = std::iter::from_fn(|| slot.spare()).count();
        assert_eq!(spares, MOST_SPARES);
    }

    #[test]
    fn too_many_are_not_taken() {
        let slot: LatestSlot<u32> = LatestSlot::new(Pace::new(Some(1.0)));
        let now = Instant::now();
        assert!(slot.is_due(now) && slot.admit(now));
        assert!(!slot.is_due(now) && !slot.admit(now));
        assert_eq!(slot.counts(), Counts { offered: 2, limited: 1, replaced: 0 });
    }
}
