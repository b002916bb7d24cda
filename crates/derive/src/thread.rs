//! The thread on which frames are made: beside the threads that serve connections, and of lower priority.

use std::{
    io,
    sync::{Arc, mpsc},
    thread,
    time::Instant,
};

use hub::{Delivery, Frame};
use tokio::sync::oneshot;

use crate::counters::Counters;

/// What is made of a frame: another one, none where the frame is as wanted already, or why nothing can be made of it.
pub(crate) type Made = Result<Option<Frame>, String>;

/// Makes one derived stream's frames.
pub(crate) type Make = Box<dyn FnMut(&Frame) -> Made + Send>;

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
    pub(crate) fn start(name: &str, mut make: Make, counters: Arc<Counters>) -> io::Result<Self> {
        let (jobs, todo) = mpsc::channel::<Job>();
        let counted = Arc::clone(&counters);
        thread::Builder::new().name(name.into()).spawn(move || {
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
