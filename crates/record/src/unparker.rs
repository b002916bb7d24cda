//! A waker that unparks the thread that made it: how a thread without a runtime waits for the hub.

use std::{
    sync::Arc,
    task::{Wake, Waker},
    thread::Thread,
};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

pub(crate) fn waker() -> Waker {
    Waker::from(Arc::new(Unpark(std::thread::current())))
}
