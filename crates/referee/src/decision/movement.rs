//! How one fencer moves: positions along the piste, speeds, and footwork cut into advances, pauses and retreats.
//!
//! All lengths are in quarters of the distance between the front feet at the start (about a metre), all positions grow
//! towards the opponent, so that both fencers are measured by the same code.

use serde::Serialize;

use super::timing::Clock;
use crate::signal::Side;
use crate::tracks::{KeyPoint, Person, Tracks, Unit};

/// Speeds are sampled this many times a second, counted back from the hit.
pub(super) const STEPS_A_SECOND: f64 = 30.0;
/// A speed is the way over this long on either side of a moment: a frame and a half at 15 a second.
const HALF_SECS: f64 = 0.1;
/// Before the hit, no longer time may pass without a sight of the fencer.
const BLIND_SECS: f64 = 0.5;
/// How long before the hit a fencer has to be seen without a hole.
const WATCHED_SECS: f64 = 1.0;
/// Slower than this is a pause.
pub(super) const PAUSE_SPEED: f64 = 0.3;
/// Slower than this, backwards, is a retreat and no swaying.
const RETREAT_SPEED: f64 = -0.2;
/// Within this of the top speed is as fast.
const AS_FAST: f64 = 0.02;
/// Shorter movements are no footwork.
const SHORTEST_SECS: f64 = 0.1;

// Places in COCO_KEY_POINTS.
const HEAD_AND_SHOULDERS: [usize; 7] = [0, 1, 2, 3, 4, 5, 6];
const SHOULDERS_AND_HIPS: [usize; 4] = [5, 6, 11, 12];
const SHOULDERS: [usize; 2] = [5, 6];
const WRISTS: [usize; 2] = [9, 10];
const ANKLES: [usize; 2] = [15, 16];

/// Why a fencer cannot be measured.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Unseen {
    #[error("The log does not say when the hit arrived")]
    NoHit,
    #[error("No frame shows both fencers")]
    NeverTogether,
    #[error("The fencers' front feet stand at the same place in the first frame that shows both")]
    NoDistance,
    #[error(
        "{side} fencer is not seen between {from_secs:.2}s and {to_secs:.2}s, before the hit at {hit_secs:.2}s"
    )]
    Hole { side: &'static str, from_secs: f64, to_secs: f64, hit_secs: f64 },
}

/// A stretch of time, in seconds of the log's clock.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Span {
    pub start_secs: f64,
    pub end_secs: f64,
}

/// The footwork until the hit, each list in the order of time.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Footwork {
    pub(super) advances: Vec<Span>,
    pub(super) pauses: Vec<Span>,
    pub(super) retreats: Vec<Span>,
}

/// One fencer's movement as curves over the frames that show them.
#[derive(Debug, Clone)]
pub struct Motion {
    pub(super) hit_secs: f64,
    /// Rising.
    times: Vec<f64>,
    /// Where head and shoulders are.
    upper: Vec<f64>,
    /// Where shoulders and hips are.
    trunk: Vec<f64>,
    /// From the foremost wrist to its shoulder.
    arm: Vec<f64>,
    /// Of the trunk, from the start to the hit, a step apart.
    speeds: Vec<f64>,
}

/// A curve over the frames.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    Upper,
    Arm,
}

impl Motion {
    /// One fencer's movement until the hit.
    pub(super) fn of(tracks: &Tracks, side: Side, clock: Clock, hit_secs: f64) -> Result<Self, Unseen> {
        let scale = scale(tracks)?;
        let seen = tracks.frames.iter().filter_map(|pair| {
            Some((clock.time(pair.time_secs), side.of(pair.left.as_ref(), pair.right.as_ref())?))
        });
        let mut motion =
            Self { hit_secs, times: vec![], upper: vec![], trunk: vec![], arm: vec![], speeds: vec![] };
        for (time, person) in seen {
            let points = forward(person, side, scale);
            motion.times.push(time);
            motion.upper.push(mean_x(&points, &HEAD_AND_SHOULDERS));
            motion.trunk.push(mean_x(&points, &SHOULDERS_AND_HIPS));
            motion.arm.push(arm_length(&points));
        }
        motion.check_sight(side)?;
        motion.speeds = motion.steps().map(|time| motion.speed_at(time)).collect();
        Ok(motion)
    }

    /// The value of a curve at a moment; the nearest known one outside of it.
    pub(super) fn at(&self, part: Part, time_secs: f64) -> f64 {
        let values = match part {
            Part::Upper => &self.upper,
            Part::Arm => &self.arm,
        };
        interpolate(&self.times, values, time_secs)
    }

    /// The trunk's speed at a moment, forwards above 0.
    pub(super) fn speed_at(&self, time_secs: f64) -> f64 {
        let place = |time| interpolate(&self.times, &self.trunk, time);
        (place(time_secs + HALF_SECS) - place(time_secs - HALF_SECS)) / (2.0 * HALF_SECS)
    }

    /// The trunk's speeds in the last seconds before the hit, a step apart, the last one at the hit.
    pub(super) fn last_speeds(&self, secs: f64) -> &[f64] {
        let steps = (secs * STEPS_A_SECOND).round() as usize + 1;
        &self.speeds[self.speeds.len().saturating_sub(steps)..]
    }

    /// When the trunk was fastest; the last time, if several.
    pub(super) fn fastest_secs(&self) -> f64 {
        let top = self.speeds.iter().copied().fold(f64::MIN, f64::max);
        let last = self.speeds.iter().rposition(|speed| *speed >= top - AS_FAST);
        self.step(last.unwrap_or_default())
    }

    /// Advances, pauses and retreats, whatever is too short left out.
    pub(super) fn footwork(&self) -> Footwork {
        let mut footwork = Footwork::default();
        let mut start = 0;
        while let Some(speed) = self.speeds.get(start) {
            let gait = gait(*speed);
            let length = self.speeds[start..].iter().take_while(|speed| self::gait(**speed) == gait).count();
            let end = start + length;
            let last = end.min(self.speeds.len() - 1);
            let span = Span { start_secs: millis(self.step(start)), end_secs: millis(self.step(last)) };
            if span.end_secs - span.start_secs >= SHORTEST_SECS - 1e-9 {
                match gait {
                    Gait::Advance => footwork.advances.push(span),
                    Gait::Pause => footwork.pauses.push(span),
                    Gait::Retreat => footwork.retreats.push(span),
                }
            }
            start = end;
        }
        footwork
    }

    /// The moment of a step; the last one is the hit.
    fn step(&self, n: usize) -> f64 {
        self.hit_secs - (self.speeds.len() - 1 - n) as f64 / STEPS_A_SECOND
    }

    /// The moments at which speeds are sampled.
    fn steps(&self) -> impl Iterator<Item = f64> + use<> {
        let (hit_secs, steps) = (self.hit_secs, (self.hit_secs * STEPS_A_SECOND) as usize);
        (0..=steps).rev().map(move |back| hit_secs - back as f64 / STEPS_A_SECOND)
    }

    /// Whether the fencer is seen without a long hole before the hit.
    fn check_sight(&self, side: Side) -> Result<(), Unseen> {
        let hit_secs = self.hit_secs;
        let mut from_secs = (hit_secs - WATCHED_SECS).max(0.0);
        let watched = self.times.iter().copied().filter(|time| (from_secs..hit_secs).contains(time));
        for to_secs in watched.collect::<Vec<_>>().into_iter().chain([hit_secs]) {
            if to_secs - from_secs > BLIND_SECS || self.times.len() < 2 {
                return Err(Unseen::Hole { side: side.name(), from_secs, to_secs, hit_secs });
            }
            from_secs = to_secs;
        }
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Gait {
    Advance,
    Pause,
    Retreat,
}

fn gait(speed: f64) -> Gait {
    match speed {
        speed if speed < RETREAT_SPEED => Gait::Retreat,
        speed if speed < PAUSE_SPEED => Gait::Pause,
        _ => Gait::Advance,
    }
}

/// A time as logs give it, in whole milliseconds.
fn millis(secs: f64) -> f64 {
    (secs * 1e3).round() / 1e3
}

/// What a coordinate is multiplied with to become quarters of the distance at the start.
fn scale(tracks: &Tracks) -> Result<f64, Unseen> {
    if tracks.unit == Unit::QuarterStartDistance {
        return Ok(1.0);
    }
    let both = tracks.frames.iter().find_map(|pair| Some((pair.left.as_ref()?, pair.right.as_ref()?)));
    let (left, right) = both.ok_or(Unseen::NeverTogether)?;
    let front = |person, side| {
        let points = forward(person, side, 1.0);
        ANKLES.map(|ankle| points[ankle].x).into_iter().fold(f64::MIN, f64::max)
    };
    // The right fencer's positions are counted the other way, so that the sum is the distance, negated.
    let distance = -(front(left, Side::Left) + front(right, Side::Right));
    if distance > 0.0 { Ok(4.0 / distance) } else { Err(Unseen::NoDistance) }
}

/// Key points whose x grows towards the opponent.
fn forward(person: &Person, side: Side, scale: f64) -> [KeyPoint; 17] {
    let sign = side.of(scale, -scale);
    person.key_points.map(|point| KeyPoint { x: point.x * sign, y: point.y * scale, ..point })
}

fn mean_x(points: &[KeyPoint; 17], places: &[usize]) -> f64 {
    places.iter().map(|place| points[*place].x).sum::<f64>() / places.len() as f64
}

/// From the foremost wrist to the shoulder of the same arm.
fn arm_length(points: &[KeyPoint; 17]) -> f64 {
    let weapon = usize::from(points[WRISTS[1]].x > points[WRISTS[0]].x);
    let (wrist, shoulder) = (points[WRISTS[weapon]], points[SHOULDERS[weapon]]);
    (wrist.x - shoulder.x).hypot(wrist.y - shoulder.y)
}

/// Between known values, in a straight line; the nearest known one outside. `times` is not empty and rises.
fn interpolate(times: &[f64], values: &[f64], time: f64) -> f64 {
    match times.partition_point(|known| *known <= time) {
        0 => values[0],
        next if next == times.len() => values[next - 1],
        next => {
            let share = (time - times[next - 1]) / (times[next] - times[next - 1]);
            values[next - 1] + share * (values[next] - values[next - 1])
        }
    }
}
