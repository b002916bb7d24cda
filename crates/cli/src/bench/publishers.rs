//! The sending side of a measurement: one task a stream, each at its own pace.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use client::post::{Poster, Wrap};
use client::publish::{Metadata, Options, Publisher, Reply};
use client::{Endpoint, Error};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::frames::{Frames, Stamp};
use super::histogram::Histogram;
use super::run::{Mode, Run};

/// A frame whose ack has not come by then will not be acknowledged.
const ACK_TIMEOUT: Duration = Duration::from_secs(10);

/// After a failure, before the next try.
const PAUSE: Duration = Duration::from_millis(200);

/// What one stream's publisher did in the measured window.
#[derive(Debug, Default)]
pub(super) struct Published {
    pub(super) frames: u64,
    /// Beats that passed while an earlier frame was still on its way.
    pub(super) lost_beats: u64,
    /// From the sending of a frame to the hub's answer.
    pub(super) answer: Histogram,
    /// How often which failure happened, at any time.
    pub(super) errors: BTreeMap<String, u64>,
}

/// Sends stream `number`'s frames until the run ends. The first success, or the first failure before it, is
/// sent through `ready`.
pub(super) async fn publish(
    run: Arc<Run>,
    frames: Arc<Frames>,
    endpoint: Endpoint,
    number: u32,
    ready: mpsc::Sender<Result<(), Error>>,
) -> Published {
    let mut published = Published::default();
    let mut ready = Some(ready);
    let stop = run.stop.clone();
    tokio::select! {
        () = stop.cancelled() => {}
        () = send_all(&run, &frames, endpoint, number, &mut ready, &mut published) => {}
    }
    published
}

async fn send_all(
    run: &Run,
    frames: &Frames,
    endpoint: Endpoint,
    number: u32,
    ready: &mut Option<mpsc::Sender<Result<(), Error>>>,
    published: &mut Published,
) {
    let interval = 1.0 / run.plan.fps;
    // Streams beat one after the other, as cameras that know nothing of each other do.
    let phase = interval * f64::from(number) / f64::from(run.plan.streams);
    let first = Instant::now() + Duration::from_secs_f64(phase);
    let mut link = Link::new(run.plan.mode, endpoint, run.stream_name(number));
    let mut beat: u64 = 0;
    for seq in 0.. {
        sleep_until(first + Duration::from_secs_f64(interval * beat as f64)).await;
        let sent = std::time::Instant::now();
        let stamp = Stamp { run: run.id, stream: number, seq, sent_nanos: run.nanos_at(sent) };
        let result = link.send(frames.frame(&stamp)).await;
        let answered = std::time::Instant::now();
        let measured = run.measures(sent) && run.measures(answered);
        match &result {
            Ok(()) if measured => {
                published.frames += 1;
                published.answer.record(answered - sent);
            }
            Ok(()) => {}
            Err(error) => *published.errors.entry(error.to_string()).or_default() += 1,
        }
        let failed = result.is_err();
        if let Some(ready) = ready.take() {
            // The receiver is gone once all streams have begun.
            let _ = ready.send(result).await;
        }
        if failed {
            sleep(PAUSE).await;
        }
        let due = ((Instant::now() - first).as_secs_f64() / interval) as u64;
        beat += 1;
        if due > beat {
            // A camera does not take the pictures it missed.
            published.lost_beats += if measured { due - beat } else { 0 };
            beat = due;
        }
    }
}

/// The way to the hub; opened at the first frame and again after a failure.
enum Link {
    Post(Poster),
    Socket { endpoint: Endpoint, stream: String, open: Option<Publisher> },
}

impl Link {
    fn new(mode: Mode, endpoint: Endpoint, stream: String) -> Link {
        match mode {
            Mode::Multipart => Link::Post(Poster::new(&endpoint, &stream, Wrap::Form)),
            Mode::Raw => Link::Post(Poster::new(&endpoint, &stream, Wrap::Raw)),
            Mode::Ws => Link::Socket { endpoint, stream, open: None },
        }
    }

    /// Sends a frame and waits for the hub's yes.
    async fn send(&mut self, pieces: [Bytes; 2]) -> Result<(), Error> {
        let (endpoint, stream, open) = match self {
            Link::Post(poster) => return poster.post(&pieces).await,
            Link::Socket { endpoint, stream, open } => (endpoint, stream, open),
        };
        let mut publisher = match open.take() {
            Some(publisher) => publisher,
            None => {
                let options = Options { acks: true, ..Options::default() };
                Publisher::connect(endpoint, stream, &options).await?
            }
        };
        publisher.send(pieces.concat().into(), &Metadata::default()).await?;
        acknowledged(&mut publisher).await?;
        *open = Some(publisher);
        Ok(())
    }
}

async fn acknowledged(publisher: &mut Publisher) -> Result<(), Error> {
    let url = publisher.url().to_owned();
    match timeout(ACK_TIMEOUT, publisher.reply()).await {
        Ok(Some(Reply::Ack { .. })) => Ok(()),
        Ok(Some(Reply::Error { error, code })) => {
            Err(Error::Refused { url, status: 400, hub_code: Some(code), message: error })
        }
        Ok(None) => {
            let reason = "it closed before the frame was acknowledged".to_owned();
            Err(Error::Closed { url, close_code: None, reason })
        }
        Err(_) => Err(Error::Timeout { url, what: "a frame's ack", after: ACK_TIMEOUT }),
    }
}
