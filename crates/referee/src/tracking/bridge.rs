//! Short misses of a fencer, filled in between where they were seen before and after.

use crate::tracks::{Bounds, KeyPoint, Pair, Person};

/// Longer misses stay: too much may have happened.
const LONGEST_SECS: f64 = 0.5;

/// How sure a place in between is, as a share of what was seen around it.
const SURE: f64 = 0.5;

/// Fills short misses of both fencers. Nothing is added before the first sighting or behind the last.
pub(super) fn misses(frames: &mut [Pair]) {
    fill(frames, |pair| &mut pair.left);
    fill(frames, |pair| &mut pair.right);
}

fn fill(frames: &mut [Pair], side: fn(&mut Pair) -> &mut Option<Person>) {
    let mut before: Option<(usize, Person)> = None;
    for at in 0..frames.len() {
        let Some(after) = *side(&mut frames[at]) else {
            continue;
        };
        if let Some((from, person)) = before {
            let (begin, end) = (frames[from].time_secs, frames[at].time_secs);
            if end - begin <= LONGEST_SECS {
                for pair in &mut frames[from + 1..at] {
                    let share = (pair.time_secs - begin) / (end - begin);
                    *side(pair) = Some(between(&person, &after, share));
                }
            }
        }
        before = Some((at, after));
    }
}

fn between(a: &Person, b: &Person, share: f64) -> Person {
    let mix = |a: f64, b: f64| a + (b - a) * share;
    let sure = |a: f64, b: f64| a.min(b) * SURE;
    let key_points = std::array::from_fn(|at| {
        let (a, b) = (a.key_points[at], b.key_points[at]);
        KeyPoint { x: mix(a.x, b.x), y: mix(a.y, b.y), score: sure(a.score, b.score) }
    });
    let bounds = Bounds {
        left: mix(a.bounds.left, b.bounds.left),
        top: mix(a.bounds.top, b.bounds.top),
        right: mix(a.bounds.right, b.bounds.right),
        bottom: mix(a.bounds.bottom, b.bounds.bottom),
    };
    Person { bounds, score: sure(a.score, b.score), key_points }
}
