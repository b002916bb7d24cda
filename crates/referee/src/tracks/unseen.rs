//! Key points that were not seen, while the person was: they are taken to move evenly from where they were seen last to
//! where they are seen next, and stand still before and after that. One that is never seen lies amid those that are.

use super::KeyPoint;

/// What a file says of a person in one frame.
pub(super) type Seen = [Option<KeyPoint>; 17];

/// Whole people. One of whom no point was seen was not seen.
pub(super) fn filled(frames: Vec<Option<Seen>>) -> Vec<Option<[KeyPoint; 17]>> {
    let is_seen = |seen: &Seen| seen.iter().any(Option::is_some);
    let mut frames: Vec<Option<Seen>> = frames.into_iter().map(|frame| frame.filter(is_seen)).collect();
    for place in 0..17 {
        fill(&mut frames, place);
    }
    let whole = |seen: Seen| {
        let middle = middle(&seen);
        seen.map(|point| point.unwrap_or(middle))
    };
    frames.into_iter().map(|frame| frame.map(whole)).collect()
}

/// Fills the gaps of one key point.
fn fill(frames: &mut [Option<Seen>], place: usize) {
    let seen = |frame: &Option<Seen>| frame.as_ref().and_then(|points| points[place]);
    let mut before: Option<(usize, KeyPoint)> = None;
    let mut gap = Vec::new();
    for at in 0..frames.len() {
        if frames[at].is_none() {
            continue;
        }
        let Some(after) = seen(&frames[at]) else {
            gap.push(at);
            continue;
        };
        for missing in gap.drain(..) {
            let point = before.map_or(after, |before| between(before, (at, after), missing));
            set(&mut frames[missing], place, point);
        }
        before = Some((at, after));
    }
    for missing in gap {
        if let Some((_, last)) = before {
            set(&mut frames[missing], place, last);
        }
    }
}

/// A place that was not seen is not sure.
fn set(frame: &mut Option<Seen>, place: usize, point: KeyPoint) {
    if let Some(points) = frame {
        points[place] = Some(KeyPoint { score: 0.0, ..point });
    }
}

fn between(before: (usize, KeyPoint), after: (usize, KeyPoint), at: usize) -> KeyPoint {
    let share = (at - before.0) as f64 / (after.0 - before.0) as f64;
    let mix = |a: f64, b: f64| a + (b - a) * share;
    KeyPoint { x: mix(before.1.x, after.1.x), y: mix(before.1.y, after.1.y), score: 0.0 }
}

fn middle(seen: &Seen) -> KeyPoint {
    let count = seen.iter().flatten().count().max(1) as f64;
    let mean = |of: fn(&KeyPoint) -> f64| seen.iter().flatten().map(of).sum::<f64>() / count;
    KeyPoint { x: mean(|point| point.x), y: mean(|point| point.y), score: 0.0 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(x: f64) -> Option<KeyPoint> {
        Some(KeyPoint { x, y: 1.0, score: 1.0 })
    }

    fn person(x: f64) -> Option<Seen> {
        Some([at(x); 17])
    }

    fn without(mut person: Option<Seen>, place: usize) -> Option<Seen> {
        person.as_mut().unwrap()[place] = None;
        person
    }

    #[test]
    fn a_point_moves_evenly_through_its_gap_and_stands_at_the_ends() {
        let frames = vec![
            without(person(1.0), 4),
            person(2.0),
            None,
            without(person(9.0), 4),
            person(5.0),
            without(person(7.0), 4),
        ];
        let filled = filled(frames);
        let found: Vec<_> =
            filled.iter().map(|frame| frame.map(|points| (points[4].x, points[4].score))).collect();
        let expected =
            [Some((2.0, 0.0)), Some((2.0, 1.0)), None, Some((4.0, 0.0)), Some((5.0, 1.0)), Some((5.0, 0.0))];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_person_without_a_point_was_not_seen_and_a_point_never_seen_lies_amid_the_others() {
        let frames = vec![Some([None; 17]), without(person(3.0), 0)];
        let filled = filled(frames);
        assert_eq!(filled[0], None);
        assert_eq!(filled[1].unwrap()[0], KeyPoint { x: 3.0, y: 1.0, score: 0.0 });
    }
}
