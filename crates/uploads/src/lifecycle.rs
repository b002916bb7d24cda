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
            Phase::Create | Phase::ReceivingFrames | Phase::FramesComplete => {
                self.phase = Phase::FramesComplete
            }
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
mod tests;
