//! The thread that makes a rendition's pictures: beside the threads that serve connections, and nicer than they.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use hub::{Codec, Format, Frame};
use media::scale::Scaler;
use tokio::sync::oneshot;

use super::Look;

/// Larger pictures are passed over: one would keep its thread busy for a second and more.
const MAX_PIXELS: u64 = 50_000_000;

/// What has been made, and what it cost.
#[derive(Debug, Default)]
pub(super) struct Counters {
    /// Pictures that were decoded and encoded anew.
    encodes: AtomicU64,
    /// Pictures that could not be read.
    errors: AtomicU64,
    busy_micros: AtomicU64,
}

impl Counters {
    pub(super) fn encodes(&self) -> u64 {
        self.encodes.load(Ordering::Relaxed)
    }

    pub(super) fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }

    /// Time spent decoding, scaling and encoding.
    pub(super) fn busy(&self) -> Duration {
        Duration::from_micros(self.busy_micros.load(Ordering::Relaxed))
    }

    fn count(&self, is_made: bool, busy: Duration) {
        let counter = if is_made { &self.encodes } else { &self.errors };
        counter.fetch_add(1, Ordering::Relaxed);
        self.busy_micros.fetch_add(u64::try_from(busy.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

type Made = Option<(Bytes, Format)>;

struct Job {
    frame: Arc<Frame>,
    reply: oneshot::Sender<Made>,
}

/// A handle on the thread, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct Maker {
    jobs: mpsc::Sender<Job>,
}

impl Maker {
    /// `quality` is that of a look that asks for none. Each picture is counted in all of `counters`.
    pub(super) fn start(look: Look, quality: u8, counters: [Arc<Counters>; 2]) -> io::Result<Self> {
        let (jobs, todo) = mpsc::channel::<Job>();
        thread::Builder::new().name("rendition".into()).spawn(move || {
            net::lower_priority();
            let mut scaler = Scaler::new();
            for Job { frame, reply } in todo {
                let made = make(&mut scaler, &frame, look, quality, &counters);
                // Whoever asked may have left.
                let _gone = reply.send(made);
            }
        })?;
        Ok(Self { jobs })
    }

    /// The frame's picture in the look asked for; `None` if it cannot be read.
    pub(super) async fn make(&self, frame: &Arc<Frame>) -> Made {
        let (reply, made) = oneshot::channel();
        let job = Job { frame: Arc::clone(frame), reply };
        if self.jobs.send(job).is_err() {
            return None;
        }
        made.await.ok().flatten()
    }
}

fn make(scaler: &mut Scaler, frame: &Frame, look: Look, quality: u8, counters: &[Arc<Counters>]) -> Made {
    if frame.format.codec != Codec::Jpeg {
        return None;
    }
    let size = (frame.format.width, frame.format.height);
    let wanted = look.size(size);
    if wanted == size && look.quality.is_none() {
        return Some((frame.payload.clone(), frame.format));
    }
    let begun = Instant::now();
    let made = scaler.rescale(&frame.payload, wanted, look.quality.unwrap_or(quality), MAX_PIXELS);
    let busy = begun.elapsed();
    counters.iter().for_each(|counters| counters.count(made.is_ok(), busy));
    match made {
        Ok(jpeg) => Some((jpeg.into(), Format::jpeg(wanted.0, wanted.1))),
        Err(error) => {
            tracing::debug!(seq = frame.seq, %error, "a frame cannot be made smaller");
            None
        }
    }
}
