//! Made-up people on a made-up piste: fencers, a referee, spectators, misses and occlusions.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::tracks::{Bounds, KeyPoint};

const FPS: f64 = 30.0;

/// Somebody whose hips are in the middle of their box and whose feet are at its lower corners.
fn somebody(x: f64, feet: f64, height: f64) -> Person {
    let width = height * 0.5;
    let (left, right) = (x - width / 2.0, x + width / 2.0);
    let mut key_points = [KeyPoint { x, y: feet - height / 2.0, score: 0.9 }; 17];
    key_points[15] = KeyPoint { x: left, y: feet, score: 0.9 };
    key_points[16] = KeyPoint { x: right, y: feet, score: 0.9 };
    Person { bounds: Bounds { left, top: feet - height, right, bottom: feet }, score: 0.9, key_points }
}

/// The left fencer advances, the right one retreats and comes back.
fn left_at(frame: usize) -> Person {
    somebody(300.0 + frame as f64 * 3.0, 600.0, 300.0)
}

fn right_at(frame: usize) -> Person {
    somebody(900.0 + (frame as f64 / 10.0).sin() * 80.0, 605.0, 290.0)
}

fn tracked(frames: usize, people: impl Fn(usize) -> Vec<Person>) -> Tracks {
    let mut tracker = Tracker::new(FPS, 720);
    for frame in 0..frames {
        tracker.push(frame as f64 / FPS, &people(frame));
    }
    let tracks = tracker.finish();
    assert_eq!((tracks.unit, tracks.frames.len()), (Unit::Pixels, frames));
    tracks.check().unwrap();
    tracks
}

fn x(person: Option<Person>) -> f64 {
    follow::middle(&person.unwrap()).0
}

/// Within 25 pixels, a twelfth of their height.
fn assert_fencers(tracks: &Tracks) {
    for (frame, pair) in tracks.frames.iter().enumerate() {
        assert!((x(pair.left) - x(Some(left_at(frame)))).abs() < 25.0, "left in frame {frame}");
        assert!((x(pair.right) - x(Some(right_at(frame)))).abs() < 25.0, "right in frame {frame}");
    }
}

#[test]
fn two_fencers_are_followed_whatever_their_order() {
    assert_fencers(&tracked(90, |frame| match frame % 2 {
        0 => vec![left_at(frame), right_at(frame)],
        _ => vec![right_at(frame), left_at(frame)],
    }));
}

#[test]
fn a_referee_and_spectators_do_not_fence() {
    let others = |frame: usize| {
        let sway = (frame as f64 / 7.0).sin() * 6.0;
        // In front of the piste, tall; behind it; a neighbour's piste, moving; a row of chairs.
        vec![
            somebody(620.0 + sway, 700.0, 400.0),
            somebody(560.0 - sway, 470.0, 230.0),
            somebody(200.0 + frame as f64 * 4.0, 330.0, 130.0),
            somebody(1100.0, 420.0, 120.0),
            somebody(1150.0, 420.0, 60.0),
        ]
    };
    assert_fencers(&tracked(120, |frame| {
        let mut people = others(frame);
        people.insert(frame % 5, left_at(frame));
        people.insert(frame % 3, right_at(frame));
        people
    }));
}

/// A camera that looks from 25 degrees aside: the far fencer is smaller and stands higher in the picture.
#[test]
fn a_piste_may_slant() {
    let near = |frame: usize| somebody(190.0 + frame as f64 * 1.2, 295.0, 117.0);
    let far = |frame: usize| somebody(478.0 - frame as f64, 225.0 + frame as f64 * 0.2, 95.0);
    let referee = || somebody(370.0, 190.0, 100.0);
    let tracks = tracked(60, |frame| vec![referee(), near(frame), far(frame)]);
    for (frame, pair) in tracks.frames.iter().enumerate() {
        assert!((x(pair.left) - x(Some(near(frame)))).abs() < 10.0, "left in frame {frame}");
        assert!((x(pair.right) - x(Some(far(frame)))).abs() < 10.0, "right in frame {frame}");
    }
}

#[test]
fn short_misses_are_bridged_and_long_ones_are_not() {
    let tracks = tracked(120, |frame| {
        let mut people = vec![right_at(frame)];
        if !(20..30).contains(&frame) && !(60..90).contains(&frame) {
            people.push(left_at(frame));
        }
        people
    });
    for frame in 20..30 {
        let left = tracks.frames[frame].left.unwrap();
        assert!((x(Some(left)) - x(Some(left_at(frame)))).abs() < 1.0);
        assert!(left.score < 0.5);
    }
    assert!((61..89).all(|frame| tracks.frames[frame].left.is_none()));
    assert!((x(tracks.frames[100].left) - x(Some(left_at(100)))).abs() < 1.0, "recognised after a second");
}

#[test]
fn somebody_who_walks_in_front_does_not_become_a_fencer() {
    let passer = |frame: usize| somebody(1270.0 - frame as f64 * 14.0, 690.0, 360.0);
    let tracks = tracked(110, |frame| {
        let (left, right, passer) = (left_at(frame), right_at(frame), passer(frame));
        let hidden = |person: &Person| (x(Some(*person)) - x(Some(passer))).abs() < 60.0;
        let mut people = vec![passer];
        people.extend([left, right].into_iter().filter(|person| !hidden(person)));
        people
    });
    assert_fencers(&tracks);
}

#[test]
fn nobody_and_one_alone_are_no_pair() {
    let empty = tracked(10, |_| Vec::new());
    assert!(empty.frames.iter().all(|pair| pair.left.is_none() && pair.right.is_none()));
    let alone = tracked(10, |frame| vec![left_at(frame)]);
    assert!(alone.frames.iter().all(|pair| pair.left.is_none()));
}

/// Noise in which nobody is seen twice costs a bounded time a frame.
#[test]
fn a_crowd_that_is_new_in_each_frame_is_bounded() {
    let mut tracker = Tracker::new(1000.0, 720);
    for frame in 0..400 {
        let at = |person: u32| f64::from(frame * 7919 % 100 * 13 + person * 1000);
        let crowd: Vec<Person> = (0..20).map(|person| somebody(at(person), 600.0, 80.0)).collect();
        tracker.push(f64::from(frame) / 1000.0, &crowd);
    }
    assert_eq!(tracker.finish().frames.len(), 400);
}

#[test]
fn the_pair_is_known_while_frames_come() {
    let mut tracker = Tracker::new(FPS, 720);
    for frame in 0..60 {
        let pair = tracker.push(frame as f64 / FPS, &[left_at(frame), right_at(frame)]);
        assert!(pair.left.is_some() && pair.right.is_some());
    }
}

#[test]
fn only_the_last_seconds_are_kept_in_full() {
    let mut tracker = Tracker::new(FPS, 720);
    for frame in 0..2000 {
        tracker.push(frame as f64 / FPS, &[somebody(300.0, 600.0, 300.0), somebody(900.0, 600.0, 300.0)]);
        assert!(tracker.recent.len() <= 300);
    }
    assert_eq!(tracker.finish().frames.len(), 2000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whoever is seen where: nobody is both fencers, the left one is left on the mean, and all numbers are sound.
    #[test]
    fn any_people_give_sound_tracks(
        frames in proptest::collection::vec(
            proptest::collection::vec((0.0..1280.0f64, 100.0..720.0f64, 0.0..500.0f64), 0..12), 1..40),
    ) {
        let tracks = tracked(frames.len(), |frame| {
            frames[frame].iter().map(|&(x, feet, height)| somebody(x, feet, height)).collect()
        });
        for pair in &tracks.frames {
            if let Some((left, right)) = pair.left.zip(pair.right) {
                prop_assert!(left != right);
            }
        }
    }

    /// Mirrored pictures give mirrored tracks.
    #[test]
    fn sides_are_alike(misses in proptest::collection::vec(any::<bool>(), 60)) {
        let mirrored = |person: Person| somebody(1280.0 - x(Some(person)), person.bounds.bottom, follow::height(&person));
        let people = |frame: usize| {
            let mut people = vec![right_at(frame)];
            people.extend(Some(left_at(frame)).filter(|_| !misses[frame]));
            people
        };
        let plain = tracked(60, people);
        let turned = tracked(60, |frame| people(frame).into_iter().map(mirrored).collect());
        for (a, b) in plain.frames.iter().zip(&turned.frames) {
            let place = |person: Option<Person>| person.map(|person| x(Some(person)));
            let back = |person: Option<Person>| place(person).map(|x| 1280.0 - x);
            for (one, other) in [(place(a.left), back(b.right)), (place(a.right), back(b.left))] {
                prop_assert_eq!(one.is_some(), other.is_some());
                prop_assert!(one.zip(other).is_none_or(|(one, other)| (one - other).abs() < 1e-6));
            }
        }
    }
}
