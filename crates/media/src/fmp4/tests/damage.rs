//! Cut, overwritten and hostile files (M4 to M6), and what a scan makes of them.

use super::super::{Codec, Track, scan};
use super::*;

/// Reads all that a reader offers; what is damaged is an error.
fn read_all(reader: &Reader) {
    for at in 0..reader.fragments().len() {
        let _ = reader.wall(at);
        for placed in reader.samples(at).unwrap_or_default() {
            let _ = reader.read(&placed);
        }
    }
}

#[test]
fn a_file_cut_at_any_byte_keeps_its_whole_fragments() {
    let mut written = Written::new(&track(), &small());
    written.finish();
    let file = saved(&written.bytes);
    for cut in (0..written.bytes.len()).rev() {
        file.set_len(cut as u64).unwrap();
        let reader = open(&file);
        let scan = scan(&file, path());
        if cut < written.init_len {
            assert_eq!(reader.unwrap_err().code(), "NOT_A_RECORDING");
            assert_eq!(scan.unwrap_err().code(), "NOT_A_RECORDING");
            continue;
        }
        let (reader, scan) = (reader.unwrap(), scan.unwrap());
        let whole = written.whole_within(cut);
        assert!(!reader.finished() && !scan.has_index);
        assert_eq!(reader.fragments().len(), whole);
        assert_eq!(reader.whole_bytes(), written.bounds[whole] as u64);
        assert_eq!(scan.whole_bytes, reader.whole_bytes());
        assert_eq!(scan.fragments, written.entries[..whole]);
        for at in 0..whole {
            written.check_fragment(&reader, at);
        }
    }
}

#[test]
fn a_scan_sums_up_what_is_there() {
    let mut written = Written::new(&track(), &small());
    let unfinished = scan(&saved(&written.bytes), path()).unwrap();
    written.finish();
    let finished = scan(&saved(&written.bytes), path()).unwrap();
    assert!(finished.has_index);
    assert_eq!(super::super::Scan { has_index: false, ..finished.clone() }, unfinished);
    assert_eq!((finished.frames, finished.duration_ticks), (8, 114_000));
    assert_eq!((finished.init_len, finished.track), (written.init_len as u64, track()));
    assert_eq!(finished.first_wall, Some(written.parts[0].wall));
    let lasting = Duration::from_nanos(12_000 * 1_000_000_000 / 90_000);
    assert_eq!(finished.last_wall_end, Some(written.parts[2].wall + lasting));
    let empty = scan(&saved(&written.bytes[..written.init_len]), path()).unwrap();
    assert_eq!((empty.frames, empty.first_wall, empty.last_wall_end), (0, None, None));
}

/// After a power cut: the file is as long as it was, but its end is zeros.
#[test]
fn samples_that_were_never_stored_end_the_sound_part() {
    let written = Written::new(&track(), &small());
    let fragment = |bytes: &[u8]| scan(&saved(bytes), path()).unwrap().fragments.len();
    for zeros in 1..written.bytes.len() - written.init_len {
        let mut bytes = written.bytes.clone();
        let from = bytes.len() - zeros;
        bytes[from..].fill(0);
        assert_eq!(fragment(&bytes), written.whole_within(from), "{zeros} zeros at the end");
    }
    let mut longer = written.bytes.clone();
    longer.resize(longer.len() + 5000, 0);
    assert_eq!(fragment(&longer), 3);
}

#[test]
fn padding_behind_a_jpeg_is_no_damage() {
    let mut parts = small();
    let Part { samples, media, .. } = &mut parts[1];
    media[0].extend([0; 3000]);
    media[0].extend(b"\r\n");
    samples[0].bytes = media[0].len() as u32;
    let written = Written::new(&track(), &parts);
    assert_eq!(scan(&saved(&written.bytes), path()).unwrap().frames, 8);
}

#[test]
fn h264_has_to_fill_its_samples() {
    let codec = Codec::H264 { sps: vec![0x67, 66, 0xC0, 30], pps: vec![0x68, 1] };
    let track = Track { codec, width: 640, height: 480 };
    let frames_with = |media: &[u8]| {
        let mut part = small().remove(1);
        part.samples[0].bytes = media.len() as u32;
        part.media = vec![media.to_vec()];
        scan(&saved(&Written::new(&track, &[part]).bytes), path()).unwrap().frames
    };
    assert_eq!(frames_with(&[0, 0, 0, 2, 0x65, 1, 0, 0, 0, 1, 0x41]), 1);
    assert_eq!(frames_with(&[0, 0, 0, 2, 0x65, 1, 0, 0, 0, 0]), 0);
    assert_eq!(frames_with(&[0, 0, 0, 2, 0x65, 1, 0, 0, 0, 2, 0x41]), 0);
    assert_eq!(frames_with(&[0, 0, 0, 2, 0x65, 1, 0, 0]), 0);
    assert_eq!(frames_with(&[0, 0, 0, 1, 0]), 0);
    assert_eq!(frames_with(&[0; 64]), 0);
}

#[test]
fn other_files_are_named_as_what_they_are_not() {
    let mut other = super::super::init(&track());
    let mp4v = other.windows(4).position(|name| name == b"mp4v").unwrap();
    other[mp4v..mp4v + 4].copy_from_slice(b"av01");
    let mut timescale = super::super::init(&track());
    let mdhd = timescale.windows(4).position(|name| name == b"mdhd").unwrap();
    timescale[mdhd + 16..mdhd + 20].copy_from_slice(&1000_u32.to_be_bytes());
    for bytes in [&b""[..], b"\xFF\xD8\xFF\xD9 a picture", b"RIFF....AVI ", &[0; 4096], &other, &timescale] {
        let file = saved(bytes);
        assert_eq!(open(&file).unwrap_err().code(), "NOT_A_RECORDING");
        assert_eq!(scan(&file, path()).unwrap_err().code(), "NOT_A_RECORDING");
    }
}

/// An index that lies about places is not believed: the boxes are walked instead.
#[test]
fn a_wrong_index_is_not_used() {
    let mut written = Written::new(&track(), &small());
    let sound = written.entries.clone();
    let unfinished = written.bytes.clone();
    let wrong: [fn(&mut Vec<FragmentEntry>); 5] = [
        |entries| entries[0].offset += 1,
        |entries| entries[2].offset += 1,
        |entries| entries[2].time += 1,
        |entries| entries.swap(0, 1),
        |entries| entries.truncate(2),
    ];
    for wrong in wrong {
        written.entries.clone_from(&sound);
        wrong(&mut written.entries);
        let bytes = [unfinished.clone(), super::super::index(&written.entries)].concat();
        written.entries.clone_from(&sound);
        let file = saved(&bytes);
        let reader = open(&file).unwrap();
        assert!(!scan(&file, path()).unwrap().has_index);
        for at in 0..3 {
            written.check_fragment(&reader, at);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever happens behind the end of a fragment, it is read as it was written.
    #[test]
    fn damage_never_hides_what_is_before_it(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        finished in any::<bool>(),
    ) {
        let mut written = Written::new(&track(), &small());
        if finished {
            written.finish();
        }
        let mut bytes = written.bytes.clone();
        let mut first = bytes.len();
        for (at, value) in changes {
            let at = written.init_len + at.index(bytes.len() - written.init_len);
            first = first.min(at);
            bytes[at] = value;
        }
        let file = saved(&bytes);
        let reader = open(&file).unwrap();
        for at in 0..written.whole_within(first) {
            written.check_fragment(&reader, at);
        }
        read_all(&reader);
        let scan = scan(&file, path()).unwrap();
        prop_assert!(scan.fragments.len() >= written.whole_within(first));
    }

    #[test]
    fn a_damaged_header_never_panics(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut written = Written::new(&track(), &small());
        for (at, value) in changes {
            let at = at.index(written.init_len);
            written.bytes[at] = value;
        }
        let file = saved(&written.bytes);
        let _ = scan(&file, path());
        if let Ok(reader) = open(&file) {
            read_all(&reader);
        }
    }
}
