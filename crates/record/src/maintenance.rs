//! The thread that maintains the store: recovers it at start, deletes what is old once a day and what is too much every
//! hour, and watches that the disk does not fill up.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use jiff::Timestamp;

use crate::{Sweep, context::Context, shutdown::Shutdown, store::retention};

/// How often the disk's free space is checked.
const LOOK: Duration = Duration::from_secs(5);
const HOUR: Duration = Duration::from_secs(3600);
/// While the disk stays low, room is made at most this often.
const MAKE_ROOM: Duration = Duration::from_secs(60);

pub(crate) fn start(context: Context, shutdown: Arc<Shutdown>) {
    let thread = std::thread::Builder::new().name("record-keep".into());
    if let Err(error) = thread.spawn(move || Maintenance::new(context).run(&shutdown)) {
        tracing::error!(%error, "no thread that keeps the recordings: none is recovered, and old ones stay");
    }
}

struct Maintenance {
    context: Context,
    daily: Timestamp,
    hourly: Instant,
    made_room: Option<Instant>,
}

impl Maintenance {
    fn new(context: Context) -> Self {
        let daily = retention::next_run(&retention::local_now(), context.config.schedule);
        Self { context, daily, hourly: Instant::now() + HOUR, made_room: None }
    }

    fn run(mut self, shutdown: &Shutdown) {
        self.watch_disk();
        if let Err(error) = self.context.store.reconcile() {
            tracing::error!(%error, "the recordings cannot be looked through");
        }
        // A machine that is off at that time of the day keeps its promise too.
        self.sweep(Sweep::Age);
        self.sweep(Sweep::Sizes);
        while !shutdown.wait(LOOK) {
            self.round();
        }
    }

    fn round(&mut self) {
        if Timestamp::now() >= self.daily {
            self.sweep(Sweep::Age);
            self.daily = retention::next_run(&retention::local_now(), self.context.config.schedule);
        }
        if Instant::now() >= self.hourly {
            self.sweep(Sweep::Sizes);
            self.hourly = Instant::now() + HOUR;
        }
        self.watch_disk();
    }

    fn sweep(&self, which: Sweep) {
        if let Err(error) = self.context.store.sweep(Timestamp::now(), &self.context.config.retention, which)
        {
            tracing::error!(%error, "old recordings cannot be deleted");
        }
    }

    /// Makes room where the disk has less than it has to keep, and lets recording pause while it still has.
    fn watch_disk(&mut self) {
        let is_low = || {
            let free = self.context.store.disk().map(|disk| disk.free_bytes);
            free.is_ok_and(|free| free < self.context.config.retention.min_free_bytes)
        };
        let mut low = is_low();
        if low && self.made_room.is_none_or(|then| then.elapsed() >= MAKE_ROOM) {
            self.sweep(Sweep::Sizes);
            low = is_low();
            self.made_room = Some(Instant::now());
        }
        self.context.disk_is_low.store(low, Ordering::Relaxed);
    }
}
