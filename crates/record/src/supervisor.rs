//! Follows the hub: when a stream appears, its recording begins. Recorders notice the ends of their streams themselves.

use std::{sync::Arc, task::Context};

use hub::Hub;

use crate::{shutdown::Shutdown, unparker};

/// Calls `follow` whenever the hub's streams have changed, until it gives false or one of both ends.
pub(crate) fn start(hub: Hub, shutdown: Arc<Shutdown>, follow: impl Fn() -> bool + Send + 'static) {
    let thread = std::thread::Builder::new().name("record-follow".into());
    let spawned = thread.spawn(move || run(&hub, &shutdown, follow));
    if let Err(error) = spawned {
        tracing::error!(%error, "no thread that follows the streams: they are recorded on request only");
    }
}

fn run(hub: &Hub, shutdown: &Shutdown, follow: impl Fn() -> bool) {
    shutdown.unparks_me();
    let mut changes = hub.changes();
    let waker = unparker::waker();
    while !shutdown.is_closed() && !hub.is_shut_down() && follow() {
        if changes.poll_changed(&mut Context::from_waker(&waker)).is_pending() {
            std::thread::park();
        }
    }
}
