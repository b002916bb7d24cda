//! The one lock type of this crate: `std`'s, or loom's when its models run (`--cfg loom`); and the waking that follows
//! once it is released.
//!
//! A panic while the lock is held cannot leave the ring half-changed in a way that matters to readers (every update
//! is a handful of field writes), so a poisoned lock is taken over rather than spread to every viewer.

use std::task::Waker;

#[cfg(loom)]
use loom::sync as imp;
#[cfg(not(loom))]
use std::sync as imp;

pub(crate) use imp::MutexGuard;

#[derive(Debug)]
pub(crate) struct Mutex<T>(imp::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(imp::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// To be called without a lock held: a waker may run anything.
pub(crate) fn wake(wakers: impl IntoIterator<Item = Waker>) {
    for waker in wakers {
        waker.wake();
    }
}
