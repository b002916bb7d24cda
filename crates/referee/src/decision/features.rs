//! What is compared between the fencers: seven numbers, each right minus left, so that a mirror turns their signs.
//!
//! `docs/design/right-of-way.md` gives the article of the rules behind each. `tests/tools/right_of_way.py` computes the
//! same numbers on its own; a test compares.

use super::movement::{Motion, PAUSE_SPEED, Part, STEPS_A_SECOND};
use crate::signal::{Side, SignalLog};

/// How many features there are.
pub const COUNT: usize = 7;

/// The features in the order of all lists of them.
pub const NAMES: [&str; COUNT] = [
    "arrival_speed",
    "gained_speed",
    "halted",
    "retreated",
    "fastest_last",
    "arm_already_out",
    "first_after_contact",
];

/// The seven numbers of a phrase.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    pub left: [f64; COUNT],
    pub right: [f64; COUNT],
    /// Right against left. Above 0 where the right fencer has more.
    pub difference: [f64; COUNT],
}

/// Slower than this is backwards; 0 itself would let rounding decide about a fencer who stands.
const BACKWARDS: f64 = -0.01;
/// A difference beyond these is a fault of the key points, not fencing: the most seen in 152 phrases is just below.
const MOST_SPEED: f64 = 8.0;
const MOST_GAIN: f64 = 4.5;
const MOST_ARM: f64 = 0.5;
/// Fencers who are fastest within this time of each other are so at the same time.
const TOGETHER_SECS: f64 = 0.5;
/// Being fastest later by more than this counts no more.
const LATER_SECS: f64 = 1.5;
/// A shorter way than this, a frame at 15 a second, gives no speed.
const SHORTEST_SECS: f64 = 0.0667;
/// A contact this long before the hit belongs to the same action.
const SAME_ACTION_SECS: f64 = 0.6;

impl Features {
    pub(super) fn of(signal: &SignalLog, left: &Motion, right: &Motion) -> Self {
        let first = first_after_contact(signal);
        let values = |motion, side| {
            [
                arrival_speed(motion),
                gained_speed(motion),
                slow_secs(motion, 0.8, PAUSE_SPEED),
                slow_secs(motion, 2.0, BACKWARDS),
                motion.fastest_secs(),
                arm_already_out(motion),
                f64::from(u8::from(first == Some(side))),
            ]
        };
        let (left, right) = (values(left, Side::Left), values(right, Side::Right));
        let mut difference = std::array::from_fn(|n| right[n] - left[n]);
        let [speed, gain, _, _, fastest, arm, _] = &mut difference;
        *speed = speed.clamp(-MOST_SPEED, MOST_SPEED);
        *gain = gain.clamp(-MOST_GAIN, MOST_GAIN);
        *fastest = (fastest.abs() - TOGETHER_SECS).clamp(0.0, LATER_SECS).copysign(*fastest);
        *arm = arm.clamp(-MOST_ARM, MOST_ARM);
        Self { left, right, difference }
    }
}

/// The speed of head and shoulders in the last 0.2 s: who comes into the hit, and who waits for it.
fn arrival_speed(motion: &Motion) -> f64 {
    speed(motion, 0.2, 0.0)
}

/// How much faster head and shoulders are in the last 0.15 s than shortly before: a lunge begins.
fn gained_speed(motion: &Motion) -> f64 {
    speed(motion, 0.15, 0.0) - speed(motion, 0.4, 0.2)
}

/// Seconds of the last `secs` before the hit in which the trunk is slower than `limit`.
fn slow_secs(motion: &Motion, secs: f64, limit: f64) -> f64 {
    motion.last_speeds(secs).iter().filter(|speed| **speed < limit).count() as f64 / STEPS_A_SECOND
}

/// The length of the arm from 0.3 to 0.1 s before the hit: an arm that is out before the final action counter-attacks.
fn arm_already_out(motion: &Motion) -> f64 {
    const LOOKS: i32 = 7;
    let look = |n| motion.at(Part::Arm, motion.hit_secs - 0.3 + 0.2 * f64::from(n) / f64::from(LOOKS - 1));
    (0..LOOKS).map(look).sum::<f64>() / f64::from(LOOKS)
}

/// Who hits first after the blades met: a riposte comes at once, a remise afterwards.
fn first_after_contact(signal: &SignalLog) -> Option<Side> {
    let (hit_secs, side) = signal.first_hit()?;
    let same_action = |time: f64| (0.0..SAME_ACTION_SECS).contains(&(hit_secs - time));
    side.filter(|_| signal.contacts().any(same_action))
}

/// The mean speed of head and shoulders between two moments before the hit, none of them before the start.
fn speed(motion: &Motion, from_secs: f64, to_secs: f64) -> f64 {
    let from = (motion.hit_secs - from_secs).max(0.0);
    let to = (motion.hit_secs - to_secs).max(from + SHORTEST_SECS);
    (motion.at(Part::Upper, to) - motion.at(Part::Upper, from)) / (to - from)
}
