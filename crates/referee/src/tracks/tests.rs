//! Key-point files: what is read, what comes back, and how mistakes are told.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::fuzz;

fn points(x: f64) -> String {
    let point = format!("[{x},2.5]");
    format!("[{}]", vec![point; 17].join(","))
}

fn message(json: &str) -> String {
    Tracks::read(json.as_bytes()).unwrap_err().to_string()
}

#[test]
fn a_plain_file_is_read() {
    let (left, right) = (points(3.0), points(7.0));
    let json = format!(r#"{{"fps":15.0,"left":[{left},null],"right":[{right},{right}]}}"#);
    let tracks = Tracks::read(json.as_bytes()).unwrap();
    assert_eq!((tracks.fps, tracks.unit, tracks.frames.len()), (15.0, Unit::QuarterStartDistance, 2));
    let left = tracks.frames[0].left.unwrap();
    assert_eq!(left.key_points[16], KeyPoint { x: 3.0, y: 2.5, score: 1.0 });
    assert_eq!(left.bounds, Bounds { left: 3.0, top: 2.5, right: 3.0, bottom: 2.5 });
    assert_eq!((tracks.frames[1].time_secs, tracks.frames[1].left), (1.0 / 15.0, None));
}

#[test]
fn a_point_that_was_not_seen_may_be_null_in_every_way_of_writing_it() {
    let (left, right) = (points(3.0), points(7.0));
    for unseen in ["null", "[null,null]", "[NaN,NaN]", "[null,null,null]", "[Infinity,2]"] {
        let json = format!(
            r#"{{"fps":15.0,"left":[{left},{left},[{}]],"right":[{right},{right},{right}]}}"#,
            [unseen; 17].join(",")
        );
        let json = json.replacen(",[3,2.5]", &format!(",{unseen}"), 1);
        let tracks = Tracks::read(json.as_bytes()).unwrap();
        assert_eq!(
            tracks.frames[0].left.unwrap().key_points[1],
            KeyPoint { x: 3.0, y: 2.5, score: 0.0 },
            "{unseen}"
        );
        assert_eq!(tracks.frames[2].left, None, "{unseen}");
    }
}

#[test]
fn scores_boxes_times_units_and_a_byte_order_mark_are_read() {
    let point = "[1,2,0.5]";
    let person = format!("[{}]", [point; 17].join(","));
    let json = format!(
        "\u{feff}{{\"fps\":30,\"unit\":\"pixels\",\"time_secs\":[0.4],\"left\":[{person}],\"right\":[null],\
         \"left_box\":[[0,1,2,3,0.25]],\"note\":{{\"by\":[\"someone\"]}}}}"
    );
    let tracks = Tracks::read(json.as_bytes()).unwrap();
    let left = tracks.frames[0].left.unwrap();
    assert_eq!((tracks.unit, tracks.frames[0].time_secs), (Unit::Pixels, 0.4));
    assert_eq!((left.key_points[3].score, left.score, left.bounds.bottom), (0.5, 0.25, 3.0));
}

#[test]
fn mistakes_are_told_with_their_place() {
    let (good, short) = (points(3.0), format!("[{}]", ["[1,2]"; 16].join(",")));
    let file = |left: &str| format!(r#"{{"fps":15,"left":[{good},{left}],"right":[null,null]}}"#);
    assert!(
        message(&file(&short))
            .contains("left fencer, frame 1: invalid length 16, expected an array of length 17")
    );
    assert!(message(&file("[[1]]")).contains("frame 1: invalid length 1, expected a key point [x, y]"));
    assert!(message(&file("[[1,2,1,0]]")).contains("expected a key point [x, y]"));
    assert!(message(&file(&points(1e7))).contains("frame 1, left fencer, nose is 10000000"));
    assert!(
        message(&file(&points(1.0)).replace("null]", "null,null]"))
            .contains("2 frames of the left fencer and 3")
    );
    assert!(message(r#"{"fps":15,"left":[]}"#).contains("missing field `right`"));
    assert!(message(r#"{"fps":0,"left":[],"right":[]}"#).contains("fps is 0"));
    assert!(
        message(r#"{"fps":15,"left":[null],"right":[null],"time_secs":[]}"#)
            .contains("0 entries in `time_secs`")
    );
    assert!(
        message(r#"{"fps":15,"left":[null,null],"right":[null,null],"time_secs":[1,1]}"#)
            .contains("frame 1 is at 1 s")
    );
    assert!(message("").contains("not a key-point file: EOF"));
}

#[test]
fn a_file_beyond_the_limits_is_refused() {
    let nulls = vec!["null"; MAX_FRAMES + 1].join(",");
    let json = format!(r#"{{"fps":15,"left":[{nulls}],"right":[]}}"#);
    assert!(message(&json).contains("more than 108000 frames: cut the recording into phrases"));
    let error = Tracks::read(&vec![b' '; MAX_FILE_BYTES + 1]).unwrap_err();
    assert_eq!(error.code(), "KEYPOINTS_TOO_LARGE");
}

#[test]
fn what_is_no_number_is_not_written() {
    let person = Person { bounds: Bounds::default(), score: f64::NAN, key_points: [KeyPoint::default(); 17] };
    let frames = vec![Pair { time_secs: 0.0, left: Some(person), right: None }];
    let error = Tracks { fps: 15.0, unit: Unit::Pixels, frames }.write().unwrap_err();
    assert!(error.to_string().contains("frame 0, left fencer, the box is NaN"), "{error}");
}

fn persons() -> impl Strategy<Value = Option<Person>> {
    let point = (-1e6..1e6, -1e6..1e6, 0.0..=1.0).prop_map(|(x, y, score)| KeyPoint { x, y, score });
    let bounds = [-1e6..1e6, -1e6..1e6, -1e6..1e6, -1e6..1e6].prop_map(|[left, top, right, bottom]| Bounds {
        left,
        top,
        right,
        bottom,
    });
    let key_points = proptest::array::uniform17(point);
    let person = (bounds, 0.0..=1.0, key_points).prop_map(|(bounds, score, key_points)| Person {
        bounds,
        score,
        key_points,
    });
    proptest::option::of(person)
}

fn tracks() -> impl Strategy<Value = Tracks> {
    let pairs = proptest::collection::vec((0.001..9.0, persons(), persons()), 0..4);
    (0.1..1e3, any::<bool>(), pairs).prop_map(|(fps, pixels, pairs)| {
        let unit = if pixels { Unit::Pixels } else { Unit::QuarterStartDistance };
        let mut time_secs = 0.0;
        let frames = pairs.into_iter().map(|(step, left, right)| {
            time_secs += step;
            Pair { time_secs, left, right }
        });
        Tracks { fps, unit, frames: frames.collect() }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_back_equal(tracks in tracks()) {
        prop_assert_eq!(Tracks::read(&tracks.write().unwrap()).unwrap(), tracks);
    }

    #[test]
    fn damaged_files_never_panic(tracks in tracks(), place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut json = tracks.write().unwrap();
        let place = place.index(json.len());
        json[place] = byte;
        fuzz::tracks(&json);
        fuzz::tracks(&json[..place]);
    }
}
