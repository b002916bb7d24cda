//! What goes and when, for every clock; and that it really goes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{collections::BTreeSet, fs, time::Duration};

use proptest::{prelude::*, test_runner::RngSeed};
use tempfile::TempDir;

use super::*;
use crate::{Kind, Metadata};

const DAY: i64 = 24 * 3600;
/// 2026-01-21, in Unix seconds.
const NOW: i64 = 1_768_953_600;

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn keep_all() -> Retention {
    Retention { max_age: Duration::MAX, max_total_bytes: None, min_free_bytes: 0 }
}

fn free(free_bytes: u64) -> Option<Disk> {
    Some(Disk { free_bytes, total_bytes: u64::MAX })
}

fn candidate(number: usize, end: i64, bytes: u64, growing: bool) -> Candidate {
    let stream = format!("s{}", number % 3).parse().unwrap();
    let id = RecordingId::new(&stream, second(end.max(0)), Kind::Segment, number as u32 + 1);
    Candidate { id, end_time: second(end), bytes, growing }
}

fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
    // Up to three weeks back, and a few from the future.
    let one = (NOW - 21 * DAY..NOW + 3 * DAY, 0..1000u64, prop::bool::weighted(0.1));
    prop::collection::vec(one, 0..40).prop_map(|all| {
        let numbered = all.into_iter().enumerate();
        numbered.map(|(number, (end, bytes, growing))| candidate(number, end, bytes, growing)).collect()
    })
}

fn fixed_seed() -> ProptestConfig {
    ProptestConfig { rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() }
}

fn ids(deletions: &[Deletion]) -> BTreeSet<RecordingId> {
    deletions.iter().map(|deletion| deletion.id.clone()).collect()
}

proptest! {
    #![proptest_config(fixed_seed())]

    #[test]
    fn limits_hold_afterwards_or_nothing_more_can_go(
        candidates in candidates(),
        days in 0..30u64,
        max_total in prop::option::of(0..20_000u64),
        free_now in 0..5_000u64,
        min_free in 0..10_000u64,
    ) {
        let max_age = Duration::from_secs(days * DAY as u64);
        let retention = Retention { max_age, max_total_bytes: max_total, min_free_bytes: min_free };
        let deletions = decide(second(NOW), &candidates, &retention, free(free_now));
        let gone = ids(&deletions);
        prop_assert_eq!(gone.len(), deletions.len(), "none twice");
        prop_assert!(candidates.iter().all(|one| !(one.growing && gone.contains(&one.id))), "none that grows");

        let mut ends = deletions.iter().map(|deletion| candidates.iter().find(|one| one.id == deletion.id).unwrap().end_time);
        prop_assert!(ends.clone().is_sorted(), "what ended first goes first");
        let stays = |one: &&Candidate| !one.growing && !gone.contains(&one.id);
        let oldest_kept = candidates.iter().filter(stays).map(|one| one.end_time).min();
        prop_assert!(ends.all(|end| oldest_kept.is_none_or(|kept| end <= kept)));
        prop_assert!(candidates.iter().filter(stays).all(|one| one.end_time >= second(NOW - days as i64 * DAY)));

        let freed: u64 = deletions.iter().map(|deletion| deletion.bytes).sum();
        let left = candidates.iter().map(|one| one.bytes).sum::<u64>() - freed;
        let enough = max_total.is_none_or(|max| left <= max) && free_now + freed >= min_free;
        prop_assert!(enough || candidates.iter().find(stays).is_none());

        // The last that went for its size had to.
        if let Some(last) = deletions.last().filter(|last| last.reason != Reason::Age) {
            let without = freed - last.bytes;
            prop_assert!(max_total.is_some_and(|max| left + last.bytes > max) || free_now + without < min_free);
        }
    }

    #[test]
    fn a_clock_that_is_set_back_deletes_nothing_more(
        candidates in candidates(),
        days in 0..30u64,
        back in 0..400 * DAY,
    ) {
        let retention = Retention { max_age: Duration::from_secs(days * DAY as u64), ..keep_all() };
        let right = ids(&decide(second(NOW), &candidates, &retention, None));
        let early = ids(&decide(second(NOW - back), &candidates, &retention, None));
        prop_assert!(early.is_subset(&right));
    }

    #[test]
    fn without_limits_everything_stays(candidates in candidates(), free_now: u64) {
        prop_assert_eq!(decide(second(NOW), &candidates, &keep_all(), free(free_now)), []);
        prop_assert_eq!(decide(second(NOW), &candidates, &keep_all(), None), []);
    }
}

#[test]
fn age_is_counted_from_the_end_to_the_second() {
    let ends = [NOW - 7 * DAY - 1, NOW - 7 * DAY, NOW + 30 * DAY];
    let candidates: Vec<_> = ends.iter().enumerate().map(|(at, end)| candidate(at, *end, 5, false)).collect();
    let retention = Retention { max_age: Duration::from_secs(7 * DAY as u64), ..keep_all() };
    let deletions = decide(second(NOW), &candidates, &retention, None);
    assert_eq!(ids(&deletions), [candidates[0].id.clone()].into());
    assert_eq!(deletions[0].reason, Reason::Age);
    assert_eq!(decide(Timestamp::MIN, &candidates, &retention, None), []);
}

/// Central Europe's rule, so that no time zone database is needed.
const CENTRAL_EUROPE: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

fn next(zone: &str, now: &str, hour: u8, minute: u8) -> String {
    let zone = TimeZone::posix(zone).unwrap();
    let now = now.parse::<Timestamp>().unwrap().to_zoned(zone);
    next_run(&now, TimeOfDay { hour, minute }).to_string()
}

#[test]
fn the_next_run_is_by_local_time() {
    assert_eq!(next(CENTRAL_EUROPE, "2026-01-21T01:59:59Z", 3, 0), "2026-01-21T02:00:00Z");
    assert_eq!(next(CENTRAL_EUROPE, "2026-01-21T02:00:00Z", 3, 0), "2026-01-22T02:00:00Z");
    assert_eq!(next(CENTRAL_EUROPE, "2026-07-21T01:30:00Z", 3, 0), "2026-07-22T01:00:00Z");
    assert_eq!(next("UTC0", "2026-12-31T23:59:59Z", 0, 0), "2027-01-01T00:00:00Z");
    assert_eq!(
        next("UTC0", "2026-12-31T23:59:59Z", 99, 99),
        "2027-01-01T00:00:00Z",
        "no such time: midnight"
    );
}

#[test]
fn a_run_in_the_hour_that_is_left_out_comes_an_hour_later() {
    // On 29 March 2026 the clock goes from 02:00 to 03:00, at 01:00 UTC.
    assert_eq!(next(CENTRAL_EUROPE, "2026-03-28T12:00:00Z", 2, 30), "2026-03-29T01:30:00Z");
    assert_eq!(next(CENTRAL_EUROPE, "2026-03-29T01:30:00Z", 2, 30), "2026-03-30T00:30:00Z");
}

#[test]
fn a_run_in_the_hour_that_comes_twice_is_made_once() {
    // On 25 October 2026 the clock goes from 03:00 back to 02:00, at 01:00 UTC.
    assert_eq!(next(CENTRAL_EUROPE, "2026-10-24T12:00:00Z", 2, 30), "2026-10-25T00:30:00Z");
    assert_eq!(next(CENTRAL_EUROPE, "2026-10-25T00:30:00Z", 2, 30), "2026-10-26T01:30:00Z");
}

#[test]
fn there_is_one_run_a_day_all_year() {
    let zone = TimeZone::posix(CENTRAL_EUROPE).unwrap();
    let mut now = second(NOW).to_zoned(zone.clone());
    let mut dates = Vec::new();
    for _ in 0..366 {
        let next = next_run(&now, TimeOfDay { hour: 2, minute: 30 }).to_zoned(zone.clone());
        dates.push(next.date());
        now = next;
    }
    assert!(dates.windows(2).all(|pair| pair[0].tomorrow().unwrap() == pair[1]));
}

struct House {
    _folder: TempDir,
    store: Store,
}

fn house() -> House {
    let folder = TempDir::new().unwrap();
    let store = Store::new(&folder.path().join("recordings"));
    House { _folder: folder, store }
}

impl House {
    fn put(&self, name: &str, end: i64, bytes: usize) -> RecordingId {
        let start = second(end - 60);
        let about = |id: &RecordingId, _: &std::path::Path| Metadata {
            end_time: second(end),
            ..Metadata::of_name(id).placed(id, self.store.directory(), 0)
        };
        let writing = self.store.create(&name.parse().unwrap(), Kind::Segment, start.into(), about).unwrap();
        std::io::Write::write_all(&mut &writing.file, &vec![0; bytes]).unwrap();
        let (id, metadata) = (writing.id.clone(), writing.metadata().clone());
        writing.finish(metadata).unwrap();
        id
    }

    fn left(&self) -> Vec<String> {
        let page = self.store.list(&Filter { limit: 100, ..Filter::default() }).unwrap();
        page.recordings.into_iter().map(|found| found.file).collect()
    }
}

#[test]
fn old_recordings_and_empty_folders_go() {
    let house = house();
    house.put("a", NOW - 8 * DAY, 100);
    let young = house.put("b", NOW - 6 * DAY, 100);
    house.put("b", NOW - 9 * DAY, 50);
    let empty = house.store.directory().join("empty");
    fs::create_dir(&empty).unwrap();
    fs::create_dir(house.store.directory().join("not a stream's")).unwrap();
    let retention = Retention {
        max_age: Duration::from_secs(7 * DAY as u64),
        max_total_bytes: Some(1),
        min_free_bytes: u64::MAX,
    };
    let report = house.store.sweep(second(NOW), &retention, Sweep::Age).unwrap();
    assert_eq!(report, SweepReport { deleted: 2, bytes: 150, removed_folders: 2 });
    assert_eq!(house.left(), [young.file.as_str()]);
    assert!(!empty.exists() && !house.store.directory().join("a").exists());
    assert!(house.store.directory().join("not a stream's").exists());
}

#[test]
fn too_much_goes_the_oldest_first_and_what_is_written_stays() {
    let house = house();
    house.put("a", NOW - 3 * DAY, 100);
    house.put("b", NOW - 2 * DAY, 100);
    let newest = house.put("a", NOW - DAY, 100);
    let start = second(NOW - 4 * DAY);
    let mut growing = house
        .store
        .create(&"c".parse().unwrap(), Kind::Segment, start.into(), |id, _| Metadata::of_name(id))
        .unwrap();
    let metadata = Metadata::of_name(&growing.id).placed(&growing.id, house.store.directory(), 50);
    growing.update(metadata);
    let max = |bytes| Retention { max_total_bytes: Some(bytes), max_age: Duration::ZERO, min_free_bytes: 0 };
    let sweep = |retention| house.store.sweep(second(NOW), &retention, Sweep::Sizes).unwrap();
    assert_eq!(sweep(max(350)).deleted, 0);
    assert_eq!(sweep(max(160)), SweepReport { deleted: 2, bytes: 200, removed_folders: 1 });
    assert_eq!(house.left(), [newest.file.as_str(), growing.id.file.as_str()]);
    assert_eq!(sweep(Retention { min_free_bytes: u64::MAX, ..max(1) }).deleted, 1);
    assert_eq!(house.left(), [growing.id.file.as_str()]);
}

#[test]
fn a_sweep_of_nothing_does_nothing() {
    let house = house();
    let all = Retention { max_age: Duration::ZERO, max_total_bytes: Some(0), min_free_bytes: u64::MAX };
    for which in [Sweep::Age, Sweep::Sizes] {
        assert_eq!(house.store.sweep(second(NOW), &all, which).unwrap(), SweepReport::default());
    }
    assert!(!house.store.directory().exists());
}
