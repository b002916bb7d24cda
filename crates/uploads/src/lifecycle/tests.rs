//! Tests of `lifecycle`.
#![allow(clippy::unwrap_used)]
use bytes::Bytes;

use super::*;

fn signal() -> Signal {
    Signal { filename: "signal.txt".into(), bytes: Bytes::new() }
}

fn with_frames(count: u64) -> Lifecycle {
    let mut life = Lifecycle::new(None);
    for number in 0..count {
        life.check_frame().unwrap();
        assert!(life.frame(number));
    }
    life
}

#[test]
fn from_the_first_frame_to_the_verdict() {
    let mut life = with_frames(2);
    assert_eq!(life.phase, Phase::ReceivingFrames);
    assert!(matches!(life.next(), Next::Frame(0)));
    assert!(!life.end(Some(2)).unwrap().valid, "two frames are few");
    assert!(!life.process(), "the signal is missing");
    assert!(matches!(life.next(), Next::Frame(1)));
    assert!(matches!(life.next(), Next::Wait));
    life.signal(signal()).unwrap();
    assert!(life.process() && !life.process());
    assert!(matches!(life.next(), Next::Finish(Some(_))));
    life.clean_up();
    assert_eq!(life.phase.as_str(), "cleanup");
}

#[test]
fn what_is_out_of_turn() {
    let mut life = Lifecycle::new(None);
    life.frame(0);
    life.end(None).unwrap();
    life.end(None).unwrap();
    assert!(matches!(life.check_frame(), Err(Error::OutOfTurn { .. })));
    life.signal(signal()).unwrap();
    assert!(life.process());
    assert!(matches!(life.end(None), Err(Error::TooLateToEnd)));
    assert!(matches!(life.signal(signal()), Err(Error::OutOfTurn { .. })));
}

#[test]
fn a_camera_that_gave_nothing_is_an_issue_and_no_error() {
    let mut life = Lifecycle::new(None);
    let validation = life.end(Some(0)).unwrap();
    assert!(!validation.valid && validation.frame_count == 0, "{validation:?}");
    assert!(matches!(life.check_frame(), Err(Error::OutOfTurn { .. })));
    life.signal(signal()).unwrap();
    assert!(life.process());
}

#[test]
fn an_early_signal_waits_for_the_end_of_the_frames() {
    let mut life = with_frames(1);
    life.signal(signal()).unwrap();
    assert!(!life.process());
    assert!(life.end(None).unwrap().has_signal);
    assert!(life.process());
}

#[test]
fn a_frame_that_was_passed_over_begins_the_analysis_again() {
    let mut life = Lifecycle::new(None);
    (1..40).for_each(|number| assert!(life.frame(number)));
    assert!(matches!(life.next(), Next::Frame(1)));
    assert!(life.frame(0));
    assert!(matches!(life.next(), Next::BeginAgain));
    assert!(matches!(life.next(), Next::Frame(0)));
}
