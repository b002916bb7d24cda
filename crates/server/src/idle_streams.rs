//! Removes streams to which nothing has come for `streams.timeout_seconds`.

use std::time::{Duration, SystemTime};

use hub::{Hub, Moment};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

pub(crate) async fn run(hub: Hub, timeout: Duration, interval: Duration, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval_at(Instant::now() + interval, interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let now = Moment { mono: Instant::now().into_std(), wall: SystemTime::now() };
        for name in hub.sweep(timeout, now) {
            tracing::info!(stream = %name, timeout_seconds = timeout.as_secs(), "inactive stream removed");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use bytes::Bytes;
    use hub::{Claim, Format, Limits, NewFrame, RingLimits};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stream_without_frames_goes_at_the_next_round_after_its_timeout() {
        let ring = RingLimits { frames: 2, history_bytes: 10, backlog_frames: 2, backlog_bytes: 10 };
        let hub = Hub::new(Limits { streams: 2, viewers_per_stream: 1, ring });
        let shutdown = CancellationToken::new();
        let rounds = run(hub.clone(), Duration::from_secs(300), Duration::from_secs(60), shutdown.clone());
        let sweeping = tokio::spawn(rounds);
        let now = Moment { mono: Instant::now().into_std(), wall: SystemTime::now() };
        let publisher = hub.publisher(&"camera1".parse().unwrap(), Claim::Shared, now).unwrap();
        publisher.publish(NewFrame::new(Bytes::from_static(b"x"), Format::jpeg(1, 1)), now).unwrap();
        tokio::time::sleep(Duration::from_secs(299)).await;
        assert_eq!(hub.len(), 1);
        tokio::time::sleep(Duration::from_secs(62)).await;
        assert_eq!(hub.len(), 0);
        shutdown.cancel();
        sweeping.await.unwrap();
    }
}
