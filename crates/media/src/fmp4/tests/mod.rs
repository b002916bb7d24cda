//! Recordings are written, read back, cut at every byte and damaged.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod damage;
mod limits;

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::prelude::*;

use super::{Codec, FragmentEntry, Placed, Reader, Sample, Track};

/// The name of files that have none.
fn path() -> &'static Path {
    Path::new("test.mp4")
}

fn track() -> Track {
    Track { codec: Codec::Mp4v, width: 640, height: 480 }
}

/// A fragment to be written: its time by the clock, its samples and their bytes.
#[derive(Clone, Debug)]
struct Part {
    wall: SystemTime,
    samples: Vec<Sample>,
    media: Vec<Vec<u8>>,
}

/// A recording in memory, and what it was made of.
#[derive(Debug)]
struct Written {
    bytes: Vec<u8>,
    init_len: usize,
    parts: Vec<Part>,
    entries: Vec<FragmentEntry>,
    /// Where each fragment begins, and the last one ends.
    bounds: Vec<usize>,
}

impl Written {
    fn new(track: &Track, parts: &[Part]) -> Self {
        let bytes = super::init(track);
        let init_len = bytes.len();
        let mut written =
            Self { bytes, init_len, parts: parts.to_vec(), entries: Vec::new(), bounds: vec![init_len] };
        for (at, part) in parts.iter().enumerate() {
            let head = super::fragment_head(at as u32 + 1, part.wall, &part.samples).unwrap();
            let offset = (written.bytes.len() + 32) as u64;
            written.entries.push(FragmentEntry { time: part.samples[0].time, offset });
            written.bytes.extend(head);
            written.bytes.extend(part.media.concat());
            written.bounds.push(written.bytes.len());
        }
        written
    }

    fn finish(&mut self) {
        let end = self.parts.last().map_or(0, |part| end_of(&part.samples));
        let (at, patch) = super::duration_patch(&self.bytes[..self.init_len], end).unwrap();
        self.bytes[at as usize..at as usize + patch.len()].copy_from_slice(&patch);
        self.bytes.extend(super::index(&self.entries));
    }

    /// How many fragments end within the first `bytes`.
    fn whole_within(&self, bytes: usize) -> usize {
        self.bounds[1..].iter().filter(|end| **end <= bytes).count()
    }

    /// Compares fragment `at` with what was written.
    fn check_fragment(&self, reader: &Reader, at: usize) {
        let part = &self.parts[at];
        let fragment = reader.fragments()[at];
        assert_eq!((fragment.offset, fragment.end), (self.bounds[at] as u64, self.bounds[at + 1] as u64));
        assert_eq!((fragment.moof, fragment.time), (self.entries[at].offset, self.entries[at].time));
        assert_eq!(reader.wall(at).unwrap(), Some(part.wall));
        let placed = reader.samples(at).unwrap();
        let samples: Vec<Sample> = placed.iter().map(|placed| placed.sample.clone()).collect();
        assert_eq!(samples, part.samples);
        for (placed, bytes) in placed.iter().zip(&part.media) {
            assert_eq!(&reader.read(placed).unwrap(), bytes);
        }
    }
}

fn end_of(samples: &[Sample]) -> u64 {
    samples.last().map_or(0, |sample| sample.time + u64::from(sample.duration))
}

fn saved(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn overwrite(mut file: &File, at: u64, bytes: &[u8]) {
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

/// A reader of a file that is still written.
fn open(file: &File) -> crate::Result<Reader> {
    Reader::open(file.try_clone().unwrap(), path())
}

/// Three fragments of tiny frames, with a second without frames before the last.
fn small() -> Vec<Part> {
    let wall = UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789);
    let part = |first: u64, count: u64, gap: u64| {
        let sample = |at: u64| Sample {
            time: (first + at) * 3000 + gap,
            duration: 3000,
            bytes: 8 + (first + at) as u32,
            key: at == 0,
            seq: 1000 + first + at,
            captured: at.is_multiple_of(2).then_some(1.7e9 + at as f64 / 3.0),
            metadata: (at == 1).then(|| "{\"name\":\"Tür\"}".into()),
        };
        let samples: Vec<Sample> = (0..count).map(sample).collect();
        let media = samples.iter().map(|sample| picture(sample.bytes)).collect();
        Part { wall: wall + Duration::from_millis(first * 33), samples, media }
    };
    vec![part(0, 3, 0), part(3, 1, 0), part(4, 4, 90_000)]
}

/// What a check takes for a JPEG.
fn picture(bytes: u32) -> Vec<u8> {
    let mut picture = vec![0x55; bytes as usize];
    picture[..2].copy_from_slice(&[0xFF, 0xD8]);
    let end = picture.len() - 2;
    picture[end..].copy_from_slice(&[0xFF, 0xD9]);
    picture
}

#[test]
fn what_is_written_is_read_finished_or_not() {
    let mut written = Written::new(&track(), &small());
    for finished in [false, true] {
        if finished {
            written.finish();
        }
        let reader = open(&saved(&written.bytes)).unwrap();
        assert_eq!(reader.finished(), finished);
        assert_eq!(reader.track(), &track());
        assert_eq!(reader.whole_bytes(), written.bounds[3] as u64);
        assert_eq!(reader.end_time(), end_of(&written.parts[2].samples));
        assert_eq!(reader.fragments().len(), 3);
        for at in 0..3 {
            written.check_fragment(&reader, at);
        }
    }
}

#[test]
fn fragments_are_found_by_time() {
    let reader = open(&saved(&Written::new(&track(), &small()).bytes)).unwrap();
    let found = [0, 8999, 9000, 11_999, 12_000, 101_999, 102_000, u64::MAX];
    let found = found.map(|ticks| reader.fragment_at(ticks));
    let expected = [0, 0, 1, 1, 1, 1, 2, 2].map(Some);
    assert_eq!(found, expected);
    let empty = open(&saved(&super::init(&track()))).unwrap();
    assert_eq!(empty.fragment_at(5), None);
    assert_eq!((empty.whole_bytes(), empty.end_time()), (empty.init_len, 0));
    assert_eq!(empty.samples(0).unwrap_err().code(), "NO_SUCH_FRAGMENT");
}

#[test]
fn a_growing_file_is_followed_to_its_end() {
    let mut written = Written::new(&track(), &small());
    let unfinished = written.bytes.clone();
    let file = saved(&unfinished[..written.init_len]);
    let mut reader = open(&file).unwrap();
    for (at, &byte) in unfinished.iter().enumerate().skip(written.init_len) {
        overwrite(&file, at as u64, &[byte]);
        let before = reader.fragments().len();
        let more = reader.refresh().unwrap();
        assert_eq!(reader.fragments().len(), written.whole_within(at + 1));
        assert_eq!(more, reader.fragments().len() > before);
    }
    assert!(!reader.finished());
    written.finish();
    overwrite(&file, 0, &written.bytes);
    assert!(!reader.refresh().unwrap(), "no fragment came");
    assert!(reader.finished());
    written.check_fragment(&reader, 2);
    assert_eq!(reader.end_time(), end_of(&written.parts[2].samples));
}

#[test]
fn a_file_that_shrinks_is_an_error() {
    let written = Written::new(&track(), &small());
    let file = saved(&written.bytes);
    let mut reader = open(&file).unwrap();
    let placed = reader.samples(2).unwrap();
    file.set_len(written.bounds[2] as u64).unwrap();
    assert_eq!(reader.refresh().unwrap_err().code(), "BROKEN_CONTAINER");
    assert_eq!(reader.read(&placed[0]).unwrap_err().code(), "FILE_UNREADABLE");
    assert!(reader.samples(2).is_err());
    written.check_fragment(&reader, 1);
}

#[test]
fn a_place_outside_the_recording_is_not_read() {
    let written = Written::new(&track(), &small());
    let reader = open(&saved(&written.bytes)).unwrap();
    let placed = reader.samples(0).unwrap().remove(0);
    for (offset, bytes) in [(u64::MAX, 8), (written.bytes.len() as u64 - 4, 8), (0, u32::MAX)] {
        let sample = Sample { bytes, ..placed.sample.clone() };
        let error = reader.read(&Placed { sample, offset }).unwrap_err();
        assert_eq!(error.code(), "BROKEN_CONTAINER");
    }
}

#[test]
fn the_duration_is_written_into_its_room_and_may_be_written_again() {
    let mut init = super::init(&track());
    for ticks in [1, u64::MAX] {
        let (at, patch) = super::duration_patch(&init, ticks).unwrap();
        let at = at as usize;
        assert_eq!(&init[at - 4..at], b"mvex");
        init[at..at + patch.len()].copy_from_slice(&patch);
        assert_eq!(&init[at + 4..at + 8], b"mehd");
        assert_eq!(init[at + 12..at + 20], ticks.to_be_bytes());
    }
    for cut in 0..init.len() {
        assert_eq!(super::duration_patch(&init[..cut], 1).unwrap_err().code(), "BROKEN_CONTAINER");
    }
}

#[test]
fn each_codec_is_found_again() {
    let sps = b"\x67\x42\xC0\x1E\xDA\x05".to_vec();
    let h264 = Codec::H264 { sps, pps: b"\x68\xCE\x3C\x80".to_vec() };
    for codec in [Codec::Mp4v, Codec::Mjpeg, h264] {
        for (width, height) in [(1, 1), (641, 481), (65_535, 65_535)] {
            let track = Track { codec: codec.clone(), width, height };
            let reader = open(&saved(&super::init(&track))).unwrap();
            assert_eq!(reader.track(), &track);
        }
    }
}

fn any_sample() -> impl Strategy<Value = (u32, Sample)> {
    let captured = prop_oneof![Just(None), any::<f64>().prop_map(|at| at.is_finite().then_some(at))];
    let metadata = prop_oneof![3 => Just(None), 1 => ".{0,40}".prop_map(|text| Some(text.into()))];
    let step = prop_oneof![1_u32..9000, Just(u32::MAX)];
    (step, 1_u32..60, any::<bool>(), any::<u64>(), captured, metadata).prop_map(
        |(step, bytes, key, seq, captured, metadata)| {
            (step, Sample { time: 0, duration: step, bytes, key, seq, captured, metadata })
        },
    )
}

/// Fragments whose samples' times rise, with holes between fragments.
fn any_parts() -> impl Strategy<Value = Vec<Part>> {
    let part =
        (proptest::collection::vec(any_sample(), 1..8), 0_u64..1 << 40, 0_u64..1_000_000_000 * 4_000_000_000);
    proptest::collection::vec(part, 0..5).prop_map(|parts| {
        let mut time = 0;
        let place = |(mut samples, gap, nanos): (Vec<(u32, Sample)>, u64, u64)| {
            time += gap;
            for (step, sample) in &mut samples {
                sample.time = time;
                time += u64::from(*step);
            }
            let samples: Vec<Sample> = samples.into_iter().map(|(_, sample)| sample).collect();
            let media =
                samples.iter().map(|sample| vec![sample.bytes as u8; sample.bytes as usize]).collect();
            Part { wall: UNIX_EPOCH + Duration::from_nanos(nanos), samples, media }
        };
        parts.into_iter().map(place).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_recording_is_read_as_it_was_written(parts in any_parts(), finished in any::<bool>()) {
        let mut written = Written::new(&track(), &parts);
        if finished {
            written.finish();
        }
        let reader = open(&saved(&written.bytes)).unwrap();
        prop_assert_eq!(reader.fragments().len(), parts.len());
        prop_assert_eq!(reader.finished(), finished);
        for at in 0..parts.len() {
            written.check_fragment(&reader, at);
        }
    }
}
