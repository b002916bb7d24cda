//! The worker of one rendition: reads the parent's newest frames while somebody watches, has them made, and publishes
//! them in the derived stream.

use std::{future::poll_fn, sync::Arc, time::Duration};

use hub::{Class, Derived, Rule, Start};
use tokio::time::Instant;

use super::{Key, Renditions, maker::Maker};
use crate::{clock, view::Pacer};

/// How long a rendition that nobody watches is kept: a page that is loaded again finds it warm.
const LINGER: Duration = Duration::from_secs(3);

pub(super) struct Worker {
    pub(super) renditions: Arc<Renditions>,
    pub(super) key: Key,
    pub(super) derived: Derived,
    pub(super) maker: Maker,
}

/// Why frames are made no longer.
enum Pause {
    Unwatched,
    Ended,
}

impl Worker {
    pub(super) async fn run(self) {
        loop {
            // Reading the parent only while somebody watches lets a source that works on demand rest.
            tokio::select! {
                wanted = self.derived.wanted() => {
                    if wanted.is_err() || matches!(self.make_while_wanted().await, Pause::Ended) {
                        return self.renditions.forget(self.key, self.derived.stream());
                    }
                }
                () = tokio::time::sleep(LINGER) => {
                    if self.renditions.forget_unwatched(self.key, self.derived.stream()) {
                        return;
                    }
                }
            }
        }
    }

    async fn make_while_wanted(&self) -> Pause {
        let last = self.derived.stream().newest().map(|frame| frame.seq);
        let start = last.map_or(Start::Newest, Start::After);
        let subscribed = self.derived.parent().subscribe(Rule::Latest, Class::Service, start);
        let Ok(mut frames) = subscribed else { return Pause::Ended };
        let mut pacer = Pacer::new(self.key.wish.fps(), Instant::now());
        loop {
            let next = async {
                poll_fn(|cx| pacer.poll_due(cx)).await;
                frames.recv().await
            };
            let delivery = tokio::select! {
                delivery = next => delivery,
                unwanted = self.derived.unwanted() => {
                    return if unwanted.is_ok() { Pause::Unwatched } else { Pause::Ended };
                }
            };
            let Ok(delivery) = delivery else { return Pause::Ended };
            pacer.taken(Instant::now());
            if let Some((payload, format)) = self.maker.make(&delivery.frame).await {
                self.derived.relay(&delivery.frame, payload, format, clock::now());
            }
        }
    }
}
