//! Who is who from one frame to the next: everybody gets a number, and keeps it over a miss.

use crate::tracks::Person;

/// The most people followed, the tallest first: two fencers, referee, and some beside the piste.
const MAX_FOLLOWED: usize = 8;

/// People lower than this share of the picture are far away: an audience, a neighbouring piste.
const MIN_HEIGHT: f64 = 0.1;

/// A person who was not seen for so long comes back under another number.
const FORGOTTEN_SECS: f64 = 1.5;

/// The most people remembered, those seen last.
const MAX_KNOWN: usize = 64;

/// How far a person may be from where they were expected, as a share of their height: at once, and for each second since.
const REACH: f64 = 0.35;
const REACH_PER_SEC: f64 = 1.5;

/// How much of a newly measured speed counts.
const FRESHNESS: f64 = 0.4;

/// A movement is expected to go on for so long.
const MOMENTUM_SECS: f64 = 0.2;

/// A person in a frame, by number.
#[derive(Clone, Debug)]
pub(super) struct Sighting {
    pub(super) who: u32,
    pub(super) person: Person,
}

/// Gives people their numbers.
#[derive(Debug)]
pub(super) struct Follower {
    min_height: f64,
    usual_step: f64,
    next: u32,
    known: Vec<Known>,
}

/// Where a person was last.
#[derive(Debug)]
struct Known {
    who: u32,
    seen_secs: f64,
    middle: (f64, f64),
    height: f64,
    /// Pixels a second.
    speed: (f64, f64),
}

impl Follower {
    pub(super) fn new(fps: f64, picture_height: f64) -> Self {
        Self { min_height: picture_height * MIN_HEIGHT, usual_step: 1.0 / fps, next: 0, known: Vec::new() }
    }

    /// The tall ones among the people of a frame, each with a number.
    pub(super) fn follow(&mut self, now: f64, persons: &[Person]) -> Vec<Sighting> {
        self.known.retain(|known| now - known.seen_secs <= FORGOTTEN_SECS);
        self.known.sort_by(|a, b| b.seen_secs.total_cmp(&a.seen_secs));
        self.known.truncate(MAX_KNOWN);
        let mut tall: Vec<Person> =
            persons.iter().filter(|person| height(person) >= self.min_height).copied().collect();
        tall.sort_by(|a, b| height(b).total_cmp(&height(a)));
        tall.truncate(MAX_FOLLOWED);
        let who = self.recognise(now, &tall);
        tall.into_iter()
            .zip(who)
            .map(|(person, known)| Sighting { who: self.note(now, &person, known), person })
            .collect()
    }

    /// For each person the place in `known` of who it is: the nearest to where they were expected, each only once.
    fn recognise(&self, now: f64, persons: &[Person]) -> Vec<Option<usize>> {
        let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
        for (at, person) in persons.iter().enumerate() {
            for (place, known) in self.known.iter().enumerate() {
                if let Some(distance) = known.distance(now, person, self.usual_step) {
                    pairs.push((distance, at, place));
                }
            }
        }
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut who = vec![None; persons.len()];
        let mut taken = vec![false; self.known.len()];
        for (_, at, place) in pairs {
            if who[at].is_none() && !taken[place] {
                who[at] = Some(place);
                taken[place] = true;
            }
        }
        who
    }

    fn note(&mut self, now: f64, person: &Person, known: Option<usize>) -> u32 {
        if let Some(known) = known.and_then(|place| self.known.get_mut(place)) {
            known.update(now, person);
            return known.who;
        }
        let who = self.next;
        self.next += 1;
        let (middle, height) = (middle(person), height(person));
        self.known.push(Known { who, seen_secs: now, middle, height, speed: (0.0, 0.0) });
        who
    }
}

impl Known {
    /// How far a person is from where this one is expected, as a share of their height; `None` where that is too far or the
    /// person too tall or low.
    fn distance(&self, now: f64, person: &Person, usual_step: f64) -> Option<f64> {
        let since = (now - self.seen_secs).max(0.0);
        let moving = since.min(MOMENTUM_SECS);
        let expected = (self.middle.0 + self.speed.0 * moving, self.middle.1 + self.speed.1 * moving);
        let at = middle(person);
        let distance = (at.0 - expected.0).hypot(at.1 - expected.1) / self.height.max(1.0);
        let missed = (since - usual_step).max(0.0);
        let ratio = height(person) / self.height.max(1.0);
        // In a lunge a fencer is two thirds as high.
        let alike = (0.5..=2.0).contains(&ratio);
        (alike && distance <= REACH + REACH_PER_SEC * missed).then_some(distance)
    }

    fn update(&mut self, now: f64, person: &Person) {
        let since = now - self.seen_secs;
        let at = middle(person);
        if since > 0.0 {
            let mix = |old: f64, new: f64| old + (new - old) * FRESHNESS;
            self.speed.0 = mix(self.speed.0, (at.0 - self.middle.0) / since);
            self.speed.1 = mix(self.speed.1, (at.1 - self.middle.1) / since);
        }
        self.seen_secs = now;
        self.middle = at;
        self.height += (height(person) - self.height) * FRESHNESS;
    }
}

pub(super) fn height(person: &Person) -> f64 {
    person.bounds.bottom - person.bounds.top
}

/// Between the hips, which stay where the person is when arms and blade reach out.
pub(super) fn middle(person: &Person) -> (f64, f64) {
    const LEFT_HIP: usize = 11;
    const RIGHT_HIP: usize = 12;
    let (a, b) = (person.key_points[LEFT_HIP], person.key_points[RIGHT_HIP]);
    ((a.x + b.x) / 2.0, (a.y + b.y) / 2.0)
}
