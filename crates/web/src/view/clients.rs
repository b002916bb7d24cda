//! The clients of the robot's stream: numbered, counted and logged (`docs/ref/compatibility.md`, robot
//! stream).

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

/// How many are connected now, and how many have ever been.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    active: AtomicUsize,
    last: AtomicU64,
}

impl Clients {
    pub(crate) fn active(&self) -> usize {
        self.active.load(Ordering::Relaxed)
    }

    pub(crate) fn connect(self: &Arc<Self>) -> Client {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let active = self.active.fetch_add(1, Ordering::Relaxed) + 1;
        tracing::info!("Client {number} connected. Total active clients: {active}");
        Client { number, frames: 0, clients: Arc::clone(self) }
    }
}

/// One of them. Dropping it is its disconnection.
#[derive(Debug)]
pub(crate) struct Client {
    number: u64,
    frames: u64,
    clients: Arc<Clients>,
}

impl Client {
    pub(super) fn count_frame(&mut self) {
        self.frames += 1;
    }

    pub(super) fn log_heartbeat(&self) {
        tracing::info!("Client {} heartbeat sent (frame {})", self.number, self.frames);
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let active = self.clients.active.fetch_sub(1, Ordering::Relaxed) - 1;
        let Self { number, frames, .. } = self;
        tracing::info!("Client {number} disconnected after {frames} frames. Total active clients: {active}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_numbered_from_one_and_counted_while_they_are_here() {
        let clients = Arc::new(Clients::default());
        let first = clients.connect();
        let second = clients.connect();
        assert_eq!((first.number, second.number, clients.active()), (1, 2, 2));
        drop(first);
        assert_eq!(clients.active(), 1);
        assert_eq!(clients.connect().number, 3, "a number is never given twice");
        assert_eq!(clients.active(), 1);
    }
}
