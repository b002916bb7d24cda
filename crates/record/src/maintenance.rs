//! The thread that maintains the store: recovers it at start, deletes what is old once a day and what is too much every
//! hour, and watches that the disk does not fill up.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use jiff::Timestamp;

use crate::{Retention, Sweep, clock::ClockOffset, context::Context, shutdown::Shutdown, store::retention};

/// How often the disk's free space is checked.
const LOOK: Duration = Duration::from_secs(1);
/// A clock that was set is believed after so long: one that runs ahead for a while makes nothing old.
const HELD: Duration = Duration::from_secs(600);
/// The same for the clock at the start, which is set soon if at all.
const HELD_AT_START: Duration = Duration::from_secs(15);
const HOUR: Duration = Duration::from_secs(3600);
/// Room is made for what recorders write until so many looks later.
const LOOKS_AHEAD: u64 = 2;
/// After a look through all recordings that found nothing to delete, the next one comes so much later, or when one has
/// ended.
const FRUITLESS: Duration = Duration::from_secs(5);

pub(crate) fn start(context: Context, shutdown: Arc<Shutdown>) {
    let thread = std::thread::Builder::new().name("record-keep".into());
    if let Err(error) = thread.spawn(move || Maintenance::new(context).run(&shutdown)) {
        tracing::error!(%error, "no thread that keeps the recordings: none is recovered, and old ones stay");
    }
}

struct Maintenance {
    context: Context,
    /// What is too old is to be deleted, once the clock can be believed.
    age_is_due: bool,
    clock: ClockOffset,
    /// The clock is not believed before: it may have been wrong at the start, and set too far.
    believed_at: Instant,
    daily: Timestamp,
    hourly: Instant,
    /// Bytes written by all recorders until the last look at the disk.
    written: u64,
    /// When nothing was left to delete, although room was wanted, and how many recordings had ended by then.
    fruitless: Option<(Instant, u64)>,
}

impl Maintenance {
    fn new(context: Context) -> Self {
        let daily = retention::next_run(&retention::local_now(), context.config.schedule);
        let now = Instant::now();
        Self {
            context,
            // A machine that is off at that time of the day keeps its promise too.
            age_is_due: true,
            clock: ClockOffset::now(),
            believed_at: now + HELD_AT_START,
            daily,
            hourly: now + HOUR,
            written: 0,
            fruitless: None,
        }
    }

    fn run(mut self, shutdown: &Shutdown) {
        self.watch_disk();
        if let Err(error) = self.context.store.reconcile() {
            tracing::error!(%error, "the recordings cannot be looked through");
        }
        self.sweep(Sweep::Sizes);
        while !shutdown.wait(LOOK) {
            self.round();
        }
    }

    fn round(&mut self) {
        self.follow_clock(ClockOffset::now(), Instant::now());
        if Timestamp::now() >= self.daily {
            self.age_is_due = true;
            self.daily = retention::next_run(&retention::local_now(), self.context.config.schedule);
        }
        if self.age_is_due && Instant::now() >= self.believed_at {
            self.sweep(Sweep::Age);
            self.age_is_due = false;
        }
        if Instant::now() >= self.hourly {
            self.sweep(Sweep::Sizes);
            self.hourly = Instant::now() + HOUR;
        }
        self.watch_disk();
    }

    /// When the clock was set, what has ended is told by the new one, and nothing is too old until that has held.
    fn follow_clock(&mut self, clock: ClockOffset, now: Instant) {
        let set = clock.set_since(std::mem::replace(&mut self.clock, clock));
        let Some(by) = set else { return };
        self.believed_at = now + HELD;
        self.daily = retention::next_run(&retention::local_now(), self.context.config.schedule);
        let recordings = self.context.store.follow_clock(clock);
        tracing::info!(
            by_seconds = by.as_secs(),
            recordings,
            "the clock was set: what was recorded since the start is told by it"
        );
    }

    fn sweep(&self, which: Sweep) {
        self.sweep_by(&self.context.config.retention, which);
    }

    /// How many recordings were deleted.
    fn sweep_by(&self, retention: &Retention, which: Sweep) -> u64 {
        match self.context.store.sweep(Timestamp::now(), retention, which) {
            Ok(report) => report.deleted,
            Err(error) => {
                tracing::error!(%error, "old recordings cannot be deleted");
                0
            }
        }
    }

    /// Makes room before the disk has no more than it has to keep, so that recording need not pause.
    fn watch_disk(&mut self) {
        let min_free_bytes = self.context.room.wanted().saturating_add(self.wanted_soon());
        let Context { room, store, config, make_way, .. } = &self.context;
        let is_low = store.disk().is_ok_and(|disk| disk.free_bytes < min_free_bytes);
        if room.wanted() == 0 || !is_low {
            make_way.store(false, Ordering::Relaxed);
            return;
        }
        let ended = store.ended();
        let is_as_before = |(then, known): (Instant, u64)| known == ended && then.elapsed() < FRUITLESS;
        if self.fruitless.is_some_and(is_as_before) {
            return;
        }
        let retention = Retention { min_free_bytes, ..config.retention };
        let is_fruitless = self.sweep_by(&retention, Sweep::Sizes) == 0;
        make_way.store(is_fruitless, Ordering::Relaxed);
        self.fruitless = is_fruitless.then(|| (Instant::now(), ended));
    }

    /// What recorders could not write since the last look, and will until one of the next.
    fn wanted_soon(&mut self) -> u64 {
        let Context { totals, refused, .. } = &self.context;
        let bytes = totals.lock().bytes;
        let written = bytes - std::mem::replace(&mut self.written, bytes);
        refused.swap(0, Ordering::Relaxed).saturating_add(written * LOOKS_AHEAD)
    }
}
