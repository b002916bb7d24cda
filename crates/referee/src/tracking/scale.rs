//! From pixels to a quarter of the distance between the fencers' front feet at the start, whatever the camera's distance.

use crate::tracks::{Bounds, KeyPoint, Pair, Person, Tracks, Unit};

/// The start: the first frames with both fencers, which are still on guard.
const START_FRAMES: usize = 7;

/// On guard, the front feet are 4 units apart (the lines are 4 m apart).
const UNITS_APART: f64 = 4.0;

/// Fencers nearer to each other than this share of their height do not start a phrase.
const NEAREST: f64 = 0.3;

const LEFT_ANKLE: usize = 15;
const RIGHT_ANKLE: usize = 16;

/// The same tracks in [`Unit::QuarterStartDistance`], or `None` where the fencers are not seen together, or not apart.
pub fn in_start_distances(pixels: &Tracks) -> Option<Tracks> {
    let together = pixels.frames.iter().filter_map(|pair| pair.left.zip(pair.right));
    let mut distances: Vec<f64> =
        together.take(START_FRAMES).map(|(left, right)| apart(&left, &right)).collect();
    distances.sort_by(f64::total_cmp);
    let distance = distances.get(distances.len() / 2).copied().filter(|distance| *distance > 0.0)?;
    let scale = UNITS_APART / distance;
    let scaled = |person: Option<Person>| person.map(|person| scaled(&person, scale));
    let frames = pixels.frames.iter();
    let frames = frames.map(|pair| Pair {
        time_secs: pair.time_secs,
        left: scaled(pair.left),
        right: scaled(pair.right),
    });
    Some(Tracks { fps: pixels.fps, unit: Unit::QuarterStartDistance, frames: frames.collect() })
}

/// Pixels between the front feet, or 0 where they are too near.
fn apart(left: &Person, right: &Person) -> f64 {
    let feet = |person: &Person| [person.key_points[LEFT_ANKLE].x, person.key_points[RIGHT_ANKLE].x];
    let ([a, b], [c, d]) = (feet(left), feet(right));
    let distance = c.min(d) - a.max(b);
    let height = (left.bounds.bottom - left.bounds.top).max(right.bounds.bottom - right.bounds.top);
    if distance >= height * NEAREST { distance } else { 0.0 }
}

fn scaled(person: &Person, scale: f64) -> Person {
    let Bounds { left, top, right, bottom } = person.bounds;
    Person {
        bounds: Bounds { left: left * scale, top: top * scale, right: right * scale, bottom: bottom * scale },
        score: person.score,
        key_points: person.key_points.map(|point| KeyPoint {
            x: point.x * scale,
            y: point.y * scale,
            ..point
        }),
    }
}
