//! Tests of `scale`.
#![allow(clippy::unwrap_used)]
use libjpeg_turbo_rs::Subsampling;
use proptest::prelude::*;

use super::*;
use crate::Picture;

const MAX: u64 = 1 << 20;

/// Red grows to the right, green downwards: any scale of it has the same colours at the same places.
fn gradient(width: u32, height: u32) -> Picture {
    let mut rgb = Vec::new();
    for y in 0..height {
        for x in 0..width {
            rgb.extend([(x * 255 / width) as u8, (y * 255 / height) as u8, 96]);
        }
    }
    Picture { width, height, rgb }
}

fn jpeg_of(picture: &Picture) -> Vec<u8> {
    jpeg::encode(picture, 95).unwrap()
}

fn rescaled(bytes: &[u8], size: (u32, u32)) -> Picture {
    let small = Scaler::new().rescale(bytes, size, 95, MAX).unwrap();
    jpeg::decode(&small, MAX).unwrap()
}

/// The colours at places inside the picture, in its own proportions.
fn assert_looks_like(small: &Picture, whole: &Picture, tolerance: u8) {
    for (across, down) in [(1, 1), (1, 3), (2, 2), (3, 1), (3, 3)] {
        let at =
            |picture: &Picture| picture.pixel(picture.width * across / 4, picture.height * down / 4).unwrap();
        for (a, b) in at(small).iter().zip(at(whole)) {
            assert!(a.abs_diff(b) <= tolerance, "{across}/4, {down}/4: {:?} {:?}", at(small), at(whole));
        }
    }
}

#[test]
fn a_smaller_picture_has_the_size_asked_for_and_the_same_colours() {
    let whole = gradient(320, 240);
    let bytes = jpeg_of(&whole);
    for size in
        [(320, 240), (319, 239), (200, 150), (160, 120), (107, 80), (80, 60), (41, 31), (20, 15), (90, 200)]
    {
        let small = rescaled(&bytes, size);
        assert_eq!((small.width, small.height), size);
        assert_looks_like(&small, &whole, 16);
    }
}

#[test]
fn half_a_picture_has_the_same_colours() {
    let half = halved(&gradient(101, 61)).unwrap();
    assert_eq!((half.width, half.height), (50, 30));
    assert_looks_like(&half, &gradient(101, 61), 6);
    assert_eq!(halved(&gradient(9, 1)).unwrap_err().code(), "BAD_PICTURE");
}

#[test]
fn tiny_and_odd_pictures_scale_too() {
    for (width, height) in [(1, 1), (2, 2), (17, 9), (33, 47), (8, 100)] {
        let bytes = jpeg_of(&gradient(width, height));
        for size in [(1, 1), (width, height), (width.div_ceil(2), height.div_ceil(3)), (16, 16)] {
            let scaled = rescaled(&bytes, size);
            assert_eq!((scaled.width, scaled.height), size);
        }
    }
}

#[test]
fn chroma_of_every_kind_ends_as_420_with_the_same_colours() {
    use Subsampling::{S411, S420, S422, S440, S441, S444};
    let whole = gradient(200, 152);
    for subsampling in [S444, S422, S440, S420, S411, S441] {
        let bytes = libjpeg_turbo_rs::compress(
            &whole.rgb,
            200,
            152,
            libjpeg_turbo_rs::PixelFormat::Rgb,
            95,
            subsampling,
        )
        .unwrap();
        for size in [(200, 152), (100, 76), (77, 50), (25, 19)] {
            assert_looks_like(&rescaled(&bytes, size), &whole, 18);
        }
    }
}

#[test]
fn a_grey_picture_stays_grey() {
    let grey = vec![90; 64 * 48];
    let bytes = libjpeg_turbo_rs::compress(
        &grey,
        64,
        48,
        libjpeg_turbo_rs::PixelFormat::Grayscale,
        95,
        Subsampling::S444,
    )
    .unwrap();
    for size in [(64, 48), (32, 24), (20, 15)] {
        let small = rescaled(&bytes, size);
        assert!(small.rgb.iter().all(|sample| sample.abs_diff(90) <= 3));
    }
}

#[test]
fn too_many_pixels_are_refused_before_anything_is_made() {
    let bytes = jpeg_of(&gradient(64, 48));
    let error = Scaler::new().rescale(&bytes, (32, 24), 85, 64 * 48 - 1).unwrap_err();
    assert_eq!(error.code(), "TOO_MANY_PIXELS");
}

#[test]
fn a_torn_picture_is_an_error_at_every_size() {
    let bytes = jpeg_of(&gradient(64, 64));
    for cut in (0..bytes.len() - 2).step_by(7) {
        for size in [(64, 64), (32, 32), (20, 20), (8, 8)] {
            assert!(Scaler::new().rescale(&bytes[..cut], size, 85, MAX).is_err(), "cut at {cut}");
        }
    }
}

proptest! {
    #[test]
    fn a_damaged_picture_never_panics(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..12),
        width in 1..60u32,
        height in 1..60u32,
    ) {
        let mut bytes = jpeg_of(&gradient(48, 40));
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(made) = Scaler::new().rescale(&bytes, (width, height), 85, MAX) {
            let made = jpeg::decode(&made, MAX).unwrap();
            prop_assert_eq!((made.width, made.height), (width, height));
        }
    }
}
