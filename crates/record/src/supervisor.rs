//! Follows the hub: where a stream comes, its recording begins. The recorders see the ends of their streams themselves.

use std::{
    sync::{Arc, Weak},
    task::Context,
};

use hub::Hub;

use crate::{recordings::Shared, unparker};

pub(crate) fn start(shared: &Arc<Shared>, hub: Hub) {
    shared.follow();
    let weak = Arc::downgrade(shared);
    let shutdown = Arc::clone(shared.shutdown());
    let thread = std::thread::Builder::new().name("record-follow".into());
    let spawned = thread.spawn(move || {
        shutdown.unparks_me();
        follow(&weak, &hub);
    });
    if let Err(error) = spawned {
        tracing::error!(%error, "no thread that follows the streams: they are recorded on request only");
    }
}

fn follow(shared: &Weak<Shared>, hub: &Hub) {
    let mut changes = hub.changes();
    let waker = unparker::waker();
    loop {
        let Some(strong) = shared.upgrade() else { return };
        if strong.shutdown().is_closed() || hub.is_shut_down() {
            return;
        }
        strong.follow();
        drop(strong);
        if changes.poll_changed(&mut Context::from_waker(&waker)).is_pending() {
            std::thread::park();
        }
    }
}
