//! Giving way: live pictures come first where there is not enough processor for all.

/// Nicer than the threads that serve viewers, though not so nice that a busy machine starves it.
const NICENESS: i32 = 5;

/// Lowers this thread's priority. Where that cannot be done, its work takes its turn like everyone's.
#[cfg(target_os = "linux")]
pub fn lower_priority() {
    // On Linux a thread is a process to the scheduler (setpriority(2), 'C library/kernel differences').
    if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICENESS) {
        tracing::debug!(%error, "a thread keeps its priority");
    }
}

#[cfg(not(target_os = "linux"))]
pub fn lower_priority() {}
