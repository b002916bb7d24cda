//! Made-up phrases: two stick figures that move along the piste as told.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::tracks::{Bounds, KeyPoint, Pair, Person, Unit};

const FPS: f64 = 15.0;

/// How far a fencer has come forward at a moment.
type Way = fn(f64) -> f64;

const STANDS: Way = |_| 0.0;
const ADVANCES: Way = |t| 1.2 * t;
const RETREATS: Way = |t| -1.2 * t;
/// Comes forward, stops at 0.6 s, and goes on at 1 s.
const PAUSES: Way = |t| if t < 0.6 { 1.2 * t } else { 0.72 + 1.2 * (t - 1.0).max(0.0) };

fn person(front: f64, towards: f64) -> Person {
    let point = |n: usize| {
        let reach = match n {
            9 | 10 => 0.2,
            15 => 0.3,
            _ => 0.0,
        };
        KeyPoint { x: front - (0.3 - reach) * towards, y: 3.0 + 0.05 * n as f64, score: 1.0 }
    };
    let key_points = std::array::from_fn(point);
    Person { bounds: Bounds::around(&key_points), score: 1.0, key_points }
}

/// A phrase of `secs`, the front feet 4 apart at the start.
fn tracks(left: Way, right: Way, secs: f64) -> Tracks {
    let frame = |n: usize| {
        let time_secs = n as f64 / FPS;
        let (left, right) = (person(-2.0 + left(time_secs), 1.0), person(2.0 - right(time_secs), -1.0));
        Pair { time_secs, left: Some(left), right: Some(right) }
    };
    let frames = (0..(secs * FPS).round() as usize).map(frame).collect();
    Tracks { fps: FPS, unit: Unit::QuarterStartDistance, frames }
}

/// A log with a hit at 1.4 s and the end at 1.8 s.
fn both_lights() -> SignalLog {
    log("1.400s | HIT: Simultaneous valid hits!")
}

fn log(lines: &str) -> SignalLog {
    let scores = "Scores -> Fencer 1: HIT, Fencer 2: HIT";
    let text =
        format!("0.000s | Phrase recording started\n{lines}\n1.800s | Phrase recording ended\n{scores}\n");
    SignalLog::parse(text.as_bytes()).unwrap()
}

fn judge(left: Way, right: Way) -> Decision {
    decide(&both_lights(), Some(&tracks(left, right, 1.8))).unwrap()
}

fn mirrored(tracks: &Tracks) -> Tracks {
    let flip = |person: Option<Person>| {
        person.map(|person| Person {
            key_points: person.key_points.map(|point| KeyPoint { x: -point.x, ..point }),
            ..person
        })
    };
    let swap = |pair: &Pair| Pair { left: flip(pair.right), right: flip(pair.left), ..*pair };
    Tracks { frames: tracks.frames.iter().map(swap).collect(), ..tracks.clone() }
}

#[test]
fn one_light_needs_no_key_points() {
    let text = "1.400s | HIT: Left scores on Right!\nScores -> Fencer 1: MISS, Fencer 2: HIT";
    let signal = SignalLog::parse(text.as_bytes()).unwrap();
    for tracks in [None, Some(tracks(RETREATS, ADVANCES, 1.8))] {
        let decision = decide(&signal, tracks.as_ref()).unwrap();
        assert_eq!((decision.winner, decision.confidence), (Winner::Left, 1.0));
        assert_eq!(decision.reason, "Left fencer hit at 1.40s, the other did not");
    }
    let signal = SignalLog::parse(b"Scores -> Fencer 1: HIT, Fencer 2: -").unwrap();
    let decision = decide(&signal, None).unwrap();
    assert_eq!((decision.winner, &*decision.reason), (Winner::Right, "Right fencer hit, the other did not"));
}

#[test]
fn without_a_clear_light_nobody_wins() {
    let verdict = |text: &str| decide(&SignalLog::parse(text.as_bytes()).unwrap(), None).unwrap();
    let none = verdict("Scores -> Fencer 1: -, Fencer 2: -");
    assert_eq!((none.winner, none.confidence, none.evidence.lights), (Winner::Abstain, 0.0, Lights::None));
    let odd = verdict("1s | HIT: Left scores on Right!\nScores -> Fencer 1: HIT, Fencer 2: -");
    assert_eq!((odd.winner, odd.evidence.lights), (Winner::Abstain, Lights::Contradictory));
    assert!(odd.reason.contains("contradicts itself"));
}

#[test]
fn two_lights_need_key_points() {
    let error = decide(&both_lights(), None).unwrap_err();
    assert_eq!((error.code(), &error), ("KEYPOINTS_NEEDED", &Error::NoKeyPoints));
}

#[test]
fn who_comes_forward_wins_against_who_does_not() {
    for (other, word) in [(RETREATS, "Right fencer retreated at 0."), (STANDS, "Right fencer paused at 0.")] {
        let decision = judge(ADVANCES, other);
        assert_eq!(decision.winner, Winner::Left, "{}", decision.reason);
        assert!(
            decision.reason.starts_with(word) || decision.reason.starts_with("Left fencer came"),
            "{}",
            decision.reason
        );
        assert!(decision.confidence > 0.6, "{}", decision.confidence);
        assert_eq!(judge(other, ADVANCES).winner, Winner::Right);
    }
    assert_eq!(judge(ADVANCES, RETREATS).reason, "Right fencer retreated at 0.00s");
}

#[test]
fn a_pause_is_in_the_evidence_and_loses() {
    let decision = judge(PAUSES, ADVANCES);
    assert_eq!(decision.winner, Winner::Right);
    assert!(decision.reason.starts_with("Left fencer paused at 0."), "{}", decision.reason);
    let left = decision.evidence.left.unwrap();
    let [pause] = left.pauses[..] else { panic!("one pause: {:?}", left.pauses) };
    assert!((0.5..0.75).contains(&pause.start_secs) && (0.9..1.1).contains(&pause.end_secs), "{pause:?}");
    assert_eq!((left.advances.len(), left.retreats.len()), (2, 0));
    assert_eq!(decision.evidence.right.unwrap().pauses, []);
}

#[test]
fn contacts_belong_to_who_comes_forward() {
    let signal = log("0.700s | Off-Target: Blade-to-blade contact.\n1.400s | HIT: Simultaneous valid hits!");
    let evidence = decide(&signal, Some(&tracks(STANDS, ADVANCES, 1.8))).unwrap().evidence;
    assert_eq!((evidence.left.unwrap().contacts, evidence.right.unwrap().contacts), (vec![], vec![0.7]));
}

#[test]
fn after_a_contact_the_first_hit_counts() {
    let contact = "1.200s | Off-Target: Blade-to-blade contact.";
    let hits = "1.400s | HIT: Right scores on Left!\n1.500s | HIT: Simultaneous valid hits!";
    let decision =
        decide(&log(&format!("{contact}\n{hits}")), Some(&tracks(ADVANCES, ADVANCES, 1.8))).unwrap();
    assert_eq!(decision.winner, Winner::Right);
    assert_eq!(decision.reason, "Right fencer hit first, at 1.40s, after the blades met at 1.20s");
    assert_eq!(decision.evidence.first_hit, Some(Side::Right));
}

#[test]
fn fencers_who_do_the_same_get_nothing() {
    let decision = judge(ADVANCES, ADVANCES);
    assert_eq!((decision.winner, decision.confidence), (Winner::Abstain, 0.0));
    assert_eq!(decision.reason, "Both fencers did the same until the hit at 1.40s");
}

#[test]
fn short_holes_are_bridged_and_long_ones_told() {
    let mut short = tracks(ADVANCES, RETREATS, 1.8);
    short.frames[10].left = None;
    short.frames[12].right = None;
    assert_eq!(decide(&both_lights(), Some(&short)).unwrap().winner, Winner::Left);
    let mut long = short.clone();
    long.frames[9..20].iter_mut().for_each(|pair| pair.right = None);
    let decision = decide(&both_lights(), Some(&long)).unwrap();
    assert_eq!(decision.winner, Winner::Abstain);
    assert_eq!(decision.reason, "Right fencer is not seen between 0.53s and 1.33s, before the hit at 1.40s");
    let nobody = Tracks { frames: vec![], ..short };
    assert!(decide(&both_lights(), Some(&nobody)).unwrap().reason.contains("is not seen"));
}

#[test]
fn frames_that_end_before_the_hit_do_not_show_it() {
    let decision = decide(&both_lights(), Some(&tracks(ADVANCES, RETREATS, 0.6))).unwrap();
    assert_eq!(decision.reason, "Left fencer is not seen between 0.53s and 1.40s, before the hit at 1.40s");
}

#[test]
fn pixels_anywhere_in_the_picture_tell_the_same() {
    let metres = tracks(ADVANCES, PAUSES, 1.8);
    let mut pixels = Tracks { unit: Unit::Pixels, ..metres.clone() };
    for person in pixels.frames.iter_mut().flat_map(|pair| [&mut pair.left, &mut pair.right]).flatten() {
        for point in &mut person.key_points {
            (point.x, point.y) = (point.x * 150.0 + 960.0, point.y * 150.0);
        }
    }
    let score = |tracks| decide(&both_lights(), Some(tracks)).unwrap().evidence.score.unwrap();
    assert!((score(&metres) - score(&pixels)).abs() < 1e-9);
}

#[test]
fn a_camera_that_is_a_little_slow_tells_the_same() {
    let exact = tracks(ADVANCES, PAUSES, 1.8);
    let mut slow = exact.clone();
    slow.fps = FPS * 1.2;
    slow.frames.iter_mut().for_each(|pair| pair.time_secs /= 1.2);
    let score = |tracks| decide(&both_lights(), Some(tracks)).unwrap().evidence.score.unwrap();
    assert!((score(&exact) - score(&slow)).abs() < 1e-9);
}

/// Any two fencers, now and then unseen.
fn any_tracks() -> impl Strategy<Value = Tracks> {
    let person = || {
        let points = proptest::array::uniform17((-5.0..5.0, 0.0..5.0));
        proptest::option::weighted(
            0.95,
            points.prop_map(|points| {
                let key_points = points.map(|(x, y)| KeyPoint { x, y, score: 1.0 });
                Person { bounds: Bounds::around(&key_points), score: 1.0, key_points }
            }),
        )
    };
    let pairs = proptest::collection::vec((person(), person()), 0..40);
    (pairs, any::<bool>()).prop_map(|(pairs, pixels)| {
        let pair = |(n, (left, right))| Pair { time_secs: n as f64 / FPS, left, right };
        let unit = if pixels { Unit::Pixels } else { Unit::QuarterStartDistance };
        Tracks { fps: FPS, unit, frames: pairs.into_iter().enumerate().map(pair).collect() }
    })
}

fn any_lines() -> impl Strategy<Value = String> {
    let lines = [
        "HIT: Left scores on Right!",
        "HIT: Right scores on Left!",
        "HIT: Simultaneous valid hits!",
        "Off-Target: Blade-to-blade contact.",
    ];
    let line = (0.0..2.5, proptest::sample::select(lines.to_vec()));
    let lines = proptest::collection::vec(line, 0..6);
    let write = |(time, text): &(f64, &str)| format!("{time:.3}s | {text}");
    (lines, 0.0..2.5).prop_map(move |(lines, hit)| {
        let lines: Vec<String> = lines.iter().map(write).collect();
        format!("{}\n{hit:.3}s | HIT: Simultaneous valid hits!", lines.join("\n"))
    })
}

/// The log as it would be written of the phrase in a mirror.
fn mirrored_lines(lines: &str) -> String {
    lines.replace("Left", "L").replace("Right", "Left").replace("L ", "Right ").replace("L!", "Right!")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_mirror_turns_the_verdict_around(tracks in any_tracks(), lines in any_lines()) {
        let decision = decide(&log(&lines), Some(&tracks)).unwrap();
        let mirror = decide(&log(&mirrored_lines(&lines)), Some(&mirrored(&tracks))).unwrap();
        prop_assert_eq!(decision.evidence.score, mirror.evidence.score.map(|score| -score));
        prop_assert_eq!(decision.confidence, mirror.confidence);
        prop_assert_eq!(&decision.evidence.left, &mirror.evidence.right);
        prop_assert_eq!(&decision.evidence.right, &mirror.evidence.left);
        let turned = match decision.winner {
            Winner::Left => Winner::Right,
            Winner::Right => Winner::Left,
            Winner::Abstain => Winner::Abstain,
        };
        prop_assert_eq!(mirror.winner, turned);
    }

    #[test]
    fn a_verdict_is_a_number_with_a_reason(tracks in any_tracks(), lines in any_lines()) {
        let decision = decide(&log(&lines), Some(&tracks)).unwrap();
        prop_assert!(!decision.reason.is_empty() && (0.0..=1.0).contains(&decision.confidence));
        prop_assert!(decision.evidence.score.is_none_or(f64::is_finite));
        let sum: f64 = decision.evidence.features.iter().map(|feature| feature.contribution).sum();
        prop_assert!((decision.evidence.score.unwrap_or(0.0) - sum).abs() < 1e-9);
    }
}
