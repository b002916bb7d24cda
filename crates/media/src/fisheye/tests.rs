//! The model against itself; tests/analysis/test_fisheye.py holds it to OpenCV.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::Picture;

fn camera(width: u32, height: u32, strength: f64) -> Camera {
    Camera::assumed(width, height, [strength, 0.0, 0.0, 0.0])
}

/// Red grows to the right, green downwards.
fn gradient(width: u32, height: u32) -> Picture {
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let rgb = pixels.flat_map(|(x, y)| [(x * 255 / width) as u8, (y * 255 / height) as u8, 7]).collect();
    Picture { width, height, rgb }
}

#[test]
fn the_middle_stays_and_nothing_unseen_is_shown() {
    let white = Picture::filled(160, 90, [255; 3]);
    for balance in [0.0, 0.3, 1.0] {
        for strength in [-0.18, 0.0, 0.1] {
            let map = Map::new(&camera(160, 90, strength), 160, 90, balance).unwrap();
            let crop = map.crop();
            assert_eq!((crop.width % 2, crop.height % 2), (0, 0));
            let straight = map.apply(&white).unwrap();
            assert!(
                straight.rgb.iter().all(|sample| *sample == 255),
                "balance {balance}, strength {strength}"
            );
            let straight = map.apply(&gradient(160, 90)).unwrap();
            let [red, green, _] = straight.pixel(80 - crop.x, 45 - crop.y).unwrap();
            assert!(red.abs_diff(127) <= 3 && green.abs_diff(127) <= 5, "{red}, {green}");
        }
    }
}

#[test]
fn zooming_out_shows_more_of_the_sides() {
    let reach = |balance| {
        let map = Map::new(&camera(160, 90, -0.18), 160, 90, balance).unwrap();
        let straight = map.apply(&gradient(160, 90)).unwrap();
        straight.rgb.as_chunks::<3>().0.iter().map(|[red, ..]| *red).max().unwrap()
    };
    assert!(reach(1.0) > reach(0.0));
}

#[test]
fn an_unfit_lens_is_an_error() {
    let cases = [
        camera(160, 90, -40.0),
        camera(160, 90, f64::NAN),
        Camera { focal: (0.0, 10.0), ..camera(160, 90, 0.0) },
        Camera { centre: (f64::INFINITY, 0.0), ..camera(160, 90, 0.0) },
        Camera { focal: (5.0, 5.0), ..camera(160, 90, -0.18) },
    ];
    for camera in cases {
        assert_eq!(Map::new(&camera, 160, 90, 0.0).unwrap_err().code(), "UNFIT_LENS", "{camera:?}");
    }
    assert_eq!(Map::new(&camera(15, 90, 0.0), 15, 90, 0.0).unwrap_err().code(), "UNFIT_LENS");
}

#[test]
fn a_picture_of_another_size_is_refused() {
    let map = Map::new(&camera(64, 48, -0.18), 64, 48, 0.0).unwrap();
    assert_eq!(map.apply(&gradient(48, 64)).unwrap_err().code(), "SIZE_CHANGED");
    let torn = Picture { width: 64, height: 48, rgb: vec![0; 64 * 48] };
    assert_eq!(map.apply(&torn).unwrap_err().code(), "BAD_PICTURE");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_bent_unbends(x in -0.5..0.5f64, y in -0.5..0.5f64, k1 in -0.2..0.2f64, k2 in -0.05..0.05f64) {
        let camera = Camera::assumed(640, 480, [k1, k2, 0.0, 0.0]);
        let (back_x, back_y) = camera.ray(camera.point((x, y))).unwrap();
        prop_assert!((back_x - x).abs() < 1e-6 && (back_y - y).abs() < 1e-6);
    }

    /// Whatever the numbers are: a map whose pixels all lie inside, or an error.
    #[test]
    fn no_lens_makes_it_panic(
        focal in -10.0..900.0f64, centre in -50.0..90.0f64, bend in proptest::array::uniform4(-3.0..3.0f64),
        balance in -2.0..2.0f64, width in 0..50u32, height in 0..40u32,
    ) {
        let camera = Camera { focal: (focal, focal * 1.1), centre: (centre, centre), bend };
        if let Ok(map) = Map::new(&camera, width, height, balance) {
            let straight = map.apply(&Picture::filled(width, height, [9; 3])).unwrap();
            prop_assert!(straight.check().is_ok());
            prop_assert!(straight.rgb.iter().all(|sample| *sample == 9));
        }
    }
}
