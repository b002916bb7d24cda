//! Files as crashes, power cuts, other programs and people leave them, and what becomes of them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout)]

use std::{
    fs,
    io::Write,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::SignedDuration;
use media::fmp4::{FragmentEntry, Sample};
use proptest::{prelude::*, test_runner::RngSeed};
use tempfile::TempDir;

use super::*;
use crate::{Filter, Kind, Writing};

const FPS: u64 = 10;

struct House {
    folder: TempDir,
    store: Store,
}

fn house() -> House {
    let folder = TempDir::new().unwrap();
    let store = Store::new(&folder.path().join("recordings"));
    House { folder, store }
}

impl House {
    fn path(&self, below: &str) -> PathBuf {
        self.store.directory().join(below)
    }

    /// Puts files into a stream's folder, as they were found.
    fn found(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    fn round(&self) -> Round {
        self.store.go_round().unwrap()
    }

    /// The next start of the program.
    fn again(self) -> Self {
        let store = Store::new(self.store.directory());
        Self { store, ..self }
    }

    fn all(&self) -> Vec<Metadata> {
        self.store.list(&Filter { limit: 1000, ..Filter::default() }).unwrap().recordings
    }

    fn names(&self) -> Vec<String> {
        self.all().into_iter().map(|found| found.file).collect()
    }
}

fn stream() -> StreamName {
    "a".parse().unwrap()
}

fn start() -> Timestamp {
    "2026-01-21T10:30:00.250Z".parse().unwrap()
}

/// What a writer puts into a file: header, fragments of a second, and if it came to its end, index and duration.
struct Film {
    bytes: Vec<u8>,
    /// Where each fragment ends.
    ends: Vec<usize>,
}

fn film(seconds: u64, finished: bool) -> Film {
    let mut bytes = fmp4::init(&Track { codec: fmp4::Codec::Mjpeg, width: 320, height: 240 });
    let init = bytes.clone();
    let (mut entries, mut ends) = (Vec::new(), vec![bytes.len()]);
    for second in 0..seconds {
        let picture = [&[0xff, 0xd8][..], &[second as u8; 40], &[0xff, 0xd9]].concat();
        let samples: Vec<Sample> =
            (0..FPS).map(|frame| sample(second * FPS + frame, picture.len())).collect();
        let wall = SystemTime::from(start()) + Duration::from_secs(second);
        let head = fmp4::fragment_head(second as u32 + 1, wall, &samples).unwrap();
        entries.push(FragmentEntry { time: samples[0].time, offset: bytes.len() as u64 + fmp4::PRFT_BYTES });
        bytes.extend(head);
        bytes.extend(picture.repeat(FPS as usize));
        ends.push(bytes.len());
    }
    if finished {
        bytes.extend(fmp4::index(&entries));
        let (offset, patch) = fmp4::duration_patch(&init, seconds * u64::from(TIMESCALE)).unwrap();
        bytes[offset as usize..][..patch.len()].copy_from_slice(&patch);
    }
    Film { bytes, ends }
}

fn sample(number: u64, bytes: usize) -> Sample {
    let duration = u64::from(TIMESCALE) / FPS;
    Sample {
        time: number * duration,
        duration: duration as u32,
        bytes: bytes as u32,
        key: true,
        seq: number + 1,
        captured: None,
        metadata: None,
    }
}

const MP4: &str = "a/a_20260121_103000.mp4";
const JSON: &str = "a/a_20260121_103000.json";

fn id() -> RecordingId {
    RecordingId::parse(&stream(), "a_20260121_103000.mp4").unwrap()
}

/// As the writer leaves it beside a recording that it has just begun.
fn just_begun() -> Vec<u8> {
    let metadata = Metadata {
        start_time: start(),
        end_time: start(),
        status: Status::Recording,
        target_fps: 30.0,
        frames_lost: 3,
        ..Metadata::of_name(&id())
    };
    metadata.placed(&id(), Path::new("recordings"), 0).to_json().unwrap()
}

#[test]
fn a_torn_recording_is_cut_to_its_last_whole_fragment_and_completed() {
    let house = house();
    let (torn, whole) = (film(5, false), film(4, true));
    house.found(MP4, &torn.bytes[..torn.ends[5] - 1]);
    house.found(JSON, &just_begun());
    assert_eq!(house.round(), Round { files: 1, recovered: 1, ..Round::default() });
    assert!(house.read(MP4) == whole.bytes, "just as if it had been finished");

    let recovered = house.store.get(&id()).unwrap();
    assert_eq!(
        (recovered.status, recovered.total_frames, recovered.duration_seconds),
        (Status::Healed, 40, 4.0)
    );
    assert_eq!((recovered.start_time, recovered.end_time), (start(), start() + SignedDuration::from_secs(4)));
    assert_eq!((recovered.average_fps, recovered.target_fps, recovered.frames_lost), (10.0, 30.0, 3));
    assert_eq!((recovered.width, recovered.height, recovered.codec), (320, 240, Codec::Mjpeg));
    assert_eq!(recovered.size_bytes, whole.bytes.len() as u64);
    assert_eq!(Metadata::from_json(&house.read(JSON)).unwrap(), recovered);

    assert_eq!(house.round(), Round { files: 1, ..Round::default() });
    let house = house.again();
    fs::remove_file(house.path("index.sqlite")).unwrap();
    assert_eq!(house.round(), Round { files: 1, ..Round::default() }, "its metadata is believed");
    assert_eq!(house.all(), [recovered]);
}

#[test]
fn a_recording_without_metadata_is_one_all_the_same() {
    let house = house();
    let finished = film(3, true);
    house.found(MP4, &finished.bytes);
    assert_eq!(house.round(), Round { files: 1, ..Round::default() });
    assert!(house.read(MP4) == finished.bytes);
    let found = house.store.get(&id()).unwrap();
    assert_eq!((found.status, found.total_frames, found.target_fps), (Status::Finished, 30, 10.0));
    assert_eq!((found.start_time, found.end_time), (start(), start() + SignedDuration::from_secs(3)));
    assert_eq!(Metadata::from_json(&house.read(JSON)).unwrap(), found);
}

#[test]
fn what_changed_while_we_were_away_is_looked_at_again() {
    let house = house();
    house.found(MP4, &film(3, true).bytes);
    house.round();
    house.found(MP4, &film(3, true).bytes[..film(3, true).ends[2] + 10]);
    let house = house.again();
    assert_eq!(house.round(), Round { files: 1, recovered: 1, ..Round::default() });
    assert_eq!(house.store.get(&id()).unwrap().total_frames, 20);
    assert!(house.read(MP4) == film(2, true).bytes);
}

#[test]
fn a_power_cut_that_left_zeros_is_cut_off() {
    let house = house();
    let mut bytes = film(4, false).bytes;
    bytes[film(4, false).ends[3] - 20..].fill(0);
    house.found(MP4, &bytes);
    house.found(JSON, b"");
    assert_eq!(house.round().recovered, 1);
    assert!(house.read(MP4) == film(2, true).bytes);
}

#[test]
fn a_recording_without_a_picture_goes() {
    let header = film(1, false).ends[0];
    for length in [0, 1, 7, 8, 20, header - 1, header, header + 50] {
        let house = house();
        house.found(MP4, &film(1, false).bytes[..length]);
        house.found(JSON, &just_begun());
        assert_eq!(house.round(), Round { files: 1, deleted: 1, ..Round::default() }, "{length}");
        assert_eq!(house.names(), [""; 0]);
        assert!(!house.path("a").exists(), "nothing else was in it");
    }
}

#[test]
fn what_others_made_is_listed_and_never_changed() {
    let house = house();
    let theirs = b"\0\0\0\x1cftypisom\0\0\x02\0isomiso2mp41\0\0\0\x08free\0\0\0\x10mdatpictures".repeat(200);
    house.found(MP4, &theirs);
    let json = br#"{"stream_name":"a","start_time":"2026-01-21T10:30:00Z","end_time":"2026-01-21T10:45:23Z",
        "duration_seconds":923,"total_frames":27690,"average_fps":30.0,"target_fps":30,"codec":"mp4v",
        "recording_path":"recordings/a/a_20260121_103000.mp4"}"#;
    house.found(JSON, json);
    house.found("a/a_20260121_110000.mp4", b"junk");
    house.found("a/a_20260121_120000.mp4", &vec![0; 100_000]);
    house.found("a/notes.txt", b"mine");
    house.found("a/holiday.mp4", b"mine");
    house.found("README", b"mine");
    for (files, problems) in [(3, 0), (3, 0)] {
        assert_eq!(house.round(), Round { files, problems, ..Round::default() });
        let found = house.all();
        assert_eq!(found.len(), 3);
        assert_eq!((found[2].total_frames, found[2].size_bytes), (27690, theirs.len() as u64));
        assert_eq!(found[1].start_time, "2026-01-21T11:00:00Z".parse().unwrap());
        assert_eq!(found[1].size_bytes, 4);
    }
    assert!(house.read(MP4) == theirs && house.read(JSON) == json);
    assert_eq!(house.read("a/a_20260121_110000.mp4"), b"junk");
    assert!(!house.path("a/a_20260121_110000.json").exists());
}

#[test]
fn another_programs_fragments_are_not_cut() {
    let house = house();
    let mut theirs = film(2, false).bytes;
    // The movie header's next track number, which we would have written as 2.
    let moov = theirs.windows(4).position(|name| name == b"mvhd").unwrap();
    theirs[moov + 4 + 99] = 7;
    theirs.extend(b"\0\0\0\x10mdattorn");
    house.found(MP4, &theirs);
    assert_eq!(house.round(), Round { files: 1, ..Round::default() });
    assert!(house.read(MP4) == theirs);
}

#[test]
fn what_is_being_written_is_left_alone() {
    let house = house();
    let about = |id: &RecordingId, _: &Path| Metadata::of_name(id).placed(id, Path::new("r"), 0);
    let begun = |store: &Store| -> Writing {
        let mut writing = store.create(&stream(), Kind::Segment, start().into(), about).unwrap();
        writing.file.write_all(b"not yet a header").unwrap();
        writing
    };
    let writing = begun(&house.store);
    assert_eq!(house.round(), Round { files: 1, ..Round::default() });
    let other = Store::new(house.store.directory());
    assert_eq!(other.go_round().unwrap(), Round { files: 1, ..Round::default() }, "another program's");
    assert_eq!(other.delete(&id()).unwrap_err().code(), "RECORDING_ACTIVE");
    assert_eq!(house.read(MP4), b"not yet a header");
    let beside = house.read(JSON);
    assert!(Metadata::from_json(&beside).is_some());
    writing.discard();
}

#[test]
fn writers_readers_and_healing_do_not_disturb_each_other() {
    const EACH: i64 = 20;
    let house = house();
    let whole = film(2, true).bytes;
    let write = |name: &StreamName| {
        for number in 0..EACH {
            let begins = start() + SignedDuration::from_mins(number);
            let about = |id: &RecordingId, _: &Path| Metadata {
                status: Status::Recording,
                end_time: begins + SignedDuration::from_secs(2),
                ..Metadata::of_name(id).placed(id, Path::new("r"), 0)
            };
            let mut writing = house.store.create(name, Kind::Segment, begins.into(), about).unwrap();
            writing.file.write_all(&whole).unwrap();
            let metadata = Metadata { status: Status::Finished, ..writing.metadata().clone() };
            // Every other one comes to nothing.
            if number % 2 == 0 { writing.finish(metadata).unwrap() } else { writing.discard() }
        }
    };
    let names = ["a", "b", "c"].map(|name| name.parse::<StreamName>().unwrap());
    std::thread::scope(|scope| {
        let writers = names.each_ref().map(|name| scope.spawn(move || write(name)));
        while !writers.iter().all(|writer| writer.is_finished()) {
            let Round { recovered, deleted, problems, .. } = house.round();
            assert_eq!((recovered, deleted, problems), (0, 0, 0));
            let page = house.store.list(&Filter { limit: 1000, ..Filter::default() }).unwrap();
            assert_eq!(page.total, page.recordings.len() as u64);
        }
    });
    let found = house.all();
    assert_eq!(found.len(), 3 * EACH as usize / 2);
    assert!(found.iter().all(|one| one.status == Status::Finished && one.size_bytes == whole.len() as u64));
}

#[test]
fn metadata_that_cannot_be_written_is_written_at_the_next_start() {
    let house = house();
    let about = |id: &RecordingId, _: &Path| Metadata { status: Status::Recording, ..Metadata::of_name(id) };
    let mut writing = house.store.create(&stream(), Kind::Segment, start().into(), about).unwrap();
    writing.file.write_all(&film(2, true).bytes).unwrap();
    let before = house.read(JSON);
    // As on a full disk, the temporary file cannot be made.
    let in_the_way = house.path("a/.a_20260121_103000.json.tmp");
    fs::create_dir(&in_the_way).unwrap();
    let metadata = Metadata { status: Status::Finished, ..writing.metadata().clone() };
    assert_eq!(writing.finish(metadata).unwrap_err().code(), "RECORDINGS_UNAVAILABLE");
    assert!(house.read(JSON) == before, "the old one stays");
    assert_eq!(house.all()[0].status, Status::Finished, "it is listed all the same");

    fs::remove_dir(&in_the_way).unwrap();
    let house = house.again();
    assert_eq!(house.round(), Round { files: 1, recovered: 1, ..Round::default() });
    assert_eq!(house.all()[0].total_frames, 20);
    assert_eq!(Metadata::from_json(&house.read(JSON)).unwrap(), house.all()[0]);
}

#[test]
fn leftovers_are_cleared_away() {
    let house = house();
    house.found("a/.a_20260121_103000.json.tmp", b"{");
    house.found(JSON, &just_begun());
    house.found("b/.hidden.json.tmp", b"somebody's");
    house.found("b/b_20260121_103000.json", b"{}");
    house.round();
    assert!(!house.path("a").exists(), "all of it was ours");
    assert_eq!(house.read("b/.hidden.json.tmp"), b"somebody's");
    assert_eq!(house.read("b/b_20260121_103000.json"), b"{}");
}

#[test]
fn symlinks_are_not_healed_through() {
    let house = house();
    let outside = house.folder.path().join("outside.mp4");
    let torn = &film(2, false).bytes[..film(2, false).ends[2] - 1];
    fs::write(&outside, torn).unwrap();
    fs::create_dir_all(house.path("a")).unwrap();
    symlink(&outside, house.path(MP4)).unwrap();
    symlink(house.folder.path(), house.path("b")).unwrap();
    assert_eq!(house.round(), Round { files: 1, ..Round::default() });
    assert_eq!(house.names(), [""; 0]);
    assert!(fs::read(&outside).unwrap() == torn);

    fs::remove_file(house.path(MP4)).unwrap();
    fs::write(&outside, just_begun()).unwrap();
    house.found(MP4, torn);
    symlink(&outside, house.path(JSON)).unwrap();
    assert_eq!(house.round().recovered, 1);
    assert_eq!(house.store.get(&id()).unwrap().frames_lost, 0, "what the symlink shows is not read");
    assert_eq!(fs::read(&outside).unwrap(), just_begun(), "nor written");
}

#[test]
fn one_problem_keeps_no_other_waiting() {
    let house = house();
    let torn = &film(2, false).bytes[..film(2, false).ends[2] - 1];
    house.found(MP4, torn);
    // Its metadata cannot be written: there is a folder of that name.
    fs::create_dir(house.path(JSON)).unwrap();
    house.found("a/a_20260121_110000.mp4", torn);
    fs::create_dir(house.path("a/a_20260121_120000.mp4")).unwrap();
    assert_eq!(house.round(), Round { files: 3, recovered: 2, problems: 1, ..Round::default() });
    assert_eq!(house.names().len(), 2);
    let house = house.again();
    fs::remove_dir(house.path(JSON)).unwrap();
    assert_eq!(house.round(), Round { files: 3, ..Round::default() });
    assert!(house.path(JSON).is_file(), "it was tried again");
}

#[test]
fn what_cannot_be_healed_is_listed_as_it_is() {
    use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
    let house = house();
    house.found(MP4, &film(2, false).bytes);
    house.found(JSON, &just_begun());
    let file = File::open(house.path(MP4)).unwrap();
    // Root's own way to forbid itself something; not every disk knows it, and not everybody is root.
    let Ok(flags) = ioctl_getflags(&file) else { return };
    if ioctl_setflags(&file, flags | IFlags::IMMUTABLE).is_err() {
        return;
    }
    let round = house.round();
    let found = house.all();
    ioctl_setflags(&file, flags).unwrap();
    assert_eq!(round, Round { files: 1, problems: 1, ..Round::default() });
    assert_eq!((found[0].status, found[0].frames_lost), (Status::Finished, 3));
    assert_eq!(house.round(), Round { files: 1, recovered: 1, ..Round::default() }, "it is tried again");
}

#[test]
fn without_a_folder_there_is_nothing_to_do() {
    let house = house();
    assert_eq!(house.round(), Round::default());
    fs::write(house.store.directory(), "a file").unwrap();
    assert_eq!(house.round(), Round::default());
    assert_eq!(house.names(), [""; 0]);
}

#[test]
fn rows_without_files_go() {
    let house = house();
    house.found(MP4, &film(1, true).bytes);
    house.found("a/a_20260121_110000.mp4", &film(1, true).bytes);
    house.found("b/b_20260121_110000.mp4", &film(1, true).bytes);
    house.round();
    fs::remove_file(house.path(MP4)).unwrap();
    fs::remove_dir_all(house.path("b")).unwrap();
    let house = house.again();
    house.round();
    let known = |name| house.store.with_index(move |index| index.known(name)).unwrap().len();
    assert_eq!((known("a"), known("b")), (1, 0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn wherever_it_was_torn_the_whole_fragments_stay(seconds in 1..5u64, cut in 0.0..1.0f64, noted: bool) {
        let torn = film(seconds, false);
        let length = (torn.bytes.len() as f64 * cut) as usize;
        let whole = torn.ends.iter().filter(|end| **end <= length).count().saturating_sub(1) as u64;
        let house = house();
        house.found(MP4, &torn.bytes[..length]);
        if noted {
            house.found(JSON, &just_begun());
        }
        let round = house.round();
        prop_assert_eq!(round.problems, 0);
        if whole == 0 {
            prop_assert!(!house.path(MP4).exists());
        } else {
            prop_assert!(house.read(MP4) == film(whole, true).bytes);
        }
        prop_assert_eq!(house.round(), Round { files: u64::from(whole > 0), ..Round::default() });
    }
}

/// A release build has a hundred thousand, and prints how quick it is: docs/benchmarks.md.
#[test]
fn many_unchanged_files() {
    const EACH: i64 = if cfg!(debug_assertions) { 20 } else { 2000 };
    const ALL: u64 = 50 * EACH as u64;
    let house = house();
    for camera in 0..50 {
        let name: StreamName = format!("camera{camera}").parse().unwrap();
        let folder = house.path(name.as_str());
        fs::create_dir_all(&folder).unwrap();
        let mut rows = Vec::new();
        for number in 0..EACH {
            let begins = start() + SignedDuration::from_mins(10 * number);
            let id = RecordingId::new(&name, begins, Kind::Segment, 1);
            fs::write(folder.join(id.file.as_str()), b"x").unwrap();
            let ends = begins + SignedDuration::from_mins(10);
            let metadata = Metadata { end_time: ends, ..Metadata::of_name(&id) };
            rows.push((metadata.placed(&id, house.store.directory(), 1), true));
        }
        let rows: Vec<_> = rows.iter().map(|(metadata, settled)| (metadata, *settled)).collect();
        house.store.with_index(|index| index.put(&rows)).unwrap();
    }
    let measure = |what: &str, ask: &dyn Fn()| {
        for _ in 0..3 {
            let begun = std::time::Instant::now();
            ask();
            println!("{what:<36} {:>9.3} ms", begun.elapsed().as_secs_f64() * 1e3);
        }
    };
    let unchanged = Round { files: ALL, ..Round::default() };
    measure("a round through them", &|| assert_eq!(house.round(), unchanged));
    for limit in [100, 1000] {
        let filter = Filter { limit, ..Filter::default() };
        let list = || assert_eq!(house.store.list(&filter).unwrap().total, ALL);
        measure(&format!("a page of {limit}"), &list);
    }
    measure("streams", &|| assert_eq!(house.store.streams().unwrap().len(), 50));
    let middle = start() + SignedDuration::from_mins(5 * EACH);
    let camera = "camera9".parse().unwrap();
    measure("at", &|| assert!(house.store.at(&camera, middle).unwrap().is_some()));
    let id = RecordingId::new(&camera, start(), Kind::Segment, 1);
    measure("get", &|| _ = house.store.get(&id).unwrap());
}

/// Each fragment says all that is needed to read it: only what is damaged is lost.
#[test]
fn fragments_behind_damage_are_kept() {
    let zeros_in_a_head = |film: &mut Film| film.bytes[film.ends[1] + 32..film.ends[1] + 120].fill(0);
    let first_is_garbage = |film: &mut Film| {
        let (from, to) = (film.ends[0], film.ends[1]);
        film.bytes[from..to].fill(0xA5);
    };
    let zeros_for_pictures = |film: &mut Film| {
        let (from, to) = (film.ends[2] - 200, film.ends[2]);
        film.bytes[from..to].fill(0);
    };
    type Damage<'a> = &'a dyn Fn(&mut Film);
    let damages: [(Damage<'_>, [u64; 3]); 3] =
        [(&zeros_in_a_head, [0, 2, 3]), (&first_is_garbage, [1, 2, 3]), (&zeros_for_pictures, [0, 2, 3])];
    for (at, (damage, left)) in damages.into_iter().enumerate() {
        let mut film = film(5, false);
        damage(&mut film);
        let house = house();
        // The last one is torn as well.
        film.bytes.truncate(film.ends[5] - 10);
        house.found(MP4, &film.bytes);
        house.found(JSON, &just_begun());
        house.round();
        let healed = &house.all()[0];
        assert_eq!((healed.status, healed.total_frames), (Status::Healed, 3 * FPS), "damage {at}");
        let path = house.path(MP4);
        let reader = fmp4::Reader::open(File::open(&path).unwrap(), &path).unwrap();
        assert!(reader.finished(), "its index is right");
        let seconds: Vec<u64> =
            (0..3).map(|at| reader.samples(at).unwrap()[0].sample.time / 90_000).collect();
        assert_eq!(seconds, left, "damage {at}");
        for fragment in 0..3 {
            for placed in reader.samples(fragment).unwrap() {
                assert!(reader.read(&placed).unwrap().starts_with(&[0xFF, 0xD8]));
            }
        }
        // From box to box nothing is left that a player would stumble over.
        let bytes = house.read(MP4);
        let (mut at, mut names) = (0, Vec::new());
        while at < bytes.len() {
            let size = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
            names.push(String::from_utf8_lossy(&bytes[at + 4..at + 8]).into_owned());
            at += size.max(8);
        }
        assert_eq!(names.iter().filter(|name| *name == "free").count(), 1, "{names:?}");
        assert!(names.iter().all(|name| ["ftyp", "moov", "prft", "moof", "mdat", "free", "mfra"].contains(&name.as_str())));
        let before = house.read(MP4);
        let house = house.again();
        fs::remove_file(house.path(JSON)).unwrap();
        house.round();
        assert_eq!(house.read(MP4), before, "a second look changes nothing");
        assert_eq!(house.all()[0].total_frames, 3 * FPS);
    }
}
