//! The loop between a source and the hub. The source plays into a stream of this process; what the link takes from
//! there is always the newest frame, so that a slow link makes the picture jump, never lag.

use std::time::Duration;

use hub::{Class, Closed, Delivery, Rule, Start, Subscriber};
use sources::Playback;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::link::Link;
use super::totals::Totals;

/// After the request to stop, the frame under way may still get through.
const GRACE: Duration = Duration::from_secs(1);

pub(super) struct Player<R> {
    pub(super) link: Link,
    report: R,
    pub(super) totals: Totals,
    stop: CancellationToken,
    /// The stop came before a frame got through: the connection is in an unknown state.
    pub(super) interrupted: bool,
}

impl<R: FnMut(&Totals, Duration)> Player<R> {
    pub(super) fn new(link: Link, report: R, stop: CancellationToken) -> Self {
        Player { link, report, totals: Totals::default(), stop, interrupted: false }
    }

    /// Plays to the source's end or to the stop. `rule`: whether frames may be skipped at once, or only when the link
    /// is behind by the whole backlog.
    pub(super) async fn play(&mut self, playback: &Playback, rule: Rule) -> anyhow::Result<()> {
        let frames = playback.stream().subscribe(rule, Class::Service, Start::Oldest)?;
        let over = CancellationToken::new();
        let mut end = Ok(());
        let playing = async {
            end = playback.run().await;
            over.cancel();
            std::future::pending().await
        };
        let sent = tokio::select! {
            sent = self.send_all(frames, playback, &over) => sent,
            never = playing => never,
        };
        sent?;
        Ok(end?)
    }

    async fn send_all(
        &mut self,
        mut frames: Subscriber,
        playback: &Playback,
        over: &CancellationToken,
    ) -> anyhow::Result<()> {
        let start = Instant::now();
        let mut skipped = 0;
        loop {
            let next = tokio::select! {
                biased;
                () = self.stop.cancelled() => return Ok(()),
                next = frames.recv() => next,
                () = over.cancelled() => Err(Closed::ShuttingDown),
            };
            // The end is noticed only when every frame before it has been taken.
            let Ok(delivery) = next else { return Ok(()) };
            skipped += delivery.skipped;
            self.totals.skipped = skipped + playback.report().late;
            if !self.send(&delivery).await? {
                return Ok(());
            }
            (self.report)(&self.totals, start.elapsed());
        }
    }

    /// `false` if the stop came and the frame did not get through in time.
    async fn send(&mut self, delivery: &Delivery) -> anyhow::Result<bool> {
        let stop = self.stop.clone();
        let stopped = async {
            stop.cancelled().await;
            sleep(GRACE).await;
        };
        let sent = tokio::select! {
            biased;
            sent = self.link.send(&delivery.frame) => sent?,
            () = stopped => {
                self.interrupted = true;
                return Ok(false);
            }
        };
        if sent {
            self.totals.sent += 1;
            self.totals.bytes += delivery.frame.payload.len() as u64;
        } else {
            self.totals.away += 1;
        }
        Ok(true)
    }
}
