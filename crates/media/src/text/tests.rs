//! Tests of `text`.
use proptest::prelude::*;

use super::*;

fn sans(size_px: f32) -> Pen {
    Pen::new(Face::Sans, size_px)
}

fn ink(picture: &Picture) -> usize {
    picture.rgb.iter().filter(|&&v| v > 0).count()
}

#[test]
fn every_character_promised_has_a_glyph_in_both_faces() {
    for face in [Face::Sans, Face::MonoBold] {
        for character in (' '..='~').chain("…·×–°".chars()) {
            assert_ne!(face.font().glyph_id(character).0, 0, "{character} in {face:?}");
        }
    }
}

#[test]
fn text_leaves_ink_where_it_is_drawn_and_nowhere_else() {
    let mut picture = Picture::filled(200, 60, [0; 3]);
    let mut pen = Pen::new(Face::Sans, 20.0);
    let area = pen.draw(&mut picture, 50, 20, [255; 3], "Waiting… f");
    assert!(ink(&picture) > 300);
    canvas::fill(&mut picture, area, [0; 3]);
    assert_eq!(ink(&picture), 0);
}

#[test]
fn width_grows_with_size_and_text() {
    assert_eq!(sans(20.0).width(""), 0);
    assert!(sans(20.0).width("ab") > sans(20.0).width("a"));
    assert!(sans(40.0).width("ab") > sans(20.0).width("ab"));
    let pen = Pen::new(Face::MonoBold, 30.0);
    assert_eq!(pen.width("11:11"), pen.width("88:88"));
}

#[test]
fn a_missing_character_is_a_question_mark() {
    let mut with = Picture::filled(40, 40, [0; 3]);
    let mut without = with.clone();
    sans(24.0).draw(&mut with, 2, 2, [255; 3], "日");
    sans(24.0).draw(&mut without, 2, 2, [255; 3], "?");
    assert_eq!(with, without);
}

proptest! {
    #[test]
    fn no_place_size_or_text_panics(
        x in any::<i32>(), y in any::<i32>(),
        near_x in -60..60i32, near_y in -60..60i32,
        size in prop_oneof![0.0..80.0f32, Just(f32::NAN), Just(f32::INFINITY), Just(-1.0)],
        text in ".{0,12}",
    ) {
        let mut picture = Picture::filled(32, 24, [0; 3]);
        let size = if size.is_infinite() { 300.0 } else { size };
        sans(size).draw(&mut picture, x, y, [255; 3], &text);
        sans(size).draw(&mut picture, near_x, near_y, [255; 3], &text);
        sans(size).width(&text);
    }
}
