//! Whole runs in a folder of their own, with a model that finds coloured rectangles.
#![allow(clippy::unwrap_used)]

use std::cell::Cell;
use std::fs::File;
use std::sync::Arc;

use media::canvas::{Rect, fill};
use media::fmp4::{Codec, Reader};
use media::{Picture, jpeg};
use serde_json::{Map, Value};
use tempfile::TempDir;

use super::*;
use crate::tracks::Tracks;

const FPS: f64 = 10.0;

const ONE_LIGHT: &[u8] = b" 0.000s | Phrase recording started\n 1.000s | Off-Target: Blade-to-blade contact.\n 1.500s | HIT: Left scores on Right!\n 2.400s | Phrase recording ended\nScores -> Fencer 1: MISS, Fencer 2: HIT\n";
const TWO_LIGHTS: &[u8] = b" 0.000s | Phrase recording started\n 1.500s | HIT: Simultaneous valid hits!\n 2.400s | Phrase recording ended\nScores -> Fencer 1: HIT, Fencer 2: HIT\n";

/// Red comes forward; blue stands.
fn bout(frame: u64) -> Picture {
    let mut picture = Picture::filled(320, 180, [90, 90, 90]);
    let person = |x: i32| Rect { x, y: 60, width: 34, height: 90 };
    fill(&mut picture, person(40 + 3 * frame as i32), [230, 20, 20]);
    fill(&mut picture, person(230), [20, 20, 230]);
    picture
}

fn referee(with_model: bool) -> Referee {
    let model = with_model.then(|| Arc::new(pose::tests::coloured()));
    Referee { lens: Some(Lens::default()), model }
}

struct Done {
    folder: TempDir,
    result: Result<Map<String, Value>, Error>,
    progress: Vec<Progress>,
}

impl Done {
    fn reader(&self, name: &str) -> Reader {
        let path = self.folder.path().join(name);
        Reader::open(File::open(&path).unwrap(), &path).unwrap()
    }
}

fn run(referee: &Referee, frames: u64, signal: Option<&[u8]>, overlay: bool) -> Done {
    let folder = tempfile::tempdir().unwrap();
    let beginning =
        Beginning { fps: FPS, width: 320, height: 180, folder: folder.path(), overlay, key_points: true };
    let mut run = referee.begin(&beginning).unwrap();
    for number in 0..frames {
        let bytes = jpeg::encode(&bout(number), 90).unwrap();
        let frame = Frame { number, captured: Some(1.7e9), encoding: Encoding::Jpeg, bytes: &bytes };
        run.push_frame(&frame).unwrap();
    }
    let mut progress = Vec::new();
    let result = run.finish(signal, &mut |stage| progress.push(stage), &|| false);
    Done { folder, result, progress }
}

fn frames_of(reader: &Reader) -> usize {
    (0..reader.fragments().len()).map(|at| reader.samples(at).unwrap().len()).sum()
}

#[test]
fn a_phrase_with_one_light_is_judged_and_shown() {
    let done = run(&referee(true), 25, Some(ONE_LIGHT), true);
    let result = done.result.as_ref().unwrap();
    assert_eq!(result["decision"]["winner"], "left");
    assert_eq!((&result["frames_analyzed"], &result["frames_unreadable"]), (&25.into(), &0.into()));
    for name in result["artifacts"].as_object().unwrap().values() {
        assert!(done.folder.path().join(name.as_str().unwrap()).exists(), "{name}");
    }
    assert!(!done.folder.path().join(files::SCRATCH).exists());

    let received = done.reader(files::RECEIVED);
    assert!(received.finished());
    assert_eq!((received.fragments().len(), frames_of(&received)), (3, 25));
    let first = received.read(&received.samples(0).unwrap()[0]).unwrap();
    assert_eq!(first, jpeg::encode(&bout(0), 90).unwrap(), "not encoded again");

    let overlay = done.reader(files::OVERLAY);
    assert!(matches!(overlay.track().codec, Codec::H264 { .. }) && overlay.finished());
    assert_eq!(overlay.fragments().len(), 4, "three groups and the card");
    assert!((0..4).all(|at| overlay.samples(at).unwrap()[0].sample.key));
}

#[test]
fn fencers_are_followed_through_the_phrase() {
    let done = run(&referee(true), 25, Some(TWO_LIGHTS), false);
    let tracks = Tracks::read(&std::fs::read(done.folder.path().join(files::KEY_POINTS)).unwrap()).unwrap();
    assert_eq!(tracks.frames.len(), 25);
    let middle = |at: usize| {
        let pair = tracks.frames[at];
        (pair.left.unwrap().key_points[11].x, pair.right.unwrap().key_points[11].x)
    };
    assert!(middle(20).0 > middle(2).0 + 40.0);
    assert!((middle(20).1 - middle(2).1).abs() < 4.0);
    let result = done.result.unwrap();
    assert_eq!(result["keypoints"]["left"].as_array().unwrap().len(), 25);
    assert!(!result["decision"]["reason"].as_str().unwrap().is_empty());
    assert!(!done.folder.path().join(files::OVERLAY).exists());
}

#[test]
fn each_stage_ends_at_one_in_its_order() {
    for overlay in [true, false] {
        let done = run(&referee(true), 12, Some(ONE_LIGHT), overlay);
        let ended: Vec<&str> = done
            .progress
            .iter()
            .filter(|progress| progress.share == 1.0)
            .map(|progress| progress.stage)
            .collect();
        assert_eq!(ended, ["video_reconstruction", "fisheye", "yolo", "decision", "overlay"]);
    }
}

#[test]
fn without_a_model_one_light_is_judged_and_two_are_not() {
    let done = run(&referee(false), 12, Some(ONE_LIGHT), true);
    assert_eq!(done.result.as_ref().unwrap()["decision"]["winner"], "left");
    assert!(done.progress.iter().any(|progress| progress.message.starts_with("Skipped")));
    assert_eq!(frames_of(&done.reader(files::OVERLAY)), 12 + 5);
    let error = run(&referee(false), 12, Some(TWO_LIGHTS), true).result.unwrap_err();
    assert!(error.to_string().contains("REFEREE_YOLO_MODEL"), "{error}");
}

#[test]
fn a_bad_or_missing_log_is_told() {
    let error =
        run(&referee(false), 2, Some(b" x.000s | HIT: Left scores on Right!"), true).result.unwrap_err();
    assert!(matches!(error, Error::Signal(_)), "{error}");
    assert!(matches!(run(&referee(false), 2, None, true).result.unwrap_err(), Error::NoSignal));
    assert!(matches!(
        run(&referee(false), 0, Some(ONE_LIGHT), true).result.unwrap_err(),
        Error::NoPicture { .. }
    ));
}

fn push(run: &mut Run, number: u64, encoding: Encoding, bytes: &[u8]) -> Result<(), Error> {
    run.push_frame(&Frame { number, captured: None, encoding, bytes })
}

#[test]
fn other_encodings_gaps_and_damage_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    let beginning = Beginning {
        fps: FPS,
        width: 320,
        height: 180,
        folder: folder.path(),
        overlay: true,
        key_points: false,
    };
    let mut run = referee(true).begin(&beginning).unwrap();
    let bgr: Vec<u8> = bout(0).rgb.as_chunks::<3>().0.iter().flat_map(|&[r, g, b]| [b, g, r]).collect();
    push(&mut run, 3, Encoding::Raw { width: 320, height: 180, channels: 3 }, &bgr).unwrap();
    push(&mut run, 4, Encoding::Raw { width: 320, height: 180, channels: 1 }, &bgr[..320 * 180]).unwrap();
    let whole = jpeg::encode(&bout(2), 90).unwrap();
    push(&mut run, 5, Encoding::Jpeg, &whole[..whole.len() / 2]).unwrap();
    push(&mut run, 6, Encoding::Png, b"no PNG").unwrap();
    push(&mut run, 7, Encoding::Raw { width: 320, height: 180, channels: 3 }, &bgr[1..]).unwrap();
    push(&mut run, 10_000_000, Encoding::Jpeg, &whole).unwrap();
    let small = jpeg::encode(&Picture::filled(160, 90, [0; 3]), 90).unwrap();
    let error = push(&mut run, 10_000_001, Encoding::Jpeg, &small).unwrap_err();
    assert!(matches!(error, Error::OtherSize { width: 160, .. }), "{error}");
    let result = run.finish(Some(ONE_LIGHT), &mut |_| (), &|| false).unwrap();
    assert_eq!((&result["frames_analyzed"], &result["frames_unreadable"]), (&3.into(), &3.into()));
}

#[test]
fn a_run_that_is_stopped_ends_between_steps() {
    let folder = tempfile::tempdir().unwrap();
    let beginning = Beginning {
        fps: FPS,
        width: 320,
        height: 180,
        folder: folder.path(),
        overlay: true,
        key_points: false,
    };
    let mut run = referee(false).begin(&beginning).unwrap();
    for number in 0..40 {
        push(&mut run, number, Encoding::Jpeg, &jpeg::encode(&bout(number), 90).unwrap()).unwrap();
    }
    let told = Cell::new(0);
    let mut last = None;
    let result = run.finish(
        Some(ONE_LIGHT),
        &mut |progress| {
            told.set(told.get() + 1);
            last = Some(progress.share);
        },
        &|| told.get() >= 5,
    );
    assert!(matches!(result, Err(Error::Stopped)));
    assert!(told.get() == 5 && last.unwrap() < 1.0);
}

#[test]
fn a_small_picture_has_no_overlay_and_a_tiny_one_no_correction() {
    let folder = tempfile::tempdir().unwrap();
    let beginning = Beginning {
        fps: FPS,
        width: 12,
        height: 12,
        folder: folder.path(),
        overlay: true,
        key_points: false,
    };
    assert!(matches!(referee(false).begin(&beginning).unwrap_err(), Error::Media(_)));
    let plain = Referee::default();
    let folder = tempfile::tempdir().unwrap();
    let mut run = plain.begin(&Beginning { folder: folder.path(), ..beginning }).unwrap();
    push(&mut run, 0, Encoding::Jpeg, &jpeg::encode(&Picture::filled(12, 12, [9; 3]), 90).unwrap()).unwrap();
    let result = run.finish(Some(ONE_LIGHT), &mut |_| (), &|| false).unwrap();
    assert!(result["artifacts"].get("overlay").is_none());
}

#[test]
fn the_other_pipeline_writes_a_line_a_frame() {
    let folder = tempfile::tempdir().unwrap();
    let error = poses::Poses::begin(None, FPS, folder.path()).unwrap_err();
    assert!(error.to_string().contains("REFEREE_YOLO_MODEL"), "{error}");
    let model = Arc::new(pose::tests::coloured());
    let mut run = poses::Poses::begin(Some(model), FPS, folder.path()).unwrap();
    for number in 0..3 {
        let bytes = jpeg::encode(&bout(number), 90).unwrap();
        run.push_frame(&Frame { number, captured: None, encoding: Encoding::Jpeg, bytes: &bytes }).unwrap();
    }
    let result = run.finish().unwrap();
    assert_eq!((&result["frames_analyzed"], &result["persons"]), (&3.into(), &6.into()));
    let lines = std::fs::read_to_string(folder.path().join(files::POSES)).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[2]["frame"]), (3, &2.into()));
    assert_eq!(lines[1]["persons"][0]["key_points"].as_array().unwrap().len(), 17);
}
