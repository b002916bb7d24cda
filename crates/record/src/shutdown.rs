//! The end of the room: told once, waited for by its threads.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

#[derive(Debug, Default)]
pub(crate) struct Shutdown {
    closed: Mutex<bool>,
    told: Condvar,
    /// Threads that wait for something else.
    sleepers: Mutex<Vec<std::thread::Thread>>,
}

impl Shutdown {
    fn closed(&self) -> MutexGuard<'_, bool> {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_closed(&self) -> bool {
        *self.closed()
    }

    pub(crate) fn close(&self) {
        *self.closed() = true;
        self.told.notify_all();
        for thread in self.sleepers.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            thread.unpark();
        }
    }

    /// This thread is to be unparked at the end.
    pub(crate) fn unparks_me(&self) {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner).push(std::thread::current());
    }

    /// Waits; true once the end has come.
    pub(crate) fn wait(&self, patience: Duration) -> bool {
        let waited = self.told.wait_timeout_while(self.closed(), patience, |closed| !*closed);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
