//! Tests of `schedule`.
use super::*;

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn an_even_beat_ends_or_goes_round() {
    let once = Schedule::even(10.0, Some(3), false);
    assert_eq!((0..4).map(|n| once.picture(n)).collect::<Vec<_>>(), [Some(0), Some(1), Some(2), None]);
    assert_eq!(once.round(), Some(millis(300)));
    let round = Schedule::even(10.0, Some(3), true);
    assert_eq!((3..6).map(|n| round.picture(n)).collect::<Vec<_>>(), [Some(0), Some(1), Some(2)]);
    assert_eq!(round.due(7), millis(700));
    assert_eq!(Schedule::even(25.0, None, false).picture(1_000_000), Some(1_000_000));
}

#[test]
fn listed_times_are_kept_through_the_rounds() {
    let schedule = Schedule::listed(vec![0.0, 0.5, 0.75], 2.0, true);
    let due: Vec<u128> = (0..5).map(|number| schedule.due(number).as_millis()).collect();
    assert_eq!(due, [0, 500, 750, 2000, 2500]);
    assert_eq!(schedule.longest_gap(), millis(1250));
    assert_eq!((schedule.fps(), Schedule::even(25.0, None, false).fps()), (1.5, 25.0));
}

#[test]
fn a_late_reader_gets_the_newest_frame_that_is_due() {
    let schedule = Schedule::listed(vec![0.0, 0.5, 0.75], 2.0, true);
    for (elapsed, newest) in [(0, 0), (499, 0), (500, 1), (1999, 2), (2000, 3), (2600, 4), (9000, 14)] {
        assert_eq!(schedule.newest_due(millis(elapsed), 0), newest, "{elapsed}");
    }
    assert_eq!(schedule.newest_due(millis(500), 2), 2, "never back");
    let once = Schedule::listed(vec![0.0, 0.5, 0.75], 2.0, false);
    assert_eq!(once.newest_due(millis(9000), 1), 2, "not past the end");
    assert_eq!(Schedule::even(30.0, Some(30), true).newest_due(millis(1100), 3), 33);
}

proptest::proptest! {
    /// On time is never late: at the moment when a frame is due, no later one is.
    #[test]
    fn nothing_is_skipped_on_time(number in 0_u64..1_000_000, fps in 0.5_f64..240.0) {
        let times: Vec<f64> = (0..7).map(|at| f64::from(at) / fps).collect();
        let listed = Schedule::listed(times, 7.0 / fps, true);
        for schedule in [listed, Schedule::even(fps, Some(7), true)] {
            let newest = schedule.newest_due(schedule.due(number), number);
            proptest::prop_assert_eq!(newest, number);
        }
    }
}

#[test]
fn thinning_keeps_an_even_spacing() {
    let thirty: Vec<f64> = (0..30).map(|at| f64::from(at) / 30.0).collect();
    assert_eq!(thinned(&thirty, 10.0), (0..30).step_by(3).collect::<Vec<_>>());
    assert_eq!(thinned(&thirty, 30.0).len(), 30);
    assert_eq!(thinned(&thirty, 100.0).len(), 30);
    assert_eq!(thinned(&thirty, 20.0).len(), 20);
    assert_eq!(thinned(&[0.0, 0.0, 5.0], 1.0), [0, 2]);
}
