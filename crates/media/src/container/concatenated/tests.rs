//! Tests of `concatenated`.
use proptest::prelude::*;

use super::*;

/// A picture as far as a marker walk can see.
fn picture(filling: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xFF, SOI];
    // An APP1 with a whole small "JPEG" inside.
    bytes.extend([0xFF, 0xE1, 0, 8, 0xFF, SOI, 0xFF, EOI, 9, 9]);
    bytes.extend([0xFF, 0xFF, 0xC4, 0, 2]);
    bytes.extend([0xFF, SOS, 0, 4, 1, 2]);
    for &byte in filling {
        bytes.push(byte);
        if byte == 0xFF {
            bytes.push(0);
        }
    }
    bytes.extend([0xFF, 0xD3, 7, 0xFF, SOS, 0, 2, 7, 7, 0xFF, EOI]);
    bytes
}

fn scan(pieces: &[&[u8]]) -> (Vec<std::ops::Range<u64>>, usize) {
    let mut scanner = Scanner::default();
    let mut found = Vec::new();
    for piece in pieces {
        let mut rest = *piece;
        while let Some(range) = scanner.feed(&mut rest) {
            found.push(range);
        }
    }
    (found, scanner.torn)
}

#[test]
fn every_split_finds_the_same_pictures() {
    let one = picture(b"abc");
    let two = picture(&[0xFF, 1, 0xFF]);
    let mut file = b"--frame\r\n\r\n".to_vec();
    let first = file.len() as u64..(file.len() + one.len()) as u64;
    file.extend(&one);
    file.extend(b"\r\n\xFF\xFE--frame\r\n\r\n");
    let second = file.len() as u64..(file.len() + two.len()) as u64;
    file.extend(&two);
    for cut in 0..=file.len() {
        let (found, torn) = scan(&[&file[..cut], &file[cut..]]);
        assert_eq!(found, [first.clone(), second.clone()], "cut at {cut}");
        assert_eq!(torn, 0);
    }
}

/// Torn inside a segment's header, a picture may swallow a segment's length.
#[test]
fn after_a_torn_picture_the_walk_finds_back_within_a_segment() {
    let whole = picture(b"abc");
    let following = whole.repeat(usize::from(u16::MAX) / whole.len() + 3);
    for cut in 2..whole.len() {
        let file = [&whole[..cut], &following].concat();
        let (found, _) = scan(&[&file]);
        let last = (file.len() - whole.len()) as u64..file.len() as u64;
        assert_eq!(found.last(), Some(&last), "cut at {cut}");
    }
    let data = whole.len() - 3;
    let (found, torn) = scan(&[&whole[..data], &whole]);
    assert_eq!((found.len(), torn), (1, 1));
}

proptest! {
    #[test]
    fn any_bytes_give_ordered_ranges_and_splits_change_nothing(
        bytes in proptest::collection::vec(
            prop_oneof![Just(0xFF), Just(SOI), Just(EOI), Just(SOS), Just(0), Just(2), any::<u8>()],
            0..100,
        ),
        cut in any::<proptest::sample::Index>(),
    ) {
        let whole = scan(&[&bytes]);
        let cut = cut.index(bytes.len() + 1);
        prop_assert_eq!(&whole, &scan(&[&bytes[..cut], &bytes[cut..]]));
        let mut last = 0;
        for range in whole.0 {
            prop_assert!(last <= range.start && range.start < range.end);
            prop_assert!(range.end <= bytes.len() as u64);
            last = range.end;
        }
    }
}
