//! Pictures go to H.264 and come back.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use libjpeg_turbo_rs::{PixelFormat, Subsampling};
use proptest::prelude::*;

use super::{Decoder, Encoder};
use crate::{Picture, jpeg};

/// Smooth colours that move with `number`.
fn picture(number: u32, width: u32, height: u32) -> Picture {
    let mut picture = Picture::filled(width, height, [0; 3]);
    for (at, pixel) in picture.rgb.chunks_exact_mut(3).enumerate() {
        let (x, y) = (at as u32 % width + number, at as u32 / width);
        let wave = |step: u32| (128.0 + 100.0 * (f64::from(step) / 20.0).sin()) as u8;
        pixel.copy_from_slice(&[wave(x), wave(y), wave(x + y + 30)]);
    }
    picture
}

fn with_chroma(picture: &Picture, subsampling: Subsampling) -> Vec<u8> {
    let (width, height) = (picture.width as usize, picture.height as usize);
    libjpeg_turbo_rs::compress(&picture.rgb, width, height, PixelFormat::Rgb, 95, subsampling).unwrap()
}

/// The mean distance of two pictures' samples.
fn distance(one: &Picture, other: &Picture) -> f64 {
    assert_eq!((one.width, one.height), (other.width, other.height));
    let sum: u64 = one.rgb.iter().zip(&other.rgb).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / one.rgb.len() as f64
}

/// Encodes one JPEG, decodes it, and says how far it is from `picture`.
fn there_and_back(jpeg: &[u8], picture: &Picture) -> f64 {
    let (width, height) = (picture.width, picture.height);
    let mut encoder = Encoder::new(width, height, 30.0).unwrap();
    let encoded = encoder.encode(jpeg, true).unwrap();
    let (sps, pps) = encoded.parameter_sets.unwrap();
    let mut decoder = Decoder::new(&sps, &pps).unwrap().cropped(width, height);
    let decoded = decoder.decode(&encoded.avcc).unwrap().unwrap();
    assert_eq!(decoded.size(), (width as usize, height as usize));
    let back = decoded.to_jpeg(95).unwrap();
    distance(picture, &jpeg::decode(&back, 1 << 24).unwrap())
}

#[test]
fn colours_survive_whatever_chroma_the_jpeg_has() {
    let picture = picture(0, 160, 96);
    for subsampling in [
        Subsampling::S420,
        Subsampling::S422,
        Subsampling::S440,
        Subsampling::S444,
        Subsampling::S411,
        Subsampling::S441,
        Subsampling::S410,
        Subsampling::S24,
    ] {
        let far = there_and_back(&with_chroma(&picture, subsampling), &picture);
        assert!(far < 6.0, "{subsampling:?}: {far}");
    }
}

#[test]
fn a_picture_that_is_drawn_keeps_its_colours() {
    for (width, height) in [(160, 96), (161, 97), (16, 17)] {
        let picture = picture(3, width, height);
        let mut encoder = Encoder::new(width, height, 30.0).unwrap();
        let encoded = encoder.encode_picture(&picture, true).unwrap();
        let (sps, pps) = encoded.parameter_sets.unwrap();
        let mut decoder = Decoder::new(&sps, &pps).unwrap().cropped(width, height);
        let back = decoder.decode(&encoded.avcc).unwrap().unwrap().to_jpeg(95).unwrap();
        let far = distance(&picture, &jpeg::decode(&back, 1 << 24).unwrap());
        assert!(far < 8.0, "{width}x{height}: {far}");
    }
}

/// So that what two encoders made fits into one file.
#[test]
fn encoders_for_one_size_have_the_same_parameter_sets() {
    let sets = |number| {
        let mut encoder = Encoder::new(160, 96, 30.0).unwrap();
        encoder.encode_picture(&picture(number, 160, 96), true).unwrap();
        encoder.encode_picture(&picture(number + 1, 160, 96), true).unwrap().parameter_sets.unwrap()
    };
    assert_eq!(sets(0), sets(40));
}

#[test]
fn odd_and_small_pictures_keep_their_size() {
    for (width, height) in [(161, 97), (160, 97), (161, 96), (16, 17), (17, 16), (16, 16), (19, 99)] {
        let picture = picture(0, width, height);
        for subsampling in [Subsampling::S420, Subsampling::S422, Subsampling::S444] {
            let far = there_and_back(&with_chroma(&picture, subsampling), &picture);
            assert!(far < 10.0, "{width}x{height} {subsampling:?}: {far}");
        }
    }
}

#[test]
fn a_grey_jpeg_stays_grey() {
    let grey: Vec<u8> = (0..64 * 50).map(|at| (at % 64 * 3) as u8).collect();
    let jpeg =
        libjpeg_turbo_rs::compress(&grey, 64, 50, PixelFormat::Grayscale, 95, Subsampling::S444).unwrap();
    let picture = Picture { width: 64, height: 50, rgb: grey.iter().flat_map(|&grey| [grey; 3]).collect() };
    let far = there_and_back(&jpeg, &picture);
    assert!(far < 4.0, "{far}");
}

/// RGB and CMYK have no luma to take; progressive pictures have it.
#[test]
fn rare_jpegs_are_taken_too() {
    let cmyk: Vec<u8> =
        (0..64 * 48 * 4).map(|at| if at % 4 == 3 { 220 } else { (at / 4 % 64 * 3) as u8 }).collect();
    let subsampling = Subsampling::S444;
    let cmyk = libjpeg_turbo_rs::compress(&cmyk, 64, 48, PixelFormat::Cmyk, 95, subsampling).unwrap();
    let rgb = picture(0, 64, 48).rgb;
    let progressive =
        libjpeg_turbo_rs::compress_progressive(&rgb, 64, 48, PixelFormat::Rgb, 95, Subsampling::S420)
            .unwrap();
    for jpeg in [cmyk, progressive] {
        let far = there_and_back(&jpeg, &jpeg::decode(&jpeg, 1 << 20).unwrap());
        assert!(far < 6.0, "{far}");
    }
}

#[test]
fn a_torn_jpeg_is_an_error() {
    let jpeg = jpeg::encode(&picture(0, 64, 48), 80).unwrap();
    let mut encoder = Encoder::new(64, 48, 30.0).unwrap();
    for cut in 0..jpeg.len() - 2 {
        assert_eq!(encoder.encode(&jpeg[..cut], false).unwrap_err().code(), "BAD_JPEG", "cut at {cut}");
    }
}

#[test]
fn key_frames_come_when_they_are_asked_for_and_decoding_follows() {
    let mut encoder = Encoder::new(320, 240, 10.0).unwrap();
    let mut decoder = None;
    for number in 0..25 {
        let due = number % 10 == 0;
        let picture = picture(number * 5, 320, 240);
        let encoded = encoder.encode(&jpeg::encode(&picture, 90).unwrap(), due).unwrap();
        assert_eq!(encoded.key, due, "frame {number}");
        assert_eq!(encoded.parameter_sets.is_some(), due);
        if let Some((sps, pps)) = encoded.parameter_sets {
            decoder.get_or_insert_with(|| Decoder::new(&sps, &pps).unwrap());
        }
        let decoded = decoder.as_mut().unwrap().decode(&encoded.avcc).unwrap().unwrap();
        let back = jpeg::decode(&decoded.to_jpeg(90).unwrap(), 1 << 20).unwrap();
        let far = distance(&picture, &back);
        assert!(far < 8.0, "frame {number}: {far}");
    }
}

/// A cut to another scene sets no key frame on its own.
#[test]
fn another_scene_is_no_key_frame() {
    let mut encoder = Encoder::new(64, 64, 10.0).unwrap();
    for (number, shade) in [0, 255, 0, 200].into_iter().enumerate() {
        let jpeg = jpeg::encode(&Picture::filled(64, 64, [shade; 3]), 90).unwrap();
        assert_eq!(encoder.encode(&jpeg, false).unwrap().key, number == 0);
    }
}

#[test]
fn what_does_not_fit_is_named_and_the_encoder_goes_on() {
    assert_eq!(Encoder::new(3842, 100, 30.0).unwrap_err().code(), "UNFIT_FOR_H264");
    assert_eq!(Encoder::new(2400, 2400, 30.0).unwrap_err().code(), "UNFIT_FOR_H264");
    assert_eq!(Encoder::new(15, 100, 30.0).unwrap_err().code(), "UNFIT_FOR_H264");
    let mut encoder = Encoder::new(64, 48, f64::NAN).unwrap();
    let other = jpeg::encode(&picture(0, 48, 64), 80).unwrap();
    assert_eq!(encoder.encode(&other, false).unwrap_err().code(), "SIZE_CHANGED");
    assert_eq!(encoder.encode(b"\xFF\xD8nothing", false).unwrap_err().code(), "BAD_JPEG");
    let fits = jpeg::encode(&picture(0, 64, 48), 80).unwrap();
    assert!(encoder.encode(&fits, false).unwrap().key);
}

#[test]
fn a_frame_whose_parts_do_not_fill_it_is_refused() {
    let jpeg = jpeg::encode(&picture(0, 64, 48), 80).unwrap();
    let encoded = Encoder::new(64, 48, 30.0).unwrap().encode(&jpeg, true).unwrap();
    let (sps, pps) = encoded.parameter_sets.unwrap();
    let mut decoder = Decoder::new(&sps, &pps).unwrap();
    for cut in 1..encoded.avcc.len() {
        let error = decoder.decode(&encoded.avcc[..cut]).unwrap_err();
        assert_eq!(error.code(), "BAD_H264");
    }
    assert!(decoder.decode(&encoded.avcc).unwrap().is_some());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// The codec is C++ and believes what it is told about planes.
    #[test]
    fn a_damaged_jpeg_never_panics(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        kind in 0_usize..4,
    ) {
        let subsampling =
            [Subsampling::S420, Subsampling::S422, Subsampling::S444, Subsampling::S411][kind];
        let mut jpeg = with_chroma(&picture(0, 48, 40), subsampling);
        for (at, value) in changes {
            // Mostly headers: they say how large the planes are.
            let at = at.index(jpeg.len().min(700));
            jpeg[at] = value;
        }
        let mut encoder = Encoder::new(48, 40, 30.0).unwrap();
        let _ = encoder.encode(&jpeg, true);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// A damaged frame, even its parameter sets, is an error or a wrong picture.
    #[test]
    fn damaged_h264_never_crashes(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        sets in any::<bool>(),
    ) {
        let mut encoder = Encoder::new(64, 48, 30.0).unwrap();
        let first = encoder.encode(&with_chroma(&picture(0, 64, 48), Subsampling::S420), true).unwrap();
        let second = encoder.encode(&with_chroma(&picture(3, 64, 48), Subsampling::S420), false).unwrap();
        let (mut sps, mut pps) = first.parameter_sets.unwrap();
        let mut frames = [first.avcc, second.avcc];
        for (nth, (at, value)) in changes.into_iter().enumerate() {
            let bytes = match (sets, nth % 2) {
                (true, 0) => &mut sps,
                (true, _) => &mut pps,
                (false, which) => &mut frames[which],
            };
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let Ok(mut decoder) = Decoder::new(&sps, &pps) else {
            return Ok(());
        };
        for frame in frames {
            if let Ok(Some(picture)) = decoder.decode(&frame) {
                let _ = picture.to_jpeg(80);
            }
        }
    }
}
