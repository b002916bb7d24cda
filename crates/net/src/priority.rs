//! Threads that give way: live pictures come first where there is not enough processor for all.

/// Nicer than the threads that serve viewers, though not so nice that a busy machine starves it.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 5;

/// Lowers the priority of this thread, and of those that it starts from now on. Where the system refuses, the thread
/// keeps its priority.
#[cfg(target_os = "linux")]
pub fn lower_priority() {
    // On Linux a thread is a process to the scheduler (setpriority(2), 'C library/kernel differences').
    if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICENESS) {
        tracing::debug!(%error, "a thread keeps its priority");
    }
}

#[cfg(not(target_os = "linux"))]
pub fn lower_priority() {}
