//! The verdict in words: the feature that speaks loudest for the winner, with its time.

use super::features::{COUNT, NAMES};
use super::measure::Measured;
use super::movement::{Motion, Span};
use super::verdict::{Verdict, Weighed, Winner};
use crate::signal::{Side, SignalLog};

/// One sentence for the winner, or why there is none.
pub(super) fn sentence(verdict: &Verdict, signal: &SignalLog, measured: &Measured) -> String {
    let side = match verdict.winner {
        Winner::Left => Side::Left,
        Winner::Right => Side::Right,
        Winner::Abstain => {
            return format!("Both fencers did the same until the hit at {:.2}s", measured.left.hit_secs);
        }
    };
    let won = side.of(&measured.left, &measured.right);
    let lost = side.other().of(&measured.left, &measured.right);
    let (winner, loser) = (side.name(), side.other().name());
    let hit_secs = won.hit_secs;
    let loudest = loudest(verdict, side);
    match NAMES[loudest] {
        "halted" => stopped(loser, lost),
        "retreated" => retreated(loser, lost).unwrap_or_else(|| stopped(loser, lost)),
        "fastest_last" => format!(
            "{winner} fencer attacked last, at {:.2}s; {} fencer had done so at {:.2}s",
            won.fastest_secs(),
            loser.to_lowercase(),
            lost.fastest_secs()
        ),
        "arm_already_out" => {
            format!("{loser} fencer's arm was already out at {:.2}s", (hit_secs - 0.3).max(0.0))
        }
        "first_after_contact" => format!(
            "{winner} fencer hit first, at {hit_secs:.2}s, after the blades met at {:.2}s",
            signal.contacts().filter(|time| *time <= hit_secs).last().unwrap_or(hit_secs)
        ),
        "gained_speed" => {
            format!("{winner} fencer gathered speed from {:.2}s on", (hit_secs - 0.15).max(0.0))
        }
        _ => {
            let Weighed { left, right, .. } = verdict.weighed[loudest];
            faster(winner, loser, lost, side.of((left, right), (right, left)))
        }
    }
}

/// Who came into the hit faster, or that the other went away from it.
fn faster(winner: &str, loser: &str, lost: &Motion, (fast, slow): (f64, f64)) -> String {
    let went_back = if slow < 0.0 { retreated(loser, lost) } else { None };
    went_back.unwrap_or_else(|| {
        let at = lost.hit_secs;
        // Rounded here: a little below zero would be shown as -0.0.
        let [fast, slow] = [fast, slow].map(|speed| (speed * 10.0).round() / 10.0 + 0.0);
        format!(
            "{winner} fencer came forward faster into the hit at {at:.2}s ({fast:.1} m/s to {slow:.1} m/s)"
        )
    })
}

/// The feature that speaks loudest for a side.
fn loudest(verdict: &Verdict, side: Side) -> usize {
    let voice = |n: &usize| side.of(-1.0, 1.0) * verdict.weighed[*n].contribution;
    (0..COUNT).max_by(|a, b| voice(a).total_cmp(&voice(b))).unwrap_or_default()
}

/// When the fencer last went back, if ever.
fn retreated(who: &str, motion: &Motion) -> Option<String> {
    let retreat = motion.footwork().retreats.pop()?;
    Some(format!("{who} fencer retreated at {:.2}s", retreat.start_secs))
}

/// When the fencer last stood or went back, whichever came later.
fn stopped(who: &str, motion: &Motion) -> String {
    let footwork = motion.footwork();
    let start = |span: Option<&Span>| span.map_or(-1.0, |span| span.start_secs);
    let (pause, retreat) = (start(footwork.pauses.last()), start(footwork.retreats.last()));
    match (pause, retreat) {
        (pause, retreat) if retreat > pause => format!("{who} fencer retreated at {retreat:.2}s"),
        (pause, _) if pause >= 0.0 => format!("{who} fencer paused at {pause:.2}s"),
        _ => format!("{who} fencer hesitated before the hit at {:.2}s", motion.hit_secs),
    }
}
