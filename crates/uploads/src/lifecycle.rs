//! The states of a session and what may happen in each: pure.
//!
//! ```text
//! CREATE -> RECEIVING_FRAMES -> FRAMES_COMPLETE -> PROCESSING -> CLEANUP
//! ```
//! The signal is due in FRAMES_COMPLETE; one that comes earlier is kept, and then the end of the frames begins the
//! processing.

use wire::upload::Validation;

use crate::{
    analysis::Signal,
    error::Error,
    order::{Cursor, Order, Step},
    validation,
};

/// Where a session stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    #[default]
    Create,
    ReceivingFrames,
    FramesComplete,
    Processing,
    Cleanup,
}

impl Phase {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::ReceivingFrames => "receiving_frames",
            Self::FramesComplete => "frames_complete",
            Self::Processing => "processing",
            Self::Cleanup => "cleanup",
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Lifecycle {
    pub(crate) phase: Phase,
    pub(crate) order: Order,
    expected: Option<u64>,
    signal: Option<Signal>,
    cursor: Cursor,
    /// A frame came whose turn in the analysis was over.
    is_late: bool,
}

/// What the analysis does next.
#[derive(Debug, Clone)]
pub(crate) enum Next {
    Frame(u64),
    /// All frames and the signal have come.
    Finish(Option<Signal>),
    /// Once more from the first frame: one of those passed over came after all.
    BeginAgain,
    Wait,
}

impl Lifecycle {
    pub(crate) fn new(expected: Option<u64>) -> Self {
        Self { expected, ..Self::default() }
    }

    // ---- what the client does ----

    pub(crate) fn check_frame(&self) -> Result<(), Error> {
        match self.phase {
            Phase::Create | Phase::ReceivingFrames => Ok(()),
            _ => Err(Error::OutOfTurn { what: "a frame", when: "after session_end" }),
        }
    }

    /// A frame is there; false: it was before.
    pub(crate) fn frame(&mut self, number: u64) -> bool {
        let is_new = self.order.take(number);
        self.is_late |= is_new && self.cursor.is_late(number);
        self.phase = Phase::ReceivingFrames;
        is_new
    }

    /// `total`: as the client counts. A client that resumes may say it again.
    pub(crate) fn end(&mut self, total: Option<u64>) -> Result<Validation, Error> {
        match self.phase {
            Phase::Create => return Err(Error::NoFrames),
            Phase::ReceivingFrames | Phase::FramesComplete => self.phase = Phase::FramesComplete,
            Phase::Processing | Phase::Cleanup => return Err(Error::TooLateToEnd),
        }
        Ok(validation::of(&self.order, total, self.expected, self.signal.is_some()))
    }

    pub(crate) fn signal(&mut self, signal: Signal) -> Result<(), Error> {
        if matches!(self.phase, Phase::Processing | Phase::Cleanup) {
            return Err(Error::OutOfTurn { what: "a signal", when: "once the analysis is being finished" });
        }
        self.signal = Some(signal);
        Ok(())
    }

    /// Moves on to processing if everything for it is there.
    pub(crate) fn process(&mut self) -> bool {
        let is_due = self.phase == Phase::FramesComplete && self.signal.is_some();
        if is_due {
            self.phase = Phase::Processing;
        }
        is_due
    }

    pub(crate) fn clean_up(&mut self) {
        self.phase = Phase::Cleanup;
    }

    // ---- what the analysis does ----

    pub(crate) fn next(&mut self) -> Next {
        if std::mem::take(&mut self.is_late) {
            self.cursor.begin_again();
            return Next::BeginAgain;
        }
        let is_complete = matches!(self.phase, Phase::FramesComplete | Phase::Processing);
        match self.cursor.step(&self.order, is_complete) {
            Step::Take(number) => {
                self.cursor.taken(number);
                Next::Frame(number)
            }
            Step::End if self.phase == Phase::Processing => Next::Finish(self.signal.clone()),
            Step::End | Step::Wait => Next::Wait,
        }
    }
}

#[cfg(test)]
mod tests {
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
        assert!(matches!(life.end(None), Err(Error::NoFrames)));
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
}
