//! From the people in each frame to the two who fence: followed from frame to frame, told apart from referees and
//! spectators, and bridged over short misses.
//!
//! People are followed one by one ([`follow`]); the two that look most like fencers over the last seconds are those
//! ([`pairing`]). A frame is settled once [`LOOK_AHEAD_SECS`] have followed it, or at the end, so that a phrase is
//! judged by all that was seen of it and memory stays bounded: what is kept of a settled frame is its pair.
//!
//! What does not belong here: pictures, and what the movement means.

mod bridge;
mod follow;
mod pairing;

use std::collections::VecDeque;

use crate::tracks::{Pair, Person, Tracks, Unit};
use follow::{Follower, Sighting};

/// A frame is settled when so much has followed it.
const LOOK_AHEAD_SECS: f64 = 10.0;

/// ... but no more than so many frames, each of which takes up to 4 kB.
const MAX_LOOK_AHEAD: usize = 1200;

/// Finds the fencers among the people of each frame. Push frames in order, then [`Tracker::finish`].
#[derive(Debug)]
pub struct Tracker {
    fps: f64,
    follower: Follower,
    /// Frames that are not settled.
    recent: VecDeque<Frame>,
    settled: Vec<Pair>,
}

/// Who was seen in a frame.
#[derive(Debug)]
struct Frame {
    time_secs: f64,
    seen: Vec<Sighting>,
}

impl Tracker {
    /// For frames of this height in pixels that come about `fps` times a second.
    pub fn new(fps: f64, picture_height: u32) -> Self {
        let fps = if fps > 0.0 && fps.is_finite() { fps } else { 30.0 };
        Self {
            fps,
            follower: Follower::new(fps, f64::from(picture_height)),
            recent: VecDeque::new(),
            settled: Vec::new(),
        }
    }

    /// Takes the people of the next frame, in pixels, and says who of them fence as far as is known now. `time_secs` grows.
    pub fn push(&mut self, time_secs: f64, persons: &[Person]) -> Pair {
        let seen = self.follower.follow(time_secs, persons);
        self.recent.push_back(Frame { time_secs, seen });
        let fencers = self.fencers();
        let now = self.recent.back().map(|frame| pair(frame, fencers));
        let ahead = ((self.fps * LOOK_AHEAD_SECS) as usize).clamp(1, MAX_LOOK_AHEAD);
        while self.recent.len() > ahead {
            self.settle_oldest(fencers);
        }
        now.unwrap_or(Pair { time_secs, left: None, right: None })
    }

    /// All frames, in pixels, with short misses bridged.
    pub fn finish(mut self) -> Tracks {
        let fencers = self.fencers();
        while !self.recent.is_empty() {
            self.settle_oldest(fencers);
        }
        bridge::misses(&mut self.settled);
        Tracks { fps: self.fps, unit: Unit::Pixels, frames: self.settled }
    }

    fn fencers(&self) -> Option<(u32, u32)> {
        pairing::fencers(self.recent.iter().map(|frame| frame.seen.as_slice()))
    }

    fn settle_oldest(&mut self, fencers: Option<(u32, u32)>) {
        if let Some(frame) = self.recent.pop_front() {
            self.settled.push(pair(&frame, fencers));
        }
    }
}

/// The two, left and right, as they are in a frame.
fn pair(frame: &Frame, fencers: Option<(u32, u32)>) -> Pair {
    let person = |who: Option<u32>| {
        frame.seen.iter().find(|sighting| Some(sighting.who) == who).map(|sighting| sighting.person)
    };
    Pair {
        time_secs: frame.time_secs,
        left: person(fencers.map(|(left, _)| left)),
        right: person(fencers.map(|(_, right)| right)),
    }
}

#[cfg(test)]
mod tests;
