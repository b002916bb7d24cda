//! Which two of the people fence.
//!
//! Fencers are the two that are tall, about equally tall, stand on one line, which may slant where the camera looks at the
//! piste from an angle, are there all the time, move along it, and are apart from each other. A referee stands on another line and moves little; spectators are low or sit still. Each of
//! these is a factor from 0 to 1, and the pair with the largest product is taken.

use std::collections::BTreeMap;

use super::follow::{Sighting, height, middle};

/// Pairs are sought among those who were seen the most.
const MAX_PEOPLE: usize = 12;

/// A pair that fits worse than this does not fence.
const LEAST_FIT: f64 = 0.02;

/// A piste that is seen from an angle rises or falls by this share of its length in the picture (11 degrees).
const SLANT: f64 = 0.2;

/// Feet so much higher or lower than a piste slants, as a share of the height, stand on another line ...
const OTHER_LINE: f64 = 0.25;

/// ... and a level line is the likelier one: feet so much higher or lower fit worse, whatever the slant.
const UNLEVEL: f64 = 1.0;

/// Who moves along the piste by this share of their height moves as fencers do.
const MOVES: f64 = 0.6;

/// What is left of the fit of two who do not move at all: at the beginning both stand still.
const STILL: f64 = 0.25;

/// Fencers are at least so far from each other, on the mean, as a share of their height.
const APART: f64 = 0.5;

/// What was seen of a person.
#[derive(Debug)]
struct Seen {
    who: u32,
    frames: f64,
    /// Sums, until divided by `frames`.
    height: f64,
    x: f64,
    feet: f64,
    leftmost: f64,
    rightmost: f64,
}

/// The numbers of the left and the right fencer.
pub(super) fn fencers<'a>(frames: impl Iterator<Item = &'a [Sighting]>) -> Option<(u32, u32)> {
    let mut people: BTreeMap<u32, Seen> = BTreeMap::new();
    let mut count = 0.0;
    for sightings in frames {
        count += 1.0;
        for sighting in sightings {
            note(&mut people, sighting);
        }
    }
    let mut people: Vec<Seen> = people.into_values().collect();
    people.sort_by(|a, b| b.frames.total_cmp(&a.frames));
    people.truncate(MAX_PEOPLE);
    for seen in &mut people {
        seen.height /= seen.frames;
        seen.x /= seen.frames;
        seen.feet /= seen.frames;
    }
    let tallest = people.iter().map(|seen| seen.height).fold(1.0, f64::max);
    let mut best = (LEAST_FIT, None);
    for (at, a) in people.iter().enumerate() {
        for b in &people[at + 1..] {
            let fit = fit(a, b, tallest, count);
            if fit > best.0 {
                let (left, right) = if a.x <= b.x { (a, b) } else { (b, a) };
                best = (fit, Some((left.who, right.who)));
            }
        }
    }
    best.1
}

fn note(people: &mut BTreeMap<u32, Seen>, sighting: &Sighting) {
    let (x, _) = middle(&sighting.person);
    let who = sighting.who;
    let unseen = Seen { who, frames: 0.0, height: 0.0, x: 0.0, feet: 0.0, leftmost: x, rightmost: x };
    let seen = people.entry(who).or_insert(unseen);
    seen.frames += 1.0;
    seen.height += height(&sighting.person);
    seen.x += x;
    seen.feet += sighting.person.bounds.bottom;
    seen.leftmost = seen.leftmost.min(x);
    seen.rightmost = seen.rightmost.max(x);
}

fn fit(a: &Seen, b: &Seen, tallest: f64, count: f64) -> f64 {
    let mean = (a.height + b.height) / 2.0;
    let tall = a.height.min(b.height) / tallest;
    let alike = a.height.min(b.height) / a.height.max(b.height).max(1.0);
    let (aside, below) = ((a.x - b.x).abs(), (a.feet - b.feet).abs());
    let beyond = (below - SLANT * aside).max(0.0);
    let share = |of: f64, limit: f64| (of / (mean * limit).max(1.0)).powi(2);
    let line = share(beyond, OTHER_LINE) + share(below, UNLEVEL);
    let there = (a.frames / count) * (b.frames / count);
    let moves = |seen: &Seen| ((seen.rightmost - seen.leftmost) / (seen.height * MOVES).max(1.0)).min(1.0);
    let moving = |seen: &Seen| STILL + (1.0 - STILL) * moves(seen);
    let apart = (aside / (mean * APART).max(1.0)).min(1.0);
    tall * alike * (-line).exp() * there * moving(a) * moving(b) * apart
}
