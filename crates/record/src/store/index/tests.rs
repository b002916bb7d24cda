//! Databases that are broken, strange or taken, each of which the index has to do without; and how quick it is.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing)]

use std::{fs, os::unix::fs::symlink, time::Instant};

use jiff::SignedDuration;
use proptest::{prelude::*, test_runner::RngSeed};
use tempfile::TempDir;

use super::{
    database::{FILE, VERSION},
    *,
};

fn minute(minute: i64) -> Timestamp {
    "2026-01-21T10:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute)
}

fn id(stream: &str, at: i64) -> RecordingId {
    RecordingId::new(&stream.parse().unwrap(), minute(at), Kind::Segment, 1)
}

/// Ten minutes of a stream.
fn recording(stream: &str, at: i64) -> Metadata {
    let id = id(stream, at);
    let metadata = Metadata {
        end_time: minute(at + 10),
        duration_seconds: 600.0,
        total_frames: 18_000,
        ..Metadata::of_name(&id)
    };
    metadata.placed(&id, Path::new("recordings"), 60_000_000)
}

fn count(index: &Index) -> u64 {
    index.totals(&Filter::default()).unwrap().count
}

/// The databases in a folder, without what SQLite keeps beside an open one.
fn databases(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| !name.ends_with("-wal") && !name.ends_with("-shm")).collect();
    names.sort();
    names
}

/// Opens the index of a folder, which has to work; tells whether it lies on disk.
fn works(folder: &TempDir) -> bool {
    let index = Index::open(folder.path()).unwrap();
    let before = count(&index);
    index.put(&[(&recording("new", 0), true)]).unwrap();
    assert_eq!(count(&index), before + 1);
    drop(index);
    let connection = Connection::open(folder.path().join(FILE)).unwrap();
    let kept =
        connection.query_row("SELECT count(*) FROM recordings WHERE stream = 'new'", [], |row| row.get(0));
    kept.is_ok_and(|rows: i64| rows == 1)
}

#[test]
fn it_is_there_again_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let index = Index::open(folder.path()).unwrap();
    let mut metadata = recording("a", 0);
    metadata.gaps = vec![crate::Gap { at: minute(1), seconds: 1.5, frames: 45 }];
    metadata.codec = Codec::H264;
    metadata.status = Status::Healed;
    index.put(&[(&metadata, true), (&metadata, true)]).unwrap();
    drop(index);
    let index = Index::open(folder.path()).unwrap();
    let found = index.get(&id("a", 0)).unwrap().unwrap();
    let path = folder.path().join("a").join(&metadata.file).to_str().unwrap().to_owned();
    assert_eq!(found, Metadata { recording_path: path, ..metadata });
    assert_eq!(index.totals(&Filter::default()).unwrap(), Totals { count: 1, bytes: 60_000_000 });
    index.remove("a", &found.file).unwrap();
    assert_eq!((index.streams().unwrap(), count(&index)), (vec![], 0));
}

#[test]
fn numbers_beyond_reason_are_kept_as_well_as_they_can_be() {
    let index = Index::open(TempDir::new().unwrap().path()).unwrap();
    let strange = Metadata {
        average_fps: f64::NAN,
        duration_seconds: f64::INFINITY,
        total_frames: u64::MAX,
        end_time: Timestamp::MIN,
        ..recording("a", 0)
    };
    index.put(&[(&strange, true)]).unwrap();
    let found = index.get(&id("a", 0)).unwrap().unwrap();
    assert_eq!((found.average_fps, found.duration_seconds), (0.0, 0.0));
    assert_eq!((found.total_frames, found.end_time), (i64::MAX as u64, minute(0)));
}

#[test]
fn a_broken_database_is_set_aside() {
    for junk in
        [&b"not a database, but long enough to look at it a second time"[..], &[0; 5000], &[0xff; 5000]]
    {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join(FILE), junk).unwrap();
        assert!(works(&folder));
        assert_eq!(databases(&folder), ["index.sqlite", "index.sqlite.old1"]);
        assert_eq!(fs::read(folder.path().join("index.sqlite.old1")).unwrap(), junk);
    }
}

#[test]
fn a_database_broken_in_its_middle_is_noticed_when_it_is_read() {
    let folder = TempDir::new().unwrap();
    let index = Index::open(folder.path()).unwrap();
    let many: Vec<_> = (0..2000).map(|at| recording("a", at * 10)).collect();
    index.put(&many.iter().map(|one| (one, true)).collect::<Vec<_>>()).unwrap();
    drop(index);
    let path = folder.path().join(FILE);
    let mut bytes = fs::read(&path).unwrap();
    let length = bytes.len();
    bytes[4096 * 12..length - 4096].fill(0x55);
    fs::write(&path, bytes).unwrap();

    let store = crate::Store::new(folder.path());
    // Whatever was asked is answered from a new one.
    assert_eq!(store.with_index(Index::by_age).unwrap(), []);
    assert_eq!(databases(&folder), ["index.sqlite", "index.sqlite.old1"]);
}

#[test]
fn somebody_elses_database_is_set_aside_unharmed() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(FILE);
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (42)")
        .unwrap();
    assert!(works(&folder));
    let theirs = Connection::open(folder.path().join("index.sqlite.old1")).unwrap();
    assert_eq!(theirs.query_row("SELECT x FROM theirs", [], |row| row.get(0)), Ok(42));
}

#[test]
fn one_of_another_version_is_made_anew() {
    let folder = TempDir::new().unwrap();
    Index::open(folder.path()).unwrap().put(&[(&recording("a", 0), true)]).unwrap();
    let path = folder.path().join(FILE);
    Connection::open(&path).unwrap().pragma_update(None, "user_version", VERSION + 1).unwrap();
    let index = Index::open(folder.path()).unwrap();
    assert_eq!(count(&index), 0);
    drop(index);
    assert_eq!(databases(&folder), ["index.sqlite"]);
}

#[test]
fn one_that_is_locked_is_done_without() {
    let folder = TempDir::new().unwrap();
    Index::open(folder.path()).unwrap().put(&[(&recording("a", 0), true)]).unwrap();
    let holder = Connection::open(folder.path().join(FILE)).unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let index = Index::open(folder.path()).unwrap();
    index.put(&[(&recording("new", 0), true)]).unwrap();
    assert_eq!(count(&index), 1, "in memory");
    drop(index);
    holder.execute_batch("ROLLBACK").unwrap();
    let index = Index::open(folder.path()).unwrap();
    assert_eq!(index.get(&id("a", 0)).unwrap().unwrap().stream_name, "a", "the other was not harmed");
}

#[test]
fn a_folder_in_its_place_is_set_aside() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join(FILE)).unwrap();
    assert!(works(&folder));
    assert!(folder.path().join("index.sqlite.old1").is_dir());
}

#[test]
fn a_symlink_in_its_place_is_not_followed() {
    let (folder, outside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let target = outside.path().join("theirs");
    fs::write(&target, "secret").unwrap();
    symlink(&target, folder.path().join(FILE)).unwrap();
    assert!(works(&folder));
    assert_eq!(fs::read(&target).unwrap(), b"secret");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
}

#[test]
fn where_no_file_can_be_made_it_is_in_memory() {
    // Folders of every name it could be given: nobody, root neither, can put a file there or rename them away.
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join(FILE)).unwrap();
    for number in 1..=99 {
        fs::create_dir(folder.path().join(format!("{FILE}.old{number}"))).unwrap();
    }
    let index = Index::open(folder.path()).unwrap();
    index.put(&[(&recording("a", 0), true)]).unwrap();
    assert_eq!(count(&index), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]

    /// However they are counted.
    #[test]
    fn totals_are_those_of_a_look_at_each(
        recordings in prop::collection::btree_map(("[ab]", 0..100i64), (0..50i64, 0..1000u64), 0..40),
        removed in 0..5usize,
        from in prop::option::of(-10..160i64),
        to in prop::option::of(-10..160i64),
        of_stream: bool,
    ) {
        let index = Index::open(TempDir::new().unwrap().path()).unwrap();
        let mut rows: Vec<_> = recordings.iter().map(|((stream, at), (minutes, size_bytes))| {
            Metadata { end_time: minute(at + minutes), size_bytes: *size_bytes, ..recording(stream, *at) }
        }).collect();
        index.put(&rows.iter().map(|row| (row, true)).collect::<Vec<_>>()).unwrap();
        for gone in rows.drain(..removed.min(recordings.len())) {
            index.remove(&gone.stream_name, &gone.file).unwrap();
        }
        let stream = of_stream.then(|| "a".parse().unwrap());
        let filter = Filter { stream, from: from.map(minute), to: to.map(minute), ..Filter::default() };
        let matching: Vec<_> = rows.iter().filter(|row| {
            (!of_stream || row.stream_name == "a")
                && from.is_none_or(|from| row.end_time > minute(from))
                && to.is_none_or(|to| row.start_time < minute(to))
        }).collect();
        let bytes = matching.iter().map(|row| row.size_bytes).sum();
        prop_assert_eq!(index.totals(&filter).unwrap(), Totals { count: matching.len() as u64, bytes });
        prop_assert_eq!(index.page(&filter, None, 1000).unwrap().len(), matching.len());
    }
}

/// A release build has a hundred thousand, and prints how quick it is: docs/benchmarks.md.
#[test]
fn among_many_of_fifty_streams() {
    const STREAMS: i64 = 50;
    const EACH: i64 = if cfg!(debug_assertions) { 200 } else { 2000 };
    let folder = TempDir::new().unwrap();
    let index = Index::open(folder.path()).unwrap();
    let name = |stream: i64| format!("camera{stream}");
    let begun = Instant::now();
    for stream in 0..STREAMS {
        let rows: Vec<_> = (0..EACH).map(|at| recording(&name(stream), at * 10)).collect();
        index.put(&rows.iter().map(|row| (row, true)).collect::<Vec<_>>()).unwrap();
    }
    println!("{:<44} {:>9.1} ms", "putting all of them", begun.elapsed().as_secs_f64() * 1e3);
    assert_eq!(count(&index), (STREAMS * EACH) as u64);

    let measure = |what: &str, ask: &dyn Fn()| {
        let mut took: Vec<f64> = Vec::new();
        for _ in 0..21 {
            let begun = Instant::now();
            ask();
            took.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        took.sort_by(f64::total_cmp);
        println!("{what:<44} {:>9.3} ms, at most {:.3} ms", took[10], took[20]);
    };
    let middle = EACH * 10 / 2;
    let spans = [
        ("all", None, None),
        ("a day", Some(middle), Some(middle + 1440)),
        ("the older half", None, Some(middle)),
        ("the newer half", Some(middle), None),
        ("nearly all", Some(1), None),
    ];
    for order in [Order::Newest, Order::Oldest] {
        for stream in [None, Some("camera7".parse().unwrap())] {
            for (span, from, to) in spans {
                let filter = Filter {
                    stream: stream.clone(),
                    from: from.map(minute),
                    to: to.map(minute),
                    order,
                    ..Filter::default()
                };
                let whose = if stream.is_some() { "one stream" } else { "all streams" };
                let page = || index.page(&filter, None, 101).unwrap();
                measure(&format!("{order:?}, {whose}, {span}: page"), &|| _ = page());
                measure(&format!("{order:?}, {whose}, {span}: totals"), &|| {
                    _ = index.totals(&filter).unwrap()
                });
                let cursor = Key::of(page().last().unwrap());
                measure(&format!("{order:?}, {whose}, {span}: next page"), &|| {
                    _ = index.page(&filter, Some(&cursor), 101).unwrap();
                });
            }
        }
    }
    let cursor = Key::of(&recording("camera20", middle));
    for order in [Order::Newest, Order::Oldest] {
        let filter = Filter { order, ..Filter::default() };
        measure(&format!("{order:?}: a page in the middle"), &|| {
            _ = index.page(&filter, Some(&cursor), 101).unwrap()
        });
        measure(&format!("{order:?}: a page of 1000"), &|| {
            _ = index.page(&filter, Some(&cursor), 1001).unwrap()
        });
    }
    let camera = "camera9".parse().unwrap();
    measure("streams", &|| _ = index.streams().unwrap());
    measure("at", &|| assert_eq!(index.around(&camera, minute(middle + 5)).unwrap().len(), 2));
    measure("get", &|| assert!(index.get(&id("camera9", 30)).unwrap().is_some()));
    measure("put", &|| index.put(&[(&recording("camera9", 30), true)]).unwrap());
    measure("all by age, for retention", &|| {
        assert_eq!(index.by_age().unwrap().len(), (STREAMS * EACH) as usize)
    });
}
