//! Tests of `frames`.
#![allow(clippy::unwrap_used)]
use super::*;

const STAMP: Stamp = Stamp { run: 7, stream: 3, seq: u64::MAX, sent_nanos: 1_234_567_890 };

#[test]
fn a_stamp_comes_back_as_it_was() {
    assert_eq!(Stamp::read(&STAMP.head()), Some(STAMP));
    assert_eq!(STAMP.head().len(), HEAD_BYTES);
    assert_eq!(Stamp::read(&STAMP.head()[..HEAD_BYTES - 1]), None);
    assert_eq!(Stamp::read(b"\xFF\xD8\xFF\xE0"), None);
    assert_eq!(Stamp::read(b""), None);
}

#[test]
fn frames_are_jpegs_of_exactly_the_wanted_size() {
    for bytes in [1_500, 20_000, 50_001, 100_000, 65_535 * 2 + 30_000, 1_000_003] {
        let frames = Frames::of_size(bytes).unwrap();
        for seq in 0..4 {
            let jpeg = frames.frame(&Stamp { seq, ..STAMP }).concat();
            assert_eq!(jpeg.len(), bytes);
            wire::jpeg::probe(&jpeg).unwrap();
            assert_eq!(Stamp::read(&jpeg).unwrap().seq, seq);
            media::jpeg::decode(&jpeg, 1 << 20).unwrap();
        }
    }
}

#[test]
fn filler_of_every_awkward_length_is_whole_segments() {
    for bytes in (4..12).chain(65_530..65_550).chain(131_070..131_080) {
        let mut filler = Vec::new();
        fill(&mut filler, bytes, 1);
        assert_eq!(filler.len(), bytes);
        let mut rest = &filler[..];
        while let [0xFF, 0xFE, high, low, ..] = *rest {
            rest = &rest[2 + usize::from(u16::from_be_bytes([high, low]))..];
        }
        assert!(rest.is_empty(), "{bytes}");
    }
}

#[test]
fn too_small_a_frame_is_refused_with_the_least() {
    let error = Frames::of_size(100).unwrap_err().to_string();
    assert!(error.contains("--size"), "{error}");
}
