//! Letterbox and decoding by themselves; tests/analysis/test_pose.py holds them to onnxruntime and OpenCV.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::decode::persons;
use super::*;

fn letterbox(width: u32, height: u32) -> Letterbox {
    Letterbox::into(640, 640, &Picture::filled(width, height, [0; 3]))
}

/// A model of its own kind: it finds a red and a blue rectangle, whose lower corners are feet.
pub(crate) fn coloured() -> OnDemand {
    OnDemand::loaded(Model {
        engine: Box::new(Coloured),
        input: Input::Fixed { width: 320, height: 192 },
        thresholds: Thresholds::default(),
    })
}

struct Coloured;

impl Engine for Coloured {
    fn input(&self) -> Vec<Option<usize>> {
        vec![Some(1), Some(3), Some(192), Some(320)]
    }

    fn run(&self, input: Tensor) -> Result<Tensor, String> {
        let planes: Vec<&[f32]> = input.data.chunks(192 * 320).collect();
        let mut data = vec![0.0; ROWS * 2];
        for (column, own, other) in [(0, 0, 2), (1, 2, 0)] {
            let hits = (0..192 * 320).filter(|&at| planes[own][at] > planes[other][at] + 0.4);
            let places: Vec<(f32, f32)> = hits.map(|at| ((at % 320) as f32, (at / 320) as f32)).collect();
            let reach = |axis: fn(&(f32, f32)) -> f32| {
                let least = places.iter().map(axis).fold(f32::MAX, f32::min);
                (least, places.iter().map(axis).fold(f32::MIN, f32::max))
            };
            let ((left, right), (top, bottom)) = (reach(|place| place.0), reach(|place| place.1));
            let sure = if places.len() > 50 { 0.9 } else { 0.0 };
            let (x, y) = ((left + right) / 2.0, (top + bottom) / 2.0);
            let mut values = vec![x, y, right - left, bottom - top, sure];
            for point in 0..17 {
                values.extend(match point {
                    15 => [left, bottom, sure],
                    16 => [right, bottom, sure],
                    _ => [x, y, sure],
                });
            }
            for (row, value) in values.into_iter().enumerate() {
                data[row * 2 + column] = value;
            }
        }
        Ok(Tensor { shape: vec![1, ROWS, 2], data })
    }
}

/// An output with these candidates: x, y, width, height, score; all key points at (x, y).
fn output(candidates: &[[f32; 5]]) -> Vec<f32> {
    let row = |row: usize| {
        candidates.iter().map(move |candidate| match row {
            0..5 => candidate[row],
            5.. if row % 3 == 2 => candidate[0],
            5.. if row.is_multiple_of(3) => candidate[1],
            _ => 0.75,
        })
    };
    (0..ROWS).flat_map(row).collect()
}

#[test]
fn a_wide_picture_lies_in_the_middle() {
    let wide = letterbox(1280, 720);
    assert_eq!(
        (wide.gain, wide.left, wide.top, wide.inner_width, wide.inner_height),
        (0.5, 0, 140, 640, 360)
    );
    assert_eq!(wide.back(320.0, 320.0), (640.0, 360.0));
    assert_eq!(wide.back(-5.0, 900.0), (0.0, 720.0));
}

#[test]
fn free_sides_are_the_smallest_that_the_stride_divides() {
    let around = |width, height| Letterbox::around(640, 32, &Picture::filled(width, height, [0; 3]));
    let sides = |letterbox: Letterbox| (letterbox.width, letterbox.height, letterbox.left, letterbox.top);
    assert_eq!(sides(around(1280, 720)), (640, 384, 0, 12));
    assert_eq!(sides(around(720, 1280)), (384, 640, 12, 0));
    assert_eq!(sides(around(640, 640)), (640, 640, 0, 0));
    assert_eq!(sides(around(10_000, 10)), (640, 32, 0, 15));
}

#[test]
fn the_picture_is_planes_with_grey_around() {
    let picture = Picture::filled(64, 32, [255, 0, 51]);
    let letterbox = Letterbox::into(64, 64, &picture);
    let planes = letterbox.planes(&picture);
    let at = |plane: usize, x: usize, y: usize| planes[plane * 64 * 64 + y * 64 + x];
    assert_eq!([at(0, 3, 3), at(1, 3, 3), at(2, 3, 3)], [114.0 / 255.0; 3]);
    assert_eq!([at(0, 63, 16), at(1, 0, 47)], [1.0, 0.0]);
    assert!((at(2, 30, 30) - 0.2).abs() < 1e-6);
}

#[test]
fn the_surest_of_overlapping_boxes_is_kept() {
    let found = persons(
        &output(&[
            [100.0, 300.0, 50.0, 100.0, 0.6],
            [102.0, 300.0, 50.0, 100.0, 0.9],
            [400.0, 300.0, 50.0, 100.0, 0.3],
            [500.0, 300.0, 50.0, 100.0, 0.25],
            [f32::NAN, 300.0, 50.0, 100.0, 0.9],
        ]),
        Thresholds::default(),
        &letterbox(640, 640),
    );
    let middles: Vec<f64> = found.iter().map(|person| person.key_points[9].x).collect();
    assert_eq!(middles, [102.0, 400.0]);
    assert_eq!((found[0].bounds.left, found[0].bounds.bottom), (77.0, 350.0));
    assert_eq!(found[0].key_points[16].score, 0.75);
}

#[test]
fn no_more_persons_than_are_looked_for() {
    let crowd: Vec<[f32; 5]> =
        (0..400).map(|at| [(at % 20 * 30) as f32, (at / 20 * 30) as f32, 20.0, 20.0, 0.5]).collect();
    assert_eq!(persons(&output(&crowd), Thresholds::default(), &letterbox(640, 640)).len(), MAX_PERSONS);
    assert!(persons(&[], Thresholds::default(), &letterbox(640, 640)).is_empty());
}

#[test]
fn the_input_is_what_ultralytics_exports() {
    let input = |shape: &[Option<usize>]| Input::of(shape.to_vec(), 600);
    assert_eq!(
        input(&[Some(1), Some(3), Some(384), Some(640)]),
        Ok(Input::Fixed { width: 640, height: 384 })
    );
    assert_eq!(input(&[None; 4]), Ok(Input::Free { longer: 608 }));
    assert!(input(&[Some(1), Some(3), Some(640)]).unwrap_err().contains("3 dimensions"));
    assert!(input(&[Some(8), Some(3), None, None]).unwrap_err().contains("8x3xHxW"));
    assert!(input(&[Some(1), Some(1), None, None]).unwrap_err().contains("1x1xHxW"));
    assert!(input(&[Some(1), Some(3), Some(640), Some(100_000)]).unwrap_err().contains("100000 pixels"));
}

#[test]
fn what_is_no_model_is_told_with_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| Source::File(folder.path().join(name));
    let missing = Model::load(&file("none.onnx"), &Settings::default()).unwrap_err();
    assert_eq!(missing.code(), "MODEL_UNREADABLE");
    assert!(missing.to_string().contains("none.onnx"), "{missing}");
    for bytes in [&b""[..], b"not a model", &[0; 4096], &[0xFF; 4096], b"\x08\x07\x12\x00\x3a\x7f"] {
        std::fs::write(folder.path().join("torn.onnx"), bytes).unwrap();
        let error = Model::load(&file("torn.onnx"), &Settings::default()).unwrap_err();
        assert_eq!(error.code(), "BAD_MODEL", "{error}");
        assert!(error.to_string().contains("torn.onnx is not a model"), "{error}");
    }
}

#[test]
fn the_built_in_model_loads_and_is_a_pose_model() {
    let settings = Settings { threads: 1, input_size: Some(320), ..Settings::default() };
    let model = Model::load(&Source::Builtin, &settings).unwrap();
    assert_eq!(model.input, Input::Free { longer: 320 });
    let picture = Picture::filled(320, 180, [90; 3]);
    let (tensor, letterbox) = model.prepare(&picture);
    assert_eq!((tensor.shape.as_slice(), letterbox.top), (&[1, 3, 192, 320][..], 6));
    let output = model.infer(tensor).unwrap();
    assert_eq!(output.shape[..2], [1, ROWS]);
    assert_eq!(output.data.len(), ROWS * output.shape[2]);
    assert!(output.data.iter().all(|value| value.is_finite()));
    assert_eq!(model.run(&picture).unwrap(), [], "nobody is seen where there is nothing");
}

#[test]
fn the_built_in_model_has_an_input_size_of_its_own() {
    let model = Model::load(&Source::Builtin, &Settings { threads: 1, ..Settings::default() }).unwrap();
    assert_eq!(model.input, Input::Free { longer: Source::Builtin.input_size() });
}

#[test]
fn a_model_is_named_by_a_word_or_a_path() {
    for text in ["", " ", "builtin", "Builtin"] {
        assert_eq!(Source::named(text), Source::Builtin);
    }
    assert_eq!(Source::named("./builtin"), Source::File("./builtin".into()));
    assert_eq!(Source::named("models/m.onnx").to_string(), "models/m.onnx");
    assert_eq!(Source::Builtin.to_string(), "builtin:fencer-pose");
}

#[test]
fn a_model_on_demand_is_loaded_once_and_by_whoever_needs_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("late.onnx");
    let settings = Settings { threads: 1, input_size: Some(32), ..Settings::default() };
    let model = OnDemand::new(Source::File(path.clone()), settings);
    assert_eq!(model.model().unwrap_err().code(), "MODEL_UNREADABLE");
    std::fs::write(&path, builtin::FILE).unwrap();
    let all: Vec<usize> = std::thread::scope(|scope| {
        let loaders = [(); 4].map(|()| scope.spawn(|| std::ptr::from_ref(model.model().unwrap()) as usize));
        loaders.into_iter().map(|loader| loader.join().unwrap()).collect()
    });
    assert!(all.iter().all(|&place| place == all[0]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_output_makes_it_panic(
        values in proptest::collection::vec(
            prop_oneof![4 => 0.0..2.0f32, 1 => any::<f32>()], 0..ROWS * 9),
    ) {
        for person in persons(&values, Thresholds::default(), &letterbox(1280, 720)) {
            let tracks = crate::tracks::Tracks {
                fps: 30.0,
                unit: crate::tracks::Unit::Pixels,
                frames: vec![crate::tracks::Pair { time_secs: 0.0, left: Some(person), right: None }],
            };
            prop_assert_eq!(tracks.check(), Ok(()));
        }
    }

    #[test]
    fn every_picture_has_its_place(width in 1..3000u32, height in 1..3000u32, x in 0.0..1.0f64, y in 0.0..1.0f64) {
        for letterbox in [letterbox(width, height), Letterbox::around(320, 32, &Picture { width, height, rgb: Vec::new() })] {
            prop_assert!(letterbox.left + letterbox.inner_width <= letterbox.width);
            prop_assert!(letterbox.top + letterbox.inner_height <= letterbox.height);
            let (x, y) = (x * f64::from(width), y * f64::from(height));
            let (left, top) = (f64::from(letterbox.left), f64::from(letterbox.top));
            let back = letterbox.back((x * letterbox.gain + left) as f32, (y * letterbox.gain + top) as f32);
            prop_assert!((back.0 - x).abs() < 0.1 && (back.1 - y).abs() < 0.1);
        }
    }
}
