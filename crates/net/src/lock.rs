//! A mutex without poison, and the condition variable that goes with it.
//!
//! A panic while a lock is held must not take the server down. What our locks guard is changed by a few assignments, so
//! a thread that panics leaves nothing half-done that matters to the others, and they go on.

use std::{
    sync::{Condvar, Mutex, PoisonError},
    time::Duration,
};

pub use std::sync::MutexGuard as LockGuard;

/// [`std::sync::Mutex`], whose `lock` returns the guard even after a panic of another holder.
#[derive(Debug, Default)]
pub struct Lock<T: ?Sized>(Mutex<T>);

impl<T> Lock<T> {
    pub const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    pub fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: ?Sized> Lock<T> {
    pub fn lock(&self) -> LockGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// [`std::sync::Condvar`] for the guards of a [`Lock`].
#[derive(Debug, Default)]
pub struct Condition(Condvar);

impl Condition {
    pub const fn new() -> Self {
        Self(Condvar::new())
    }

    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    pub fn notify_all(&self) {
        self.0.notify_all();
    }

    /// May return without a notification.
    pub fn wait<'a, T>(&self, guard: LockGuard<'a, T>) -> LockGuard<'a, T> {
        self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    pub fn wait_while<'a, T>(
        &self,
        guard: LockGuard<'a, T>,
        condition: impl FnMut(&mut T) -> bool,
    ) -> LockGuard<'a, T> {
        self.0.wait_while(guard, condition).unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns after `limit` at the latest; may return without a notification.
    pub fn wait_timeout<'a, T>(&self, guard: LockGuard<'a, T>, limit: Duration) -> LockGuard<'a, T> {
        self.0.wait_timeout(guard, limit).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Waits while `condition` holds, for `limit` at most.
    pub fn wait_timeout_while<'a, T>(
        &self,
        guard: LockGuard<'a, T>,
        limit: Duration,
        condition: impl FnMut(&mut T) -> bool,
    ) -> LockGuard<'a, T> {
        self.0.wait_timeout_while(guard, limit, condition).unwrap_or_else(PoisonError::into_inner).0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_panic_of_one_holder_is_not_spread_to_the_next() {
        let lock = Arc::new(Lock::new(1));
        let theirs = Arc::clone(&lock);
        let panicked = std::thread::spawn(move || {
            let mut value = theirs.lock();
            *value = 2;
            panic!("while holding the lock");
        });
        assert!(panicked.join().is_err());
        assert_eq!(*lock.lock(), 2);
        assert_eq!(Arc::into_inner(lock).unwrap().into_inner(), 2);
    }

    #[test]
    fn a_waiter_is_woken_or_gives_up() {
        let both = Arc::new((Lock::new(false), Condition::new()));
        let theirs = Arc::clone(&both);
        let setter = std::thread::spawn(move || {
            *theirs.0.lock() = true;
            theirs.1.notify_all();
        });
        assert!(*both.1.wait_while(both.0.lock(), |done| !*done));
        setter.join().unwrap();
        assert!(*both.1.wait_timeout_while(both.0.lock(), Duration::ZERO, |done| *done));
    }
}
