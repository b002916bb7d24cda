//! Tests of `jpeg`.
#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::*;

fn gradient(width: u32, height: u32) -> Picture {
    let mut rgb = Vec::new();
    for y in 0..height {
        for x in 0..width {
            rgb.extend([
                (x * 255 / width) as u8,
                (y * 255 / height) as u8,
                ((x + y) * 127 / (width + height)) as u8,
            ]);
        }
    }
    Picture { width, height, rgb }
}

#[test]
fn a_picture_survives_the_way_through_jpeg() {
    for (width, height) in [(64, 48), (1, 1), (17, 33), (16, 16), (321, 7)] {
        let picture = gradient(width, height);
        let jpeg = encode(&picture, 95).unwrap();
        assert_eq!(&jpeg[..2], &[0xFF, 0xD8]);
        assert_eq!(&jpeg[jpeg.len() - 2..], &[0xFF, 0xD9]);
        let back = decode(&jpeg, 1 << 20).unwrap();
        assert_eq!((back.width, back.height), (width, height));
        if width >= 48 && height >= 48 {
            for (a, b) in picture.rgb.iter().zip(&back.rgb) {
                assert!(a.abs_diff(*b) < 16, "{a} became {b}");
            }
        }
    }
}

#[test]
fn quality_changes_the_size_and_strange_values_are_moved_in_range() {
    let picture = gradient(64, 64);
    let small = encode(&picture, 10).unwrap().len();
    let fine = encode(&picture, 95).unwrap().len();
    assert!(small < fine);
    assert_eq!(encode(&picture, 0).unwrap(), encode(&picture, 1).unwrap());
    assert_eq!(encode(&picture, 255).unwrap(), encode(&picture, 100).unwrap());
}

#[test]
fn a_buffer_of_the_wrong_length_is_named() {
    let mut picture = gradient(8, 8);
    picture.rgb.pop();
    assert_eq!(encode(&picture, 85).unwrap_err().code(), "BAD_PICTURE");
    let empty = Picture::filled(0, 4, [0; 3]);
    assert_eq!(encode(&empty, 85).unwrap_err().code(), "BAD_PICTURE");
    let long = Picture::filled(65_501, 1, [0; 3]);
    assert_eq!(encode(&long, 85).unwrap_err().code(), "TOO_LARGE_FOR_JPEG");
}

#[test]
fn a_claim_of_many_pixels_is_refused_by_the_header_alone() {
    let mut jpeg = encode(&gradient(16, 16), 85).unwrap();
    let sof = jpeg.windows(2).position(|w| w == [0xFF, 0xC0]).unwrap();
    jpeg[sof + 5..sof + 9].copy_from_slice(&[0xEA, 0x60, 0xEA, 0x60]);
    match decode(&jpeg, 50_000_000).unwrap_err() {
        Error::TooManyPixels { width, height, max } => {
            assert_eq!((width, height, max), (60_000, 60_000, 50_000_000));
        }
        other => panic!("{other}"),
    }
    assert!(decode(&encode(&gradient(16, 16), 85).unwrap(), 255).is_err());
    assert!(decode(&encode(&gradient(16, 16), 85).unwrap(), 256).is_ok());
}

#[test]
fn a_torn_picture_is_an_error() {
    let jpeg = encode(&gradient(64, 64), 85).unwrap();
    for cut in 0..jpeg.len() - 2 {
        assert!(decode(&jpeg[..cut], 1 << 20).is_err(), "cut at {cut}");
    }
}

/// A small file of thousands of scans would keep a core busy for minutes.
#[test]
fn scans_beyond_any_sensible_number_are_refused() {
    let picture = gradient(32, 32);
    let (rgb, subsampling) = (&picture.rgb, S420);
    let jpeg =
        libjpeg_turbo_rs::compress_progressive(rgb, 32, 32, PixelFormat::Rgb, 80, subsampling).unwrap();
    assert!(decode(&jpeg, 1 << 20).is_ok());
    let scan = jpeg.windows(2).rposition(|marker| marker == [0xFF, 0xDA]).unwrap();
    let end = jpeg.len() - 2;
    let bomb = [&jpeg[..end], &jpeg[scan..end].repeat(MAX_SCANS), &jpeg[end..]].concat();
    let error = decode(&bomb, 1 << 20).unwrap_err();
    assert!(error.to_string().contains("scan"), "{error}");
}

/// USB cameras leave the standard tables out.
#[test]
fn standard_huffman_tables_may_be_missing() {
    let picture = gradient(32, 32);
    let jpeg = encode(&picture, 85).unwrap();
    let mut bare = jpeg[..2].to_vec();
    let mut at = 2;
    loop {
        let marker = jpeg[at + 1];
        if marker == 0xDA {
            bare.extend(&jpeg[at..]);
            break;
        }
        let next = at + 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
        if marker != 0xC4 {
            bare.extend(&jpeg[at..next]);
        }
        at = next;
    }
    assert!(bare.len() < jpeg.len());
    assert_eq!(decode(&bare, 1 << 20).unwrap(), decode(&jpeg, 1 << 20).unwrap());
}

proptest! {
    #[test]
    fn any_bytes_are_refused_quietly(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = decode(&bytes, 1 << 20);
    }

    /// Random bytes rarely get past the first marker; a real picture with
    /// some bytes changed reaches the tables and the entropy decoder.
    #[test]
    fn a_damaged_picture_never_panics(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<proptest::sample::Index>(),
    ) {
        let mut jpeg = encode(&gradient(48, 40), 80).unwrap();
        for (at, value) in changes {
            let at = at.index(jpeg.len());
            jpeg[at] = value;
        }
        jpeg.truncate(1 + cut.index(jpeg.len()).max(jpeg.len() / 2));
        if let Ok(picture) = decode(&jpeg, 1 << 20) {
            prop_assert!(picture.check().is_ok());
        }
    }
}
