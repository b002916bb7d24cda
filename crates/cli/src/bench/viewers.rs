//! The receiving side of a measurement: one task a viewer, each with a connection of its own. The last ones
//! may be slow: they read no faster than a thin link would let them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use client::watch::{Options, Received, Watcher};
use client::{Endpoint, Error, Target};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::frames::Stamp;
use super::histogram::Histogram;
use super::run::Run;

/// After a failure, before the next try.
const PAUSE: Duration = Duration::from_millis(200);

/// The window is looked at in this many pieces too: an age that grows from piece to piece is a queue.
pub(super) const PIECES: usize = 5;

/// What one viewer saw in the measured window.
#[derive(Debug, Default)]
pub(super) struct Viewed {
    pub(super) slow: bool,
    pub(super) frames: u64,
    pub(super) bytes: u64,
    /// Frames published but not shown to this viewer.
    pub(super) skipped: u64,
    /// Frames that are not this run's, or another stream's.
    pub(super) foreign: u64,
    /// From the start of a frame's sending to its last byte here.
    pub(super) age: Histogram,
    pub(super) age_by_piece: [Histogram; PIECES],
    /// The longest time without a new frame, the window's ends counted.
    pub(super) longest_gap: Duration,
    /// How often which failure happened, at any time.
    pub(super) errors: BTreeMap<String, u64>,
    last_seq: Option<u64>,
    last_at: Option<Instant>,
}

impl Viewed {
    fn take(&mut self, run: &Run, stream: u32, frame: &Received) {
        let Some(window) = run.window.get() else { return };
        if frame.at >= window.end {
            return;
        }
        let stamp = Stamp::read(&frame.payload).filter(|it| it.run == run.id && it.stream == stream);
        let Some(stamp) = stamp else {
            self.foreign += 1;
            return;
        };
        if frame.at < window.start {
            self.last_seq = Some(stamp.seq);
            return;
        }
        self.frames += 1;
        self.bytes += frame.payload.len() as u64;
        self.gap_until(frame.at, window.start);
        if let Some(last) = self.last_seq {
            self.skipped += stamp.seq.saturating_sub(last + 1);
        }
        self.last_seq = Some(stamp.seq);
        let age = run.age(&stamp, frame.at);
        self.age.record(age);
        let piece = window.share(frame.at) * PIECES as f64;
        self.age_by_piece[(piece as usize).min(PIECES - 1)].record(age);
    }

    fn gap_until(&mut self, at: Instant, start: Instant) {
        let since = self.last_at.unwrap_or(start);
        self.longest_gap = self.longest_gap.max(at.saturating_duration_since(since));
        self.last_at = Some(at);
    }
}

/// Watches until the run ends. The first frame, or the first failure before it, is sent through `ready`.
pub(super) async fn view(
    run: Arc<Run>,
    endpoint: Endpoint,
    number: u32,
    ready: mpsc::Sender<Result<(), Error>>,
) -> Viewed {
    let plan = &run.plan;
    let slow = number >= plan.viewers - plan.slow;
    let stream = number % plan.streams;
    let target = Target::stream(&endpoint, &run.stream_name(stream));
    let options = Options { bytes_per_sec: slow.then_some((plan.slow_kbps * 1e3) as u32) };
    let mut viewed = Viewed { slow, ..Viewed::default() };
    let mut ready = Some(ready);
    let watch_all = async {
        loop {
            let ended = watch(&run, &target, &options, stream, &mut ready, &mut viewed).await;
            let reason = match &ended {
                Ok(()) => "the hub ended the stream".to_owned(),
                Err(error) => error.to_string(),
            };
            *viewed.errors.entry(reason).or_default() += 1;
            if let (Err(error), Some(ready)) = (ended, ready.take()) {
                let _ = ready.send(Err(error)).await;
            }
            sleep(PAUSE).await;
        }
    };
    tokio::select! {
        () = run.stop.cancelled() => {}
        () = watch_all => {}
    }
    if let Some(window) = run.window.get() {
        viewed.gap_until(window.end, window.start);
    }
    viewed
}

async fn watch(
    run: &Run,
    target: &Target,
    options: &Options,
    stream: u32,
    ready: &mut Option<mpsc::Sender<Result<(), Error>>>,
    viewed: &mut Viewed,
) -> Result<(), Error> {
    let mut watcher = Watcher::connect(target, options).await?;
    while let Some(frame) = watcher.next().await? {
        viewed.take(run, stream, &frame);
        if let Some(ready) = ready.take() {
            let _ = ready.send(Ok(())).await;
        }
    }
    Ok(())
}
