//! The quality of a live picture by what its link carries: coarser while frames take longer to send than they last,
//! finer again when there is room.

use std::time::Duration;

/// Below this a picture is of little use.
const LOWEST: u8 = 40;

/// A frame that takes more than this part of its time to be sent leaves the next one waiting.
const BUSY: f64 = 0.8;

/// Less than this, and a finer picture fits: one step up costs a tenth or so more bytes.
const EASY: f64 = 0.5;

/// One slow frame is a hiccup of the network, not its rate.
const BUSY_FRAMES: u32 = 3;

/// Going up is tried more slowly than going down: a link that is full is noticed by all who share it.
const EASY_FRAMES: u32 = 30;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Adaptive {
    quality: u8,
    lowest: u8,
    highest: u8,
    busy: u32,
    easy: u32,
}

impl Adaptive {
    /// Starts at `quality`, 1 to 100, and never exceeds it.
    pub(crate) fn new(quality: u8) -> Adaptive {
        Adaptive { quality, lowest: LOWEST.min(quality), highest: quality, busy: 0, easy: 0 }
    }

    /// Stays at `quality`.
    pub(crate) fn fixed(quality: u8) -> Adaptive {
        Adaptive { lowest: quality, ..Adaptive::new(quality) }
    }

    pub(crate) fn quality(&self) -> u8 {
        self.quality
    }

    /// A frame took `sending` to be sent, of the `interval` until the next one.
    pub(crate) fn sent(&mut self, sending: Duration, interval: Duration) {
        let load = sending.as_secs_f64() / interval.as_secs_f64().max(f64::MIN_POSITIVE);
        self.busy = if load > BUSY { self.busy + 1 } else { 0 };
        self.easy = if load < EASY { self.easy + 1 } else { 0 };
        if self.busy >= BUSY_FRAMES {
            self.quality = (self.quality - self.quality / 8).max(self.lowest);
            self.busy = 0;
        } else if self.easy >= EASY_FRAMES {
            self.quality = (self.quality + 3).min(self.highest);
            self.easy = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_millis(33);

    fn after(adaptive: &mut Adaptive, frames: u32, sending_ms: u64) -> u8 {
        (0..frames).for_each(|_| adaptive.sent(Duration::from_millis(sending_ms), INTERVAL));
        adaptive.quality()
    }

    #[test]
    fn a_slow_link_makes_it_coarser_and_a_fast_one_fine_again() {
        let mut adaptive = Adaptive::new(85);
        assert_eq!(after(&mut adaptive, 2, 100), 85, "two are a hiccup");
        assert_eq!(after(&mut adaptive, 1, 100), 75);
        assert_eq!(after(&mut adaptive, 100, 100), LOWEST);
        assert_eq!(after(&mut adaptive, 29, 1), LOWEST);
        assert_eq!(after(&mut adaptive, 1, 1), LOWEST + 3);
        assert_eq!(after(&mut adaptive, 1000, 1), 85, "never finer than asked for");
    }

    #[test]
    fn between_the_two_it_rests() {
        let mut adaptive = Adaptive::new(85);
        assert_eq!(after(&mut adaptive, 1000, 20), 85);
    }

    #[test]
    fn what_is_fixed_or_coarse_already_stays() {
        assert_eq!(after(&mut Adaptive::fixed(85), 1000, 100), 85);
        assert_eq!(after(&mut Adaptive::new(20), 1000, 100), 20);
    }
}
