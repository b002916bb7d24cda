//! Which clock told the times of a recording that this program has finished: when the clock is set, they are told anew, so
//! that what ended a moment ago is not weeks old.

use std::{collections::VecDeque, sync::atomic::Ordering};

use jiff::SignedDuration;
use net::Lock;

use super::{Store, metadata::write_metadata};
use crate::{Error, RecordingId, clock::ClockOffset};

/// The youngest; a machine whose clock is wrong for longer keeps the times of the others.
const KNOWN: usize = 1000;

#[derive(Debug, Default)]
pub(super) struct Clocks(Lock<VecDeque<(RecordingId, ClockOffset)>>);

impl Store {
    /// A recording has ended, and its times are told by that clock.
    pub(crate) fn note_end(&self, id: &RecordingId, clock: ClockOffset) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
        self.told_by(id, clock);
    }

    fn told_by(&self, id: &RecordingId, clock: ClockOffset) {
        let mut known = self.0.clocks.0.lock();
        known.push_back((id.clone(), clock));
        if known.len() > KNOWN {
            known.pop_front();
        }
    }

    /// Tells the times of what has ended by the clock as it is now. Gives how many recordings had others.
    pub(crate) fn follow_clock(&self, now: ClockOffset) -> usize {
        let known = std::mem::take(&mut *self.0.clocks.0.lock());
        let mut changed = 0;
        for (id, then) in known {
            if let Some(by) = now.set_since(then) {
                changed += 1;
                match self.tell_anew(&id, by) {
                    // Deleted meanwhile.
                    Err(Error::NotFound { .. }) => continue,
                    Err(error) => {
                        tracing::warn!(file = id.file.as_str(), %error, "a recording keeps the times of a clock that was wrong")
                    }
                    Ok(()) => {}
                }
            }
            self.told_by(&id, now);
        }
        changed
    }

    fn tell_anew(&self, id: &RecordingId, by: SignedDuration) -> Result<(), Error> {
        let _tidying = self.0.tidying.lock();
        let metadata = self.get(id)?.told_anew(by);
        let written = write_metadata(&self.folder(id)?, id, &metadata, false);
        self.put_away(id, &metadata, written.is_ok());
        written.map_err(|source| Error::Io { path: super::layout::place(self.directory(), id), source })
    }
}
