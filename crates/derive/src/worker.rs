//! The worker of one derived stream: reads the parent's newest frames, has them made, and publishes them.

use std::{sync::Arc, time::Duration};

use hub::{Class, Derived, Rule, Start, Subscriber};
use tokio::sync::Semaphore;

use crate::{
    Reader, Registry,
    counters::Counters,
    registry::{Key, MADE_OF},
    thread::{Gone, Make, MakerThread},
};

/// How long a rendition without viewers is kept: a page that is loaded again finds it warm.
const LINGER: Duration = Duration::from_secs(3);

pub(crate) struct Worker {
    pub(crate) registry: Registry,
    pub(crate) key: Key,
    pub(crate) derived: Derived,
    pub(crate) counters: Arc<Counters>,
}

/// Why frames are no longer made.
enum Pause {
    Unwatched,
    Ended,
}

impl Worker {
    /// Begins when `places` has one for its thread: those of workers that were stopped end their picture first.
    pub(crate) async fn run(self, make: Make, places: Arc<Semaphore>) {
        if let Ok(place) = places.acquire_owned().await {
            match MakerThread::start(self.key.work(), make, Arc::clone(&self.counters), place) {
                Ok(thread) if self.key.is_analysis() => {
                    let _ended = self.make(&thread).await;
                }
                Ok(thread) => self.make_while_watched(&thread).await,
                Err(error) => tracing::error!(%error, "no thread can be started for the {}", self.key.work()),
            }
        }
        self.registry.forget(&self.key, self.derived.stream());
    }

    /// Reads the parent only while there are viewers, so that a source that works on demand can rest.
    async fn make_while_watched(&self, thread: &MakerThread) {
        loop {
            tokio::select! {
                wanted = self.derived.wanted() => {
                    if wanted.is_err() || matches!(self.make(thread).await, Pause::Ended) {
                        return;
                    }
                }
                () = tokio::time::sleep(LINGER) => {
                    if self.registry.forget_unwatched(&self.key, self.derived.stream()) {
                        return;
                    }
                }
            }
        }
    }

    /// Until the stream ends or, for a rendition, the last viewer leaves.
    async fn make(&self, thread: &MakerThread) -> Pause {
        let Some(subscriber) = self.subscribe() else { return Pause::Ended };
        let mut frames = Reader::new(subscriber, MADE_OF, self.key.want.max_fps());
        loop {
            let delivery = tokio::select! {
                delivery = frames.recv() => delivery,
                unwanted = self.derived.unwanted(), if !self.key.is_analysis() => {
                    return if unwanted.is_ok() { Pause::Unwatched } else { Pause::Ended };
                }
            };
            let Ok(delivery) = delivery else { return Pause::Ended };
            match thread.make(delivery).await {
                Ok(Some(frame)) => {
                    self.derived.relay(&frame, frame.payload.clone(), frame.format, crate::now());
                }
                Ok(None) => {}
                Err(Gone) => return Pause::Ended,
            }
        }
    }

    /// From the frame after the last one made on.
    fn subscribe(&self) -> Option<Subscriber> {
        let last = self.derived.stream().newest().map(|frame| frame.seq);
        let start = last.map_or(Start::Newest, Start::After);
        self.derived.parent().subscribe(Rule::Latest, Class::Service, start).ok()
    }
}
