//! A thread whose end can be waited for with a limit, which the standard library's handle cannot.

use std::{
    io,
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    time::Duration,
};

use crate::Lock;

/// Dropping it leaves the thread running.
#[derive(Debug)]
pub struct Thread {
    /// Disconnected when the thread has ended.
    ended: Lock<Receiver<()>>,
}

impl Thread {
    /// # Errors
    /// The system gives no thread.
    pub fn start(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let (ending, ended) = mpsc::sync_channel::<()>(0);
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            // Dropped last, also by a panic.
            let _ending = ending;
            work();
        })?;
        Ok(Self { ended: Lock::new(ended) })
    }

    /// Waits for the end, for `limit` at most; whether it has come.
    pub fn join(&self, limit: Duration) -> bool {
        matches!(self.ended.lock().recv_timeout(limit), Err(RecvTimeoutError::Disconnected))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_end_is_waited_for_with_a_limit() {
        let (go_on, may_end) = mpsc::channel::<()>();
        let thread = Thread::start("test", move || may_end.recv().unwrap()).unwrap();
        assert!(!thread.join(Duration::ZERO));
        go_on.send(()).unwrap();
        assert!(thread.join(Duration::from_secs(60)) && thread.join(Duration::ZERO));
    }

    #[test]
    fn a_thread_that_panicked_has_ended() {
        let thread = Thread::start("test", || panic!("in the thread")).unwrap();
        assert!(thread.join(Duration::from_secs(60)));
    }
}
