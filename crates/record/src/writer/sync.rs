//! The promise against power cuts: what has been written is on the disk itself a configured time later.
//!
//! One thread asks for it, file after file, so that no recorder waits for a disk that is busy. A kill loses nothing
//! that was written; this is about the machine going down.

use std::{
    fs::File,
    os::fd::AsRawFd,
    sync::Arc,
    time::{Duration, Instant},
};

use net::{Condition, Lock};

/// Failures are logged at most this often: a broken disk fails for every file, every second.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// Clones share the thread. It ends, after a last round, when the last of them goes.
#[derive(Debug, Clone)]
pub(crate) struct Syncer(Arc<Handle>);

#[derive(Debug)]
struct Handle(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Lock<State>,
    ended: Condition,
}

#[derive(Debug, Default)]
struct State {
    /// Written to since the last round.
    dirty: Vec<Arc<File>>,
    ended: bool,
}

impl Syncer {
    pub(crate) fn start(interval: Duration) -> Self {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("record-sync".into());
        if let Err(error) = thread.spawn(move || theirs.run(interval)) {
            tracing::error!(%error, "no thread that syncs recordings: after a power cut more of them may be lost");
        }
        Self(Arc::new(Handle(shared)))
    }

    /// The file's bytes are to be safe soon.
    pub(crate) fn soon(&self, file: &Arc<File>) {
        let mut state = self.0.0.state.lock();
        if !state.dirty.iter().any(|known| known.as_raw_fd() == file.as_raw_fd()) {
            state.dirty.push(Arc::clone(file));
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.state.lock().ended = true;
        self.0.ended.notify_all();
    }
}

impl Shared {
    fn run(&self, interval: Duration) {
        let mut logged = None;
        loop {
            let ended = self.rest(interval);
            let dirty = std::mem::take(&mut self.state.lock().dirty);
            for file in dirty {
                if let Err(error) = file.sync_data() {
                    log(&mut logged, &error);
                }
            }
            if ended {
                return;
            }
        }
    }

    /// Waits; true once there are no writers any more.
    fn rest(&self, interval: Duration) -> bool {
        self.ended.wait_timeout_while(self.state.lock(), interval, |state| !state.ended).ended
    }
}

fn log(logged: &mut Option<Instant>, error: &std::io::Error) {
    let now = Instant::now();
    if logged.is_none_or(|then| now.saturating_duration_since(then) >= LOG_EVERY) {
        *logged = Some(now);
        tracing::error!(%error, "the disk does not confirm what was recorded: a power cut may lose it");
    }
}
