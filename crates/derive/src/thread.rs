//! The thread on which frames are made: beside the threads that serve connections, and of lower priority.

use std::{
    io,
    sync::{Arc, mpsc},
    thread,
    time::Instant,
};

use hub::{Delivery, Frame};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::counters::Counters;

/// What is made of a frame: another one, none where the frame is as wanted already, or why nothing can be made of it.
pub(crate) type Made = Result<Option<Frame>, String>;

/// Makes one derived stream's frames.
pub(crate) type Make = Box<dyn FnMut(&Frame) -> Made + Send>;

/// Larger pictures are passed over: one would keep its thread busy for a second and more.
pub(crate) const MAX_PIXELS: u64 = 50_000_000;

struct Job {
    frame: Arc<Frame>,
    reply: oneshot::Sender<Option<Arc<Frame>>>,
}

/// The thread has ended, which it does only by a panic.
#[derive(Debug)]
pub(crate) struct Gone;

/// A handle on the thread, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct MakerThread {
    jobs: mpsc::Sender<Job>,
    counters: Arc<Counters>,
}

impl MakerThread {
    /// `place` is taken until the thread has ended, which may be a while after its handle is gone.
    pub(crate) fn start(
        name: &str,
        mut make: Make,
        counters: Arc<Counters>,
        place: OwnedSemaphorePermit,
    ) -> io::Result<Self> {
        let (jobs, todo) = mpsc::channel::<Job>();
        let counted = Arc::clone(&counters);
        thread::Builder::new().name(name.into()).spawn(move || {
            let _place = place;
            net::lower_priority();
            for Job { frame, reply } in todo {
                // The worker may have been stopped meanwhile.
                let _stopped = reply.send(work(&mut make, frame, &counted));
            }
        })?;
        Ok(Self { jobs, counters })
    }

    /// The frame as it is wanted; `None` if it cannot be read.
    pub(crate) async fn make(&self, delivery: Delivery) -> Result<Option<Arc<Frame>>, Gone> {
        self.counters.count_skipped(delivery.skipped);
        let (reply, made) = oneshot::channel();
        self.jobs.send(Job { frame: delivery.frame, reply }).map_err(|_| Gone)?;
        made.await.map_err(|_| Gone)
    }
}

fn work(make: &mut Make, frame: Arc<Frame>, counters: &Counters) -> Option<Arc<Frame>> {
    // A small file may hold a large picture: those are decoded in turn.
    let _turn = net::DECODERS.take(media::jpeg::decoding_bytes(&frame.payload, MAX_PIXELS));
    let begun = Instant::now();
    match make(&frame) {
        Ok(None) => Some(frame),
        Ok(Some(made)) => {
            counters.count(Ok(()), begun.elapsed());
            Some(Arc::new(made))
        }
        Err(why) => {
            counters.count(Err(&why), begun.elapsed());
            tracing::debug!(seq = frame.seq, "a frame cannot be made as wanted: {why}");
            None
        }
    }
}
