//! What belongs to one process. A fork copies memory but no threads: in the child, a handle on the parent's threads is
//! good for nothing, and a lock that one of them held at that moment stays locked for ever.

use std::mem::ManuallyDrop;

/// A value of the process that made it. In a child it is out of reach, and leaked rather than dropped.
#[derive(Debug)]
pub(crate) struct OfProcess<T> {
    pid: u32,
    value: ManuallyDrop<T>,
}

impl<T> OfProcess<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { pid: std::process::id(), value: ManuallyDrop::new(value) }
    }

    /// None: this is a child of the process that made it.
    pub(crate) fn get(&self) -> Option<&T> {
        (self.pid == std::process::id()).then_some(&*self.value)
    }

    /// The process that made it.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }
}

impl<T> Drop for OfProcess<T> {
    fn drop(&mut self) {
        if self.pid == std::process::id() {
            // SAFETY: the value is dropped here alone, and never used after.
            unsafe { ManuallyDrop::drop(&mut self.value) }
        }
    }
}
