use proptest::prelude::*;

use super::*;

proptest! {
    /// However frames come and whatever they cost, each is written in time: a recorder that wakes up when it asked
    /// to and codes at once is simulated.
    #[test]
    fn no_frame_waits_for_more_than_half_a_second(
        gaps in proptest::collection::vec(0..700u64, 1..60),
        rounds in proptest::collection::vec((any::<bool>(), 0..60u64), 1..20),
    ) {
        let start = Instant::now();
        let mut arrivals = gaps.iter().scan(0, |at, gap| { *at += gap; Some(*at) }).peekable();
        let mut rounds = rounds.iter().cycle();
        let (mut pace, mut now, mut pending, mut came) = (Pace::new(), 0, Vec::<u64>::new(), false);
        let at = |ms: u64| start + Duration::from_millis(ms);
        while let Some(&next) = arrivals.peek() {
            // With nothing pending and nothing in the ring, the next frame wakes the recorder.
            now = if pending.is_empty() && !came { now.max(next) } else { now };
            came = next <= now;
            while let Some(arrival) = arrivals.next_if(|arrival| *arrival <= now) {
                pending.push(arrival);
            }
            if pending.first().is_some_and(|&oldest| pace.is_due(at(oldest), at(now))) {
                let waited = now - pending[0];
                prop_assert!(waited <= 450, "{} ms", waited);
                pending.clear();
            }
            if let Some(&(crowded, took)) = rounds.next() {
                pace.adapt(crowded, Duration::from_millis(took));
            }
            let oldest = pending.first().map(|&oldest| at(oldest));
            now += pace.rest(oldest, at(now)).as_millis() as u64;
        }
    }
}

#[test]
fn where_much_comes_it_reads_more_often() {
    let mut pace = Pace::new();
    assert_eq!(pace.rest(None, Instant::now()), LONGEST);
    pace.adapt(true, Duration::ZERO);
    assert_eq!(pace.rest(None, Instant::now()), LONGEST / 2);
    pace.adapt(false, EASY * 2);
    assert_eq!(pace.rest(None, Instant::now()), LONGEST / 4);
    for _ in 0..20 {
        pace.adapt(true, Duration::ZERO);
    }
    assert_eq!(pace.rest(None, Instant::now()), SHORTEST);
    for _ in 0..20 {
        pace.adapt(false, Duration::ZERO);
    }
    assert_eq!(pace.rest(None, Instant::now()), LONGEST);
}
