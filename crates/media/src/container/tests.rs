//! Files are written here byte by byte, opened, damaged and opened again.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::Write;
use std::sync::OnceLock;

use proptest::prelude::*;

use super::{Format, JpegFile};
use crate::{Error, Picture, jpeg};

/// A small JPEG that differs from number to number.
fn frame(number: u8) -> Vec<u8> {
    jpeg::encode(&Picture::filled(16, 16, [number * 20, 99, 200]), 80).unwrap()
}

fn frames() -> Vec<Vec<u8>> {
    (0..4).map(frame).collect()
}

fn open(bytes: &[u8], suffix: &str) -> crate::Result<JpegFile> {
    let mut file = tempfile::Builder::new().suffix(suffix).tempfile().unwrap();
    file.write_all(bytes).unwrap();
    // The open handle outlives the name.
    JpegFile::open(file.path())
}

fn contents(file: &JpegFile) -> Vec<Vec<u8>> {
    (0..file.len()).map(|at| file.frame(at).unwrap().0).collect()
}

fn times(file: &JpegFile) -> Vec<f64> {
    file.samples().iter().map(|sample| sample.time_secs).collect()
}

// ---- AVI

fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut bytes = name.to_vec();
    bytes.extend((content.len() as u32).to_le_bytes());
    bytes.extend(content);
    if content.len() % 2 == 1 {
        bytes.push(0);
    }
    bytes
}

fn list(outer: &[u8; 4], kind: &[u8; 4], parts: &[Vec<u8>]) -> Vec<u8> {
    let mut content = kind.to_vec();
    content.extend(parts.concat());
    chunk(outer, &content)
}

fn stream(kind: &[u8; 4], codec: &[u8; 4], scale: u32, rate: u32) -> Vec<u8> {
    let mut strh = [0; 56];
    strh[..4].copy_from_slice(kind);
    strh[4..8].copy_from_slice(codec);
    strh[20..24].copy_from_slice(&scale.to_le_bytes());
    strh[24..28].copy_from_slice(&rate.to_le_bytes());
    let mut strf = [0; 40];
    strf[16..20].copy_from_slice(codec);
    list(b"LIST", b"strl", &[chunk(b"strh", &strh), chunk(b"strf", &strf)])
}

fn avi_headers(codec: &[u8; 4], scale: u32, rate: u32) -> Vec<u8> {
    let mut avih = [0; 56];
    avih[..4].copy_from_slice(&50_000_u32.to_le_bytes());
    let sound = stream(b"auds", &[0; 4], 1, 8000);
    let video = stream(b"vids", codec, scale, rate);
    list(b"LIST", b"hdrl", &[chunk(b"avih", &avih), sound, video])
}

/// Sound in stream 0, video in stream 1; an index that is not needed behind.
fn avi(codec: &[u8; 4]) -> Vec<u8> {
    let mut movie = Vec::new();
    for frame in frames() {
        movie.push(chunk(b"00wb", b"sound"));
        movie.push(chunk(b"01dc", &frame));
    }
    let parts = [
        avi_headers(codec, 1, 10),
        chunk(b"JUNK", &[0; 13]),
        list(b"LIST", b"movi", &movie),
        chunk(b"idx1", &[0; 64]),
    ];
    list(b"RIFF", b"AVI ", &parts)
}

#[test]
fn an_avi_gives_its_frames_at_its_rate() {
    let file = open(&avi(b"MJPG"), ".avi").unwrap();
    assert_eq!(file.format(), Format::Avi);
    assert_eq!(file.fps(), 10.0);
    assert_eq!(contents(&file), frames());
    assert_eq!(times(&file), [0.0, 0.1, 0.2, 0.3]);
    assert_eq!(file.duration_secs(), 0.4);
    assert_eq!(file.torn(), 0);
    let error = file.frame(4).unwrap_err();
    assert_eq!(error.code(), "NO_SUCH_FRAME");
}

#[test]
fn an_avi_in_several_parts_with_record_lists_and_repeats() {
    let [a, b, c, d] = frames().try_into().unwrap();
    let record = list(b"LIST", b"rec ", &[chunk(b"00wb", b"x"), chunk(b"01db", &a)]);
    let first = list(
        b"RIFF",
        b"AVI ",
        &[
            avi_headers(b"mjpg", 1001, 30_000),
            list(b"LIST", b"movi", &[record, chunk(b"01dc", &b), chunk(b"01dc", &[])]),
        ],
    );
    let movie = [chunk(b"01dc", &c), chunk(b"ix01", &[0; 32]), chunk(b"01dc", &d)];
    let second = list(b"RIFF", b"AVIX", &[list(b"LIST", b"movi", &movie)]);
    let file = open(&[first, second].concat(), "").unwrap();
    assert_eq!(contents(&file), frames());
    assert!((file.fps() - 29.97).abs() < 0.001);
    let ticks: Vec<_> = times(&file).iter().map(|time| (time * file.fps()).round()).collect();
    assert_eq!(ticks, [0.0, 1.0, 3.0, 4.0], "the empty chunk repeats a frame");
}

#[test]
fn an_avi_without_a_usable_rate_takes_the_main_headers() {
    let movie = list(b"LIST", b"movi", &[chunk(b"01dc", &frame(1))]);
    let bytes = list(b"RIFF", b"AVI ", &[avi_headers(b"MJPG", 0, 0), movie]);
    assert_eq!(open(&bytes, ".avi").unwrap().fps(), 20.0);
}

/// A writer that was killed leaves zeros in the outer lengths.
#[test]
fn an_unfinished_avi_plays_to_its_cut() {
    let whole = avi(b"MJPG");
    let mut bytes = whole[..whole.len() - 80].to_vec();
    bytes[4..8].copy_from_slice(&[0; 4]);
    let movi = bytes.windows(4).position(|name| name == b"movi").unwrap();
    bytes[movi - 4..movi].copy_from_slice(&[0; 4]);
    let file = open(&bytes, ".avi").unwrap();
    assert_eq!(contents(&file), frames()[..3]);
    assert_eq!(file.torn(), 1);
}

#[test]
fn another_codec_in_an_avi_is_named() {
    for (codec, name) in [(b"H264", "H264"), (b"AVRn", "AVRn"), (&[0; 4], "uncompressed")] {
        match open(&avi(codec), ".avi").unwrap_err() {
            Error::NotJpegInside { container, codec } => {
                assert_eq!((container, codec.as_str()), ("AVI", name));
            }
            other => panic!("{other}"),
        }
    }
}

// ---- MP4

fn atom(name: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut bytes = (content.len() as u32 + 8).to_be_bytes().to_vec();
    bytes.extend(name);
    bytes.extend(content);
    bytes
}

fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

fn esds(object_type: u8) -> Vec<u8> {
    let descriptor = [3, 0x80, 0x80, 0x80, 21, 0, 1, 0, 4, 13, object_type, 0x11];
    atom(b"esds", &[&[0; 4], &descriptor, &[0; 15]])
}

/// A sample entry: `jpeg`, or `mp4v` with an object type.
fn entry(name: &[u8; 4], object_type: Option<u8>) -> Vec<u8> {
    let esds = object_type.map(esds).unwrap_or_default();
    atom(name, &[&[0; 78], &esds])
}

/// A movie header with a sound track before the video track, whose sample
/// tables are given.
fn moov(entry: &[u8], tables: &[Vec<u8>], extra: &[u8]) -> Vec<u8> {
    let handler = |kind: &[u8]| atom(b"hdlr", &[&[0; 8], kind, &[0; 13]]);
    let sound = atom(b"trak", &[&atom(b"mdia", &[&handler(b"soun")])]);
    let stsd = atom(b"stsd", &[&words(&[0, 1]), entry]);
    let stbl = atom(b"stbl", &[&stsd, &tables.concat()]);
    let mdhd = atom(b"mdhd", &[&words(&[0, 0, 0, 1000, 400]), &[0; 4]]);
    let minf = atom(b"minf", &[&stbl]);
    let mdia = atom(b"mdia", &[&mdhd, &handler(b"vide"), &minf]);
    let tkhd = atom(b"tkhd", &[&words(&[0, 0, 0, 2]), &[0; 68]]);
    let video = atom(b"trak", &[&tkhd, &mdia]);
    atom(b"moov", &[&sound, &video, extra])
}

const FTYP: &[u8] = b"\0\0\0\x10ftypisom\0\0\0\0";

/// `mdat` first; two chunks, of three samples and of one.
fn mp4(entry: &[u8], wide: bool) -> Vec<u8> {
    let frames = frames();
    let media = atom(b"mdat", &[&frames[..3].concat(), b"gap", &frames[3]]);
    let first = FTYP.len() as u32 + 8;
    let second = first + frames[..3].concat().len() as u32 + 3;
    let sizes: Vec<u32> = frames.iter().map(|frame| frame.len() as u32).collect();
    let offsets = if wide {
        atom(b"co64", &[&words(&[0, 2, 0, first, 0, second])])
    } else {
        atom(b"stco", &[&words(&[0, 2, first, second])])
    };
    let tables = [
        atom(b"stts", &[&words(&[0, 2, 2, 100, 2, 50])]),
        atom(b"stsc", &[&words(&[0, 2, 1, 3, 1, 2, 1, 1])]),
        atom(b"stsz", &[&words(&[0, 0, 4]), &words(&sizes)]),
        offsets,
    ];
    [FTYP, &media, &moov(entry, &tables, &[])].concat()
}

#[test]
fn an_mp4_gives_its_frames_at_their_times() {
    for (entry, wide) in [(entry(b"jpeg", None), false), (entry(b"mp4v", Some(0x6C)), true)] {
        let file = open(&mp4(&entry, wide), ".mp4").unwrap();
        assert_eq!(file.format(), Format::Mp4);
        assert_eq!(contents(&file), frames());
        assert_eq!(times(&file), [0.0, 0.1, 0.2, 0.25]);
        assert_eq!(file.duration_secs(), 0.3);
        assert!((file.fps() - 4.0 / 0.3).abs() < 1e-9);
    }
}

#[test]
fn another_codec_in_an_mp4_is_named() {
    let cases = [
        (entry(b"avc1", None), "avc1"),
        (entry(b"mp4v", Some(0x20)), "mp4v"),
        (entry(b"mp4v", None), "mp4v"),
        (entry(b"mjpa", None), "mjpa"),
        (entry(b"mjpb", None), "mjpb"),
        ([entry(b"jpeg", None), entry(b"hvc1", None)].concat(), "hvc1"),
        (Vec::new(), "no sample description"),
    ];
    for (entry, name) in cases {
        match open(&mp4(&entry, false), ".mp4").unwrap_err() {
            Error::NotJpegInside { container, codec } => {
                assert_eq!((container, codec.as_str()), ("MP4", name));
            }
            other => panic!("{other}"),
        }
    }
}

/// Index first, then a file cut inside the third frame.
#[test]
fn samples_outside_the_file_are_counted_and_left_out() {
    let frames = frames();
    let sizes: Vec<u32> = frames.iter().map(|frame| frame.len() as u32).collect();
    let head = |first: u32| {
        let tables = [
            atom(b"stts", &[&words(&[0, 1, 4, 100])]),
            atom(b"stsc", &[&words(&[0, 1, 1, 4, 1])]),
            atom(b"stsz", &[&words(&[0, 0, 4]), &words(&sizes)]),
            atom(b"stco", &[&words(&[0, 1, first])]),
        ];
        [FTYP, &moov(&entry(b"jpeg", None), &tables, &[])].concat()
    };
    let first = head(0).len() as u32 + 8;
    let whole = [head(first), atom(b"mdat", &[&frames.concat()])].concat();
    let cut = &whole[..first as usize + frames[..2].concat().len() + 5];
    let file = open(cut, ".mov").unwrap();
    assert_eq!(contents(&file), frames[..2]);
    assert_eq!(file.torn(), 2);
    assert_eq!(file.duration_secs(), 0.2);
}

#[test]
fn an_mp4_without_its_index_says_so() {
    let bytes = [FTYP, &atom(b"mdat", &[&frame(1)])].concat();
    let error = open(&bytes, ".mp4").unwrap_err();
    assert_eq!(error.code(), "BROKEN_CONTAINER");
    assert!(error.to_string().contains("not finished"), "{error}");
}

/// One fragment: sound of a default size before the frames, offsets counted as
/// `base` says.
fn fragment(frames: &[Vec<u8>], time: u32, begin: u64, base: Base) -> Vec<u8> {
    let sizes: Vec<u32> = frames.iter().map(|frame| frame.len() as u32).collect();
    let build = |offset: u32| {
        let sound = atom(
            b"traf",
            &[&atom(b"tfhd", &[&words(&[0x2_0010, 1, 7])]), &atom(b"trun", &[&words(&[1, 3, offset])])],
        );
        let (head, run) = match base {
            Base::Moof => (words(&[0x2_0000, 2]), words(&[0x201, sizes.len() as u32, offset + 21])),
            Base::Absolute => {
                let at = begin as u32 + offset + 21;
                (words(&[0x1, 2, 0, at]), words(&[0x200, sizes.len() as u32]))
            }
            Base::Following => (words(&[0, 2]), words(&[0x200, sizes.len() as u32])),
        };
        let video = atom(
            b"traf",
            &[
                &atom(b"tfhd", &[&head]),
                &atom(b"tfdt", &[&words(&[0, time])]),
                &atom(b"trun", &[&run, &words(&sizes)]),
            ],
        );
        atom(b"moof", &[&atom(b"mfhd", &[&words(&[0, 1])]), &sound, &video])
    };
    let offset = build(0).len() as u32 + 8;
    let media = atom(b"mdat", &[b"SOUNDSOUNDSOUNDSOUND!", &frames.concat()]);
    [build(offset), media].concat()
}

#[derive(Clone, Copy)]
enum Base {
    Moof,
    Absolute,
    Following,
}

fn fragmented() -> Vec<u8> {
    let trex = |id: u32| atom(b"trex", &[&words(&[0, id, 1, 100, 0, 0])]);
    let mvex = atom(b"mvex", &[&trex(1), &trex(2)]);
    let empty = [atom(b"stsz", &[&words(&[0, 0, 0])])];
    let mut bytes = [FTYP, &moov(&entry(b"jpeg", None), &empty, &mvex)].concat();
    let frames = frames();
    for (part, time, base) in [
        (&frames[..2], 5000, Base::Moof),
        (&frames[2..3], 5200, Base::Absolute),
        (&frames[3..], 5400, Base::Following),
    ] {
        let next = fragment(part, time, bytes.len() as u64, base);
        bytes.extend(next);
    }
    bytes
}

#[test]
fn fragments_are_read_however_they_count_their_offsets() {
    let file = open(&fragmented(), ".mp4").unwrap();
    assert_eq!(contents(&file), frames());
    assert_eq!(times(&file), [0.0, 0.1, 0.2, 0.4]);
    assert_eq!(file.duration_secs(), 0.5);
}

#[test]
fn a_fragmented_file_plays_to_wherever_it_was_cut() {
    let whole = fragmented();
    let full = open(&whole, ".mp4").unwrap();
    for cut in full.samples()[0].offset as usize + full.samples()[0].bytes as usize..whole.len() {
        let file = open(&whole[..cut], ".mp4").unwrap();
        let kept = contents(&file);
        assert_eq!(kept, frames()[..kept.len()], "cut at {cut}");
        for sample in file.samples() {
            assert!(sample.offset + u64::from(sample.bytes) <= cut as u64);
        }
    }
}

// ---- JPEG, and what is none of all this

#[test]
fn pictures_one_after_the_other() {
    let file = open(&frames().concat(), ".mjpeg").unwrap();
    assert_eq!((file.format(), file.fps()), (Format::Mjpeg, 25.0));
    assert_eq!(contents(&file), frames());
    assert_eq!(file.duration_secs(), 4.0 / 25.0);

    let saved = [b"--frame\r\nContent-Type: image/jpeg\r\n\r\n", &frame(1)[..], b"\r\n--frame\r\n"];
    let file = open(&saved.concat(), ".mjpg").unwrap();
    assert_eq!(contents(&file), [frame(1)]);

    let mut torn = frames().concat();
    torn.truncate(torn.len() - 3);
    let file = open(&torn, "").unwrap();
    assert_eq!((file.len(), file.torn()), (3, 1));
}

#[test]
fn a_picture_is_one_frame_whatever_a_phone_appended() {
    let file = open(&frames().concat(), ".JPG").unwrap();
    assert_eq!((file.format(), file.len()), (Format::Jpeg, 1));
    assert_eq!(file.frame(0).unwrap(), (frame(0), 0.0));
    assert_eq!(file.duration_secs(), 0.04);
    assert_eq!(open(&frame(3), "").unwrap().format(), Format::Jpeg);
}

#[test]
fn other_files_are_refused_with_a_reason() {
    for (bytes, suffix, code) in [
        (&b""[..], ".avi", "UNKNOWN_CONTAINER"),
        (b"\x1A\x45\xDF\xA3matroska", ".mkv", "UNKNOWN_CONTAINER"),
        (b"\x89PNG\r\n\x1A\n", ".jpg", "UNKNOWN_CONTAINER"),
        (b"RIFF\x10\0\0\0WAVEfmt ", ".wav", "UNKNOWN_CONTAINER"),
        (b"RIFF\x04\0\0\0AVI ", ".avi", "BROKEN_CONTAINER"),
        (b"\xFF\xD8\xFF\xD9", ".jpg", "BROKEN_CONTAINER"),
        (b"no picture in here", ".mjpeg", "BROKEN_CONTAINER"),
    ] {
        assert_eq!(open(bytes, suffix).unwrap_err().code(), code, "{suffix} {bytes:?}");
    }
    let error = JpegFile::open("/nowhere/at/all.avi").unwrap_err();
    assert_eq!(error.code(), "FILE_UNREADABLE");
    assert!(error.to_string().contains("/nowhere/at/all.avi"));
    assert_eq!(JpegFile::open("/").unwrap_err().code(), "FILE_UNREADABLE");
}

/// A count that would take 16 GB if it were believed.
#[test]
fn a_claim_of_four_billion_frames_costs_nothing() {
    let tables = [
        atom(b"stts", &[&words(&[0, 1, u32::MAX, 1])]),
        atom(b"stsc", &[&words(&[0, 1, 1, u32::MAX, 1])]),
        atom(b"stsz", &[&words(&[0, 2, u32::MAX])]),
        atom(b"stco", &[&words(&[0, 1, 20])]),
    ];
    let bytes = [FTYP, &moov(&entry(b"jpeg", None), &tables, &[])].concat();
    assert_eq!(open(&bytes, ".mp4").unwrap_err().code(), "BROKEN_CONTAINER");

    let run = atom(
        b"traf",
        &[&atom(b"tfhd", &[&words(&[0x2_0000, 2])]), &atom(b"trun", &[&words(&[0, u32::MAX])])],
    );
    let mut bytes = [FTYP, &moov(&entry(b"jpeg", None), &[], &[])].concat();
    bytes.extend(atom(b"moof", &[&run]));
    assert_eq!(open(&bytes, ".mp4").unwrap_err().code(), "BROKEN_CONTAINER");
}

/// Opens a damaged file, and reads all that it promises.
fn must_not_panic(bytes: &[u8], suffix: &str) -> Result<(), TestCaseError> {
    let Ok(file) = open(bytes, suffix) else {
        return Ok(());
    };
    prop_assert!(file.len() > 0);
    prop_assert!(file.fps().is_finite() && file.duration_secs().is_finite());
    let mut last = 0.0;
    for (at, sample) in file.samples().iter().enumerate().take(100) {
        prop_assert!(sample.time_secs >= last && sample.time_secs <= file.duration_secs());
        last = sample.time_secs;
        let (content, time) = file.frame(at).unwrap();
        prop_assert_eq!((content.len(), time), (sample.bytes as usize, sample.time_secs));
    }
    Ok(())
}

/// Made once: a property asks for them hundreds of times.
fn samples_of_each_kind() -> &'static [(Vec<u8>, &'static str); 5] {
    static SAMPLES: OnceLock<[(Vec<u8>, &'static str); 5]> = OnceLock::new();
    SAMPLES.get_or_init(|| {
        [
            (avi(b"MJPG"), ".avi"),
            (mp4(&entry(b"jpeg", None), false), ".mp4"),
            (mp4(&entry(b"mp4v", Some(0x6C)), true), ".mp4"),
            (fragmented(), ".mp4"),
            (frames().concat(), ".mjpeg"),
        ]
    })
}

/// Bytes that hurt: extremes of lengths and counts.
fn nasty() -> impl Strategy<Value = u8> {
    prop_oneof![Just(0), Just(1), Just(0x7F), Just(0x80), Just(0xFF), any::<u8>()]
}

proptest! {
    #[test]
    fn any_bytes_behind_a_known_beginning_are_survived(
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
        kind in 0..5usize,
    ) {
        let begin: &[u8] = [&b""[..], b"RIFF\xFF\xFF\0\0AVI LIST\xFF\0\0\0hdrl", FTYP, b"\0\0\x02\0moov", b"\xFF\xD8"][kind];
        must_not_panic(&[begin, &bytes].concat(), "")?;
    }

    #[test]
    fn damaged_files_are_survived(
        kind in 0..5usize,
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), nasty()), 1..10),
        cut in any::<proptest::sample::Index>(),
    ) {
        let (mut bytes, suffix) = samples_of_each_kind()[kind].clone();
        // Headers are where it hurts, and the frames between are most of the file.
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if cut.index(3) == 0 {
            bytes.truncate(cut.index(bytes.len()));
        }
        must_not_panic(&bytes, suffix)?;
    }

    /// Each word of the headers replaced by each extreme.
    #[test]
    fn extreme_words_in_headers_are_survived(
        kind in 0..4usize,
        at in any::<proptest::sample::Index>(),
        value in prop_oneof![Just(0_u32), Just(1), Just(7), Just(8), Just(u32::MAX), Just(0x7FFF_FFFF), Just(0x8000_0000), any::<u32>()],
    ) {
        let (mut bytes, suffix) = samples_of_each_kind()[kind].clone();
        let marks: Vec<usize> = (0..bytes.len() - 8).filter(|&at| {
            bytes[at..at + 4].iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b' ')
        }).collect();
        let mark = marks[at.index(marks.len())];
        let word = (mark + 4 * (at.index(12))).saturating_sub(4).min(bytes.len() - 4);
        bytes[word..word + 4].copy_from_slice(&value.to_be_bytes());
        must_not_panic(&bytes, suffix)?;
    }
}
