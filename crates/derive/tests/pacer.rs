//! The rate that a reader keeps to.

use std::time::Duration;

use derive::Pacer;
use tokio::time::Instant;

async fn frames_taken(fps: f64, published: u32, period: Duration) -> u32 {
    let mut pacer = Pacer::new(Some(fps), Instant::now());
    let start = Instant::now();
    let mut taken = 0;
    let mut seen = 0;
    loop {
        std::future::poll_fn(|cx| pacer.poll_due(cx)).await;
        let newest = u32::try_from(start.elapsed().as_micros() / period.as_micros()).unwrap_or(u32::MAX);
        if newest >= published {
            return taken;
        }
        if newest < seen {
            // Nothing new yet: wait for the next frame, as a reader of the ring does.
            tokio::time::sleep_until(start + period * seen).await;
            continue;
        }
        seen = newest + 1;
        taken += 1;
        pacer.taken(Instant::now());
    }
}

#[tokio::test(start_paused = true)]
async fn the_mean_rate_is_the_one_asked_for() {
    let period = Duration::from_micros(33_333);
    let ten_seconds = 300;
    assert!((99..=101).contains(&frames_taken(10.0, ten_seconds, period).await));
    assert!((298..=300).contains(&frames_taken(30.0, ten_seconds, period).await));
    assert_eq!(frames_taken(1000.0, ten_seconds, period).await, ten_seconds);
}
