//! Where a program's own loop leaves its pictures: a [`LatestSlot`] that thins them out to a rate, counts them, and
//! recycles their buffers. A picture that was sent or replaced is filled again, so that each costs a copy and no
//! allocation.

use crate::publish::Metadata;
use net::{LatestSlot, Lock, Pace};
use std::time::Instant;

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
pub struct PictureSlot<P> {
    newest: LatestSlot<Offer<P>>,
    /// Nothing waits, copies a picture or calls out under it.
    state: Lock<State<P>>,
}

#[derive(Debug)]
struct State<P> {
    spares: Vec<P>,
    pace: Pace,
    counts: Counts,
}

impl<P> PictureSlot<P> {
    /// Takes at most `max_fps` pictures a second.
    pub fn new(max_fps: Option<f64>) -> PictureSlot<P> {
        let state = State { spares: Vec::new(), pace: Pace::new(max_fps), counts: Counts::default() };
        PictureSlot { newest: LatestSlot::new(), state: Lock::new(state) }
    }

    /// Takes a picture if one is due: `fill` writes it, into a used one where there is one. False: none is due.
    ///
    /// # Errors
    /// Those of `fill`; nothing was put.
    pub fn offer<E>(&self, metadata: Metadata, fill: impl FnOnce(&mut P) -> Result<(), E>) -> Result<bool, E>
    where
        P: Default,
    {
        if !self.admit(Instant::now()) {
            return Ok(false);
        }
        let mut picture = self.spare().unwrap_or_default();
        fill(&mut picture)?;
        self.put(Offer { picture, metadata });
        Ok(true)
    }

    /// Whether a picture would be taken now.
    pub fn is_due(&self, now: Instant) -> bool {
        self.state.lock().pace.is_due(now)
    }

    fn admit(&self, now: Instant) -> bool {
        let mut state = self.state.lock();
        state.counts.offered += 1;
        let is_due = state.pace.admit(now);
        if !is_due {
            state.counts.limited += 1;
        }
        is_due
    }

    /// A used picture to fill again, if there is one.
    fn spare(&self) -> Option<P> {
        self.state.lock().spares.pop()
    }

    /// Replaces a picture that still waits.
    fn put(&self, offer: Offer<P>) {
        if let Some(old) = self.newest.put(offer) {
            let mut state = self.state.lock();
            state.counts.replaced += 1;
            state.keep(old.picture);
        }
    }

    /// Gives back a picture that is no longer needed.
    pub fn give_back(&self, picture: P) {
        self.state.lock().keep(picture);
    }

    /// The newest picture; waits for one. `None` once the slot is closed and empty. For one taker at a time;
    /// cancel-safe.
    pub async fn next(&self) -> Option<Offer<P>> {
        self.newest.next().await
    }

    pub fn is_empty(&self) -> bool {
        self.newest.is_empty()
    }

    pub fn counts(&self) -> Counts {
        self.state.lock().counts
    }

    /// Nothing more will be put. What waits can be taken still.
    pub fn close(&self) {
        self.newest.close();
    }

    pub fn is_closed(&self) -> bool {
        self.newest.is_closed()
    }

    /// Waits until it is closed.
    pub async fn closed(&self) {
        self.newest.closed().await;
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
        let slot = PictureSlot::new(None);
        for n in 1..=3 {
            assert!(slot.admit(Instant::now()));
            slot.put(offer(n));
        }
        assert_eq!(slot.next().await.unwrap().picture, 3);
        assert_eq!(slot.counts(), Counts { offered: 3, limited: 0, replaced: 2 });
        assert!(slot.is_empty());
    }

    #[test]
    fn buffers_go_round_and_are_bounded() {
        let slot = PictureSlot::new(None);
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
        let slot: PictureSlot<u32> = PictureSlot::new(Some(1.0));
        let now = Instant::now();
        assert!(slot.is_due(now) && slot.admit(now));
        assert!(!slot.is_due(now) && !slot.admit(now));
        assert_eq!(slot.counts(), Counts { offered: 2, limited: 1, replaced: 0 });
    }
}
