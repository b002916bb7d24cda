//! The store with real files: what is listed, what is kept apart, and what somebody else may do to the folder meanwhile.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{fs, io::Write, os::unix::fs::symlink};

use jiff::SignedDuration;
use tempfile::TempDir;

use super::*;
use crate::{Codec, Status};

struct House {
    folder: TempDir,
    store: Store,
}

fn house() -> House {
    let folder = TempDir::new().unwrap();
    let store = Store::new(&folder.path().join("recordings"));
    House { folder, store }
}

fn stream(name: &str) -> StreamName {
    name.parse().unwrap()
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn minute(minute: i64) -> Timestamp {
    time("2026-01-21T10:00:00Z") + SignedDuration::from_mins(minute)
}

impl House {
    fn path(&self, below: &str) -> PathBuf {
        self.store.directory().join(below)
    }

    fn begin(&self, name: &str, kind: Kind, start: Timestamp) -> Writing {
        self.store
            .create(&stream(name), kind, start.into(), |id, path| about(id, path, start, start))
            .unwrap()
    }

    /// A recording of so many bytes that is finished.
    fn put(&self, name: &str, start: Timestamp, end: Timestamp, bytes: usize) -> RecordingId {
        let mut writing = self.begin(name, Kind::Segment, start);
        writing.file.write_all(&vec![b'x'; bytes]).unwrap();
        let (id, metadata) = (writing.id.clone(), about(&writing.id, &writing.path, start, end));
        writing.finish(metadata).unwrap();
        id
    }

    fn listed(&self, filter: &Filter) -> Vec<String> {
        let page = self.store.list(filter).unwrap();
        page.recordings.into_iter().map(|recording| recording.file).collect()
    }

    fn all(&self) -> Vec<String> {
        self.listed(&Filter { limit: 1000, order: Order::Oldest, ..Filter::default() })
    }
}

fn about(id: &RecordingId, path: &Path, start: Timestamp, end: Timestamp) -> Metadata {
    Metadata {
        stream_name: id.stream.to_string(),
        start_time: start,
        end_time: end,
        duration_seconds: (end - start).total(jiff::Unit::Second).unwrap(),
        total_frames: 30,
        average_fps: 30.0,
        target_fps: 30.0,
        codec: Codec::H264,
        recording_path: path.to_str().unwrap().to_owned(),
        file: id.file.as_str().to_owned(),
        status: Status::Finished,
        kind: id.kind(),
        size_bytes: 0,
        width: 640,
        height: 480,
        frames_lost: 0,
        gaps: Vec::new(),
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> &'static str {
    result.unwrap_err().code()
}

#[test]
fn before_the_first_recording_there_is_nothing_and_nothing_is_made() {
    let house = house();
    assert_eq!(house.all(), [""; 0]);
    assert!(house.store.streams().unwrap().is_empty());
    assert_eq!(house.store.at(&stream("a"), minute(0)).unwrap(), None);
    let id = RecordingId::parse(&stream("a"), "a_20260121_103000.mp4").unwrap();
    assert_eq!(code(house.store.get(&id)), "RECORDING_NOT_FOUND");
    assert_eq!(code(house.store.open(&id)), "RECORDING_NOT_FOUND");
    assert_eq!(code(house.store.delete(&id)), "RECORDING_NOT_FOUND");
    assert!(house.store.disk().unwrap().total_bytes > 0, "of the disk it will be on");
    assert!(!house.store.directory().exists());
}

#[test]
fn a_recording_is_listed_from_its_first_moment() {
    let house = house();
    let mut writing = house.begin("a", Kind::Segment, minute(30));
    assert_eq!(writing.path, house.path("a/a_20260121_103000.mp4"));
    let id = writing.id.clone();
    let mut metadata = about(&id, &writing.path, minute(30), minute(31));
    metadata.size_bytes = 100;
    writing.update(metadata.clone());

    let page = house.store.list(&Filter::default()).unwrap();
    assert_eq!((page.total, page.total_bytes, &page.recordings), (1, 100, &vec![metadata.clone()]));
    assert_eq!(house.store.get(&id).unwrap(), metadata);
    assert_eq!(house.store.streams().unwrap()[0].last_time, minute(31));
    assert!(house.store.open(&id).unwrap().growing);
    assert_eq!(code(house.store.delete(&id)), "RECORDING_ACTIVE");

    writing.file.write_all(b"0123456789").unwrap();
    writing.finish(metadata.clone()).unwrap();
    let open = house.store.open(&id).unwrap();
    assert_eq!((open.growing, open.metadata.size_bytes), (false, 10));
    let beside = fs::read(house.path("a/a_20260121_103000.json")).unwrap();
    assert_eq!(Metadata::from_json(&beside).unwrap(), open.metadata);
    assert_eq!(house.store.delete(&id).unwrap(), 10);
    assert!(!house.path("a").exists(), "the folder was empty");
    assert_eq!(house.all(), [""; 0]);
}

#[test]
fn names_that_are_taken_are_numbered() {
    let house = house();
    fs::create_dir_all(house.path("a")).unwrap();
    fs::write(house.path("a/a_20260121_100000_2.mp4"), "somebody's").unwrap();
    let kinds = [Kind::Segment, Kind::Segment, Kind::Clip, Kind::Clip];
    let writing = kinds.map(|kind| house.begin("a", kind, minute(0)));
    let names: Vec<&str> = writing.iter().map(|writing| writing.id.file.as_str()).collect();
    assert_eq!(
        names,
        [
            "a_20260121_100000.mp4",
            "a_20260121_100000_3.mp4",
            "a_20260121_100000_clip.mp4",
            "a_20260121_100000_clip_2.mp4"
        ]
    );
}

#[test]
fn a_recording_taken_back_leaves_nothing() {
    let house = house();
    house.begin("a", Kind::Segment, minute(0)).discard();
    assert!(!house.path("a").exists());
    assert_eq!(house.all(), [""; 0]);
}

#[test]
fn a_writer_that_vanishes_leaves_what_it_wrote() {
    let house = house();
    let writing = house.begin("a", Kind::Segment, minute(0));
    let id = writing.id.clone();
    drop(writing);
    assert_eq!(house.all(), [id.file.as_str()]);
    assert!(!house.store.unindexed().is_growing(&id));
    house.store.delete(&id).unwrap();
}

#[test]
fn pages_follow_each_other_while_recordings_come_and_go() {
    let house = house();
    for start in 0..10 {
        house.put(if start % 2 == 0 { "even" } else { "odd" }, minute(start), minute(start + 1), 1);
    }
    let growing = house.begin("odd", Kind::Segment, minute(10));
    for order in [Order::Newest, Order::Oldest] {
        let mut seen = Vec::new();
        let mut filter = Filter { order, limit: 3, ..Filter::default() };
        loop {
            let page = house.store.list(&filter).unwrap();
            assert_eq!((page.total, page.total_bytes), (11, 10));
            seen.extend(page.recordings.into_iter().map(|recording| recording.start_time));
            filter.cursor = page.next;
            if filter.cursor.is_none() {
                break;
            }
        }
        if order == Order::Newest {
            seen.reverse();
        }
        assert_eq!(seen, (0..11).map(minute).collect::<Vec<_>>());
    }

    let newest = |cursor| Filter { limit: 4, cursor, ..Filter::default() };
    let first = house.store.list(&newest(None)).unwrap();
    let last = first.recordings.last().unwrap();
    let id = RecordingId::parse(&stream(&last.stream_name), &last.file).unwrap();
    house.store.delete(&id).unwrap();
    house.put("even", minute(11), minute(12), 1);
    let second = house.store.list(&newest(first.next)).unwrap();
    assert_eq!(second.recordings[0].start_time, minute(6));
    growing.discard();
}

#[test]
fn a_cursor_of_somebodys_own_making_is_refused() {
    let house = house();
    for cursor in ["", "x", "1", "1.a", "x.a.a_20260121_103000.mp4"] {
        let filter = Filter { cursor: Some(cursor.to_owned()), ..Filter::default() };
        assert_eq!(code(house.store.list(&filter)), "BAD_QUERY", "{cursor}");
    }
}

#[test]
fn filters_take_what_overlaps() {
    let house = house();
    for start in [0, 10, 20, 30] {
        house.put("a", minute(start), minute(start + 10), 7);
    }
    house.put("b", minute(5), minute(35), 7);
    let growing = house.begin("a", Kind::Segment, minute(40));
    let count = |name: Option<&str>, from: Option<i64>, to: Option<i64>| {
        let filter = Filter {
            stream: name.map(stream),
            from: from.map(minute),
            to: to.map(minute),
            limit: 100,
            ..Filter::default()
        };
        let page = house.store.list(&filter).unwrap();
        assert_eq!(page.total, page.recordings.len() as u64);
        page.total
    };
    assert_eq!(count(None, None, None), 6);
    assert_eq!(count(Some("a"), None, None), 5);
    assert_eq!(count(Some("nobody"), None, None), 0);
    assert_eq!(count(None, Some(12), Some(18)), 2, "one of each stream");
    assert_eq!(count(Some("a"), Some(10), Some(20)), 1, "touching is not overlapping");
    assert_eq!(count(Some("a"), Some(19), Some(21)), 2);
    assert_eq!(count(Some("a"), None, Some(10)), 1);
    assert_eq!(count(None, Some(34), None), 3);
    assert_eq!(count(None, Some(40), None), 0, "the growing one has nothing yet");
    let counted_among = |names: &[&str], from: Option<i64>| {
        let among = Some(names.iter().map(|name| stream(name)).collect());
        let filter = Filter { among, from: from.map(minute), limit: 100, ..Filter::default() };
        let page = house.store.list(&filter).unwrap();
        assert_eq!(page.total, page.recordings.len() as u64);
        (page.total, page.total_bytes)
    };
    assert_eq!(counted_among(&[], None), (0, 0));
    assert_eq!(counted_among(&["b", "nobody"], None), (1, 7));
    assert_eq!(counted_among(&["a", "b"], None).0, 6);
    assert_eq!(counted_among(&["b"], Some(12)), (1, 7));
    assert_eq!(counted_among(&["nobody"], Some(12)), (0, 0));
    drop(growing);
}

#[test]
fn a_moment_is_found() {
    let house = house();
    house.put("a", minute(0), minute(10), 1);
    house.put("a", minute(20), minute(30), 1);
    house.put("b", minute(12), minute(13), 1);
    house.begin("a", Kind::Clip, minute(12)).finish(clip_until(14)).unwrap();
    let mut growing = house.begin("a", Kind::Segment, minute(30));
    let metadata = about(&growing.id, &growing.path, minute(30), minute(33));
    growing.update(metadata);
    let at = |at: i64| {
        let found = house.store.at(&stream("a"), minute(at)).unwrap();
        found.map(|found| ((found.start_time - minute(0)).total(jiff::Unit::Minute).unwrap()) as i64)
    };
    let found = [-5, 0, 9, 10, 13, 20, 29, 30, 32, 33].map(at);
    let expected =
        [Some(0), Some(0), Some(0), Some(20), Some(20), Some(20), Some(20), Some(30), Some(30), None];
    assert_eq!(found, expected);
}

fn clip_until(end: i64) -> Metadata {
    let id = RecordingId::parse(&stream("a"), "a_20260121_101200_clip.mp4").unwrap();
    about(&id, Path::new("p"), minute(12), minute(end))
}

#[test]
fn symlinks_lead_nowhere() {
    let house = house();
    let outside = house.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("a_20260121_103000.mp4"), "secret").unwrap();
    fs::write(outside.join("secret.json"), "secret").unwrap();
    fs::create_dir_all(house.path("b")).unwrap();
    symlink(&outside, house.path("a")).unwrap();
    symlink(outside.join("a_20260121_103000.mp4"), house.path("b/b_20260121_103000.mp4")).unwrap();

    for (name, file) in [("a", "a_20260121_103000.mp4"), ("b", "b_20260121_103000.mp4")] {
        let id = RecordingId::parse(&stream(name), file).unwrap();
        assert_eq!(code(house.store.get(&id)), "RECORDING_NOT_FOUND");
        assert_eq!(code(house.store.open(&id)), "RECORDING_NOT_FOUND");
        assert_eq!(code(house.store.delete(&id)), "RECORDING_NOT_FOUND");
    }
    let begun = |name| {
        house.store.create(&stream(name), Kind::Segment, minute(30).into(), |id, path| {
            about(id, path, minute(30), minute(30))
        })
    };
    assert_eq!(code(begun("a")), "RECORDINGS_UNAVAILABLE");
    assert_eq!(begun("b").unwrap().id.file.as_str(), "b_20260121_103000_2.mp4", "beside the symlink");

    symlink(outside.join("secret.json"), house.path("b/b_20260121_103100.json")).unwrap();
    symlink(outside.join("secret.json"), house.path("b/.b_20260121_103100.json.tmp")).unwrap();
    let id = house.put("b", minute(31), minute(32), 1);
    assert!(fs::symlink_metadata(house.path("b/b_20260121_103100.json")).unwrap().is_file());
    house.store.delete(&id).unwrap();
    assert_eq!(fs::read(outside.join("secret.json")).unwrap(), b"secret");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 2);
}

#[test]
fn the_folder_itself_may_be_a_symlink() {
    let house = house();
    let elsewhere = house.folder.path().join("big-disk");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, house.store.directory()).unwrap();
    let id = house.put("a", minute(0), minute(1), 3);
    assert!(elsewhere.join("a").join(id.file.as_str()).exists());
    assert!(elsewhere.join("index.sqlite").exists());
    assert_eq!(house.all().len(), 1);
}

#[test]
fn things_that_are_no_files_are_no_recordings() {
    let house = house();
    fs::create_dir_all(house.path("a/a_20260121_103000.mp4")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        house.path("a/a_20260121_103100.mp4"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    for file in ["a_20260121_103000.mp4", "a_20260121_103100.mp4"] {
        let id = RecordingId::parse(&stream("a"), file).unwrap();
        assert_eq!(code(house.store.open(&id)), "RECORDING_NOT_FOUND");
        assert_eq!(code(house.store.delete(&id)), "RECORDING_NOT_FOUND");
    }
}

#[test]
fn a_file_where_a_folder_should_be_fails_one_recording_only() {
    let house = house();
    fs::create_dir_all(house.store.directory()).unwrap();
    fs::write(house.path("a"), "").unwrap();
    let start = minute(0);
    let begun = house
        .store
        .create(&stream("a"), Kind::Segment, start.into(), |id, path| about(id, path, start, start));
    assert_eq!(code(begun), "RECORDINGS_UNAVAILABLE");
    house.put("b", start, minute(1), 1);
    assert_eq!(house.all().len(), 1);
}

#[test]
fn somebody_deletes_files_and_folders_meanwhile() {
    let house = house();
    let ids: Vec<_> = (0..4).map(|at| house.put("a", minute(at), minute(at + 1), 1)).collect();
    house.put("b", minute(0), minute(1), 1);
    fs::remove_file(house.path("a").join(ids[0].file.as_str())).unwrap();
    assert_eq!(code(house.store.open(&ids[0])), "RECORDING_NOT_FOUND");
    fs::remove_file(house.path("a").join(ids[1].file.as_str())).unwrap();
    let page = house.store.list(&Filter { limit: 10, ..Filter::default() }).unwrap();
    assert_eq!((page.total, page.recordings.len()), (3, 3));
    assert_eq!(house.store.at(&stream("a"), minute(0)).unwrap().unwrap().start_time, minute(2));

    fs::remove_dir_all(house.path("a")).unwrap();
    let names: Vec<_> = house.store.streams().unwrap().into_iter().map(|stream| stream.name).collect();
    assert_eq!(names, ["b"]);
    assert_eq!(house.store.at(&stream("a"), minute(0)).unwrap(), None);

    let mut writing = house.begin("c", Kind::Segment, minute(5));
    fs::remove_dir_all(house.store.directory()).unwrap();
    assert_eq!(house.all(), [""; 0]);
    let metadata = about(&writing.id, &writing.path, minute(5), minute(6));
    writing.update(metadata.clone());
    assert_eq!(code(writing.finish(metadata)), "RECORDINGS_UNAVAILABLE");
    assert!(house.store.unindexed().all().is_empty());

    house.put("d", minute(7), minute(8), 1);
    assert_eq!(house.all(), ["d_20260121_100700.mp4"], "the folder is made again, the index too");
}

#[test]
fn a_recording_that_somebody_brings_is_opened_by_its_name() {
    let house = house();
    fs::create_dir_all(house.path("a")).unwrap();
    fs::write(house.path("a/a_20260121_103000.mp4"), "12345").unwrap();
    let id = RecordingId::parse(&stream("a"), "a_20260121_103000.mp4").unwrap();
    let metadata = house.store.get(&id).unwrap();
    assert_eq!((metadata.start_time, metadata.size_bytes), (minute(30), 5));
    fs::write(house.path("a/a_20260121_103000.json"), vec![b' '; 2 << 20]).unwrap();
    assert_eq!(house.store.open(&id).unwrap().metadata, metadata, "far too long to be read");
    assert_eq!(house.store.delete(&id).unwrap(), 5);
}

#[test]
fn an_index_that_takes_nothing_is_told_later() {
    let house = house();
    house.put("a", minute(0), minute(1), 1);
    // Somebody looks into it, and does not let go for longer than we wait.
    let holder = rusqlite::Connection::open(house.path("index.sqlite")).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let kept = house.put("a", minute(2), minute(3), 1);
    let deleted = house.put("a", minute(4), minute(5), 1);
    assert_eq!(house.all().len(), 3, "listed all the same");
    assert_eq!(house.store.delete(&deleted).unwrap(), 1);
    fs::remove_file(house.path("a/a_20260121_100000.mp4")).unwrap();
    holder.execute_batch("ROLLBACK").unwrap();
    assert_eq!(house.all(), [kept.file.as_str()]);
    assert_eq!(house.store.with_index(|index| index.known("a")).unwrap().len(), 1);
}
