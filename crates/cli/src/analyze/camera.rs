//! A camera of this machine, read through a hub of its own inside this process: what opens, converts and watches
//! cameras for the hub does it here, too. Its ring keeps what the upload has not taken yet.

use std::time::Duration;

use anyhow::{Context, bail};
use hub::{Class, Closed, Hub, Rule, Start, StreamName, Subscriber};
use ingest::pull::State;
use sources::{Sources, Spec};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::source::{DEFAULT_QUALITY, Still, Taken};
use crate::publish::own_hub;

/// Twenty seconds at 30 a second: an upload that hesitates loses nothing.
const BACKLOG_FRAMES: usize = 600;
/// A camera that was just plugged in takes some seconds.
const FIRST_PICTURE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// An open camera; dropping it closes it.
pub(super) struct Camera {
    sources: Sources,
    name: StreamName,
    pictures: Subscriber,
    runtime: Handle,
    has_begun: bool,
    _shutdown: DropGuard,
}

impl Camera {
    /// Camera `index`, at most `fps` pictures a second. Waits: not for an async thread.
    ///
    /// # Errors
    /// There is no such camera here.
    pub(super) fn open(index: u32, fps: f64, quality: u8, runtime: Handle) -> anyhow::Result<Camera> {
        let line = format!("camera=v4l2:{index}#fps={fps}&quality={quality}");
        Camera::start(Spec::parse(&line).with_context(|| format!("camera {index}"))?, runtime)
    }

    fn start(spec: Spec, runtime: Handle) -> anyhow::Result<Camera> {
        let (hub, admission) = own_hub(BACKLOG_FRAMES, DEFAULT_QUALITY);
        let name = spec.name.clone();
        let shutdown = CancellationToken::new();
        let sources = {
            let _runtime = runtime.enter();
            Sources::start(&hub, vec![spec], &admission, &shutdown)
        };
        let pictures = runtime.block_on(subscribe(&hub, &name))?;
        Ok(Camera { sources, name, pictures, runtime, has_begun: false, _shutdown: shutdown.drop_guard() })
    }

    /// Waits for the next picture.
    ///
    /// # Errors
    /// The camera cannot be opened, or is gone.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<Taken>> {
        let since = Instant::now();
        loop {
            let next = self.runtime.block_on(async { timeout(LOOK_EVERY, self.pictures.recv()).await });
            match next {
                Ok(Ok(delivery)) => {
                    self.has_begun = true;
                    return Ok(Some(Taken {
                        still: Still::Jpeg(delivery.frame.payload.clone()),
                        timestamp: delivery.frame.timestamp_unix_secs(),
                        skipped: delivery.skipped,
                    }));
                }
                Ok(Err(Closed::ShuttingDown)) => return Ok(None),
                Ok(Err(closed)) => bail!("the camera's stream has ended: {closed}"),
                Err(_waiting) => self.check(since)?,
            }
        }
    }

    fn check(&self, since: Instant) -> anyhow::Result<()> {
        let state = self.sources.report(&self.name).map(|report| report.state);
        if let Some(State::Failed { why, .. } | State::Ended { why }) = state {
            bail!("the camera gives no picture: {why}; `v4l2-ctl --list-devices` shows which there are");
        }
        if !self.has_begun && since.elapsed() >= FIRST_PICTURE {
            bail!("no picture came within {FIRST_PICTURE:?}; is another program using the camera?");
        }
        Ok(())
    }
}

/// The stream is made by the source's own task.
async fn subscribe(hub: &Hub, name: &StreamName) -> anyhow::Result<Subscriber> {
    let begun = Instant::now();
    while begun.elapsed() < FIRST_PICTURE {
        if let Some(stream) = hub.stream(name) {
            return Ok(stream.subscribe(Rule::InOrder, Class::Service, Start::Oldest)?);
        }
        sleep(Duration::from_millis(1)).await;
    }
    bail!("the camera was not started")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// With the test picture in place of a camera: the way is the same.
    #[test]
    fn pictures_come_in_order_and_a_missing_camera_is_named() {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let spec = Spec::parse("camera=testsrc:#width=64&height=48&fps=50").unwrap();
        let mut camera = Camera::start(spec, runtime.handle().clone()).unwrap();
        let taken: Vec<Taken> = (0..3).map(|_| camera.next().unwrap().unwrap()).collect();
        assert!(taken.is_sorted_by(|a, b| a.timestamp < b.timestamp));
        assert!(taken.iter().all(|it| it.skipped == 0 && matches!(it.still, Still::Jpeg(_))));

        let mut nowhere = Camera::open(250, 30.0, 85, runtime.handle().clone()).unwrap();
        let error = nowhere.next().err().unwrap().to_string();
        assert!(error.contains("/dev/video250"), "{error}");
    }
}
