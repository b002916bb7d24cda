//! A reader's rate: a wait before the next frame is taken, so that the frame is the newest at that moment.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep};

/// Frames are due on a grid, so that the mean rate is the one asked for even if each frame is a little early or
/// late: a 30 fps stream watched at 30 fps loses nothing to jitter.
#[derive(Debug)]
pub struct Pacer {
    interval: Option<Duration>,
    due: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Pacer {
    pub fn new(fps: Option<f64>, now: Instant) -> Self {
        Self { interval: interval(fps), due: now, sleep: None }
    }

    /// Changes the rate from the next frame on.
    pub fn set_rate(&mut self, fps: Option<f64>) {
        self.interval = interval(fps);
        if self.interval.is_none() {
            self.sleep = None;
        }
    }

    /// Ready when the next frame may be taken.
    pub fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().poll(cx),
            None => Poll::Ready(()),
        }
    }

    /// Notes that a frame was taken at `now`. After a pause the grid starts anew: lost time is not made up for.
    pub fn taken(&mut self, now: Instant) {
        let Some(interval) = self.interval else { return };
        self.due = (self.due + interval).max(now);
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().reset(self.due),
            None => self.sleep = Some(Box::pin(tokio::time::sleep_until(self.due))),
        }
    }
}

fn interval(fps: Option<f64>) -> Option<Duration> {
    fps.and_then(|fps| Duration::try_from_secs_f64(1.0 / fps).ok())
}
