//! The end of recording: announced once, waited for by its threads.

use std::{thread::Thread, time::Duration};

use net::{Condition, Lock};

#[derive(Debug, Default)]
pub(crate) struct Shutdown {
    closed: Lock<bool>,
    closing: Condition,
    /// Threads that wait for something else.
    sleepers: Lock<Vec<Thread>>,
}

impl Shutdown {
    pub(crate) fn is_closed(&self) -> bool {
        *self.closed.lock()
    }

    pub(crate) fn close(&self) {
        *self.closed.lock() = true;
        self.closing.notify_all();
        for thread in self.sleepers.lock().drain(..) {
            thread.unpark();
        }
    }

    /// This thread is to be unparked at the end.
    pub(crate) fn unparks_me(&self) {
        self.sleepers.lock().push(std::thread::current());
    }

    /// Waits; true once the end has come.
    pub(crate) fn wait(&self, patience: Duration) -> bool {
        *self.closing.wait_timeout_while(self.closed.lock(), patience, |closed| !*closed)
    }
}
