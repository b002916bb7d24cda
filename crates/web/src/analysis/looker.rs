//! The thread that looks at one stream's pictures: beside the threads that serve connections, and nicer than they.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use hub::{Codec, Delivery, Frame};
use serde_json::{Map, Value};
use tokio::sync::oneshot;

use super::Analyser;

/// Of a frame's metadata with the results: it stands before the picture in a message of the wall.
const MAX_METADATA_BYTES: usize = 48 * 1024;

/// What has been looked at, and what it cost.
#[derive(Debug, Default)]
pub(super) struct Counters {
    looked: AtomicU64,
    /// Frames passed over for newer ones.
    skipped: AtomicU64,
    errors: AtomicU64,
    busy_micros: AtomicU64,
    last_error: Mutex<Option<String>>,
}

impl Counters {
    pub(super) fn looked(&self) -> u64 {
        self.looked.load(Ordering::Relaxed)
    }

    pub(super) fn skipped(&self) -> u64 {
        self.skipped.load(Ordering::Relaxed)
    }

    pub(super) fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }

    /// Spent looking.
    pub(super) fn busy(&self) -> Duration {
        Duration::from_micros(self.busy_micros.load(Ordering::Relaxed))
    }

    pub(super) fn last_error(&self) -> Option<String> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn fail(&self, why: String) {
        self.errors.fetch_add(1, Ordering::Relaxed);
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
    }

    fn count(&self, busy: Duration) {
        self.looked.fetch_add(1, Ordering::Relaxed);
        self.busy_micros.fetch_add(u64::try_from(busy.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

struct Job {
    frame: Arc<Frame>,
    reply: oneshot::Sender<Option<Frame>>,
}

/// The thread has ended, which it does only by a panic.
#[derive(Debug)]
pub(super) struct Gone;

/// A handle on the thread, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct Looker {
    jobs: mpsc::Sender<Job>,
    counters: Arc<Counters>,
}

impl Looker {
    pub(super) fn start(analyser: Arc<dyn Analyser>, counters: Arc<Counters>) -> io::Result<Self> {
        let (jobs, todo) = mpsc::channel::<Job>();
        let counted = Arc::clone(&counters);
        thread::Builder::new().name("analysis".into()).spawn(move || {
            net::lower_priority();
            for Job { frame, reply } in todo {
                // Whoever asked may have left.
                let _gone = reply.send(look(analyser.as_ref(), &frame, &counted));
            }
        })?;
        Ok(Self { jobs, counters })
    }

    /// The frame with what was found in it; `None` if it could not be looked at.
    pub(super) async fn look(&self, delivery: &Delivery) -> Result<Option<Frame>, Gone> {
        self.counters.skipped.fetch_add(delivery.skipped, Ordering::Relaxed);
        let (reply, looked) = oneshot::channel();
        let job = Job { frame: Arc::clone(&delivery.frame), reply };
        self.jobs.send(job).map_err(|_| Gone)?;
        looked.await.map_err(|_| Gone)
    }
}

fn look(analyser: &dyn Analyser, frame: &Frame, counters: &Counters) -> Option<Frame> {
    if frame.format.codec != Codec::Jpeg {
        return None;
    }
    let begun = Instant::now();
    let found = analyser.look(&frame.payload);
    match found.and_then(|found| with_result(frame.metadata.as_deref(), analyser.name(), found)) {
        Ok(metadata) => {
            counters.count(begun.elapsed());
            Some(Frame { metadata: Some(metadata), ..frame.clone() })
        }
        Err(why) => {
            tracing::debug!(seq = frame.seq, "a frame cannot be analysed: {why}");
            counters.fail(why);
            None
        }
    }
}

/// The publisher's metadata, and the result under its name.
fn with_result(published: Option<&str>, name: &str, found: Value) -> Result<Arc<str>, String> {
    let mut members: Map<String, Value> =
        published.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    members.insert(name.to_owned(), found);
    let text = Value::Object(members).to_string();
    if text.len() > MAX_METADATA_BYTES {
        return Err(format!("{} bytes were found; at most {MAX_METADATA_BYTES} go with a frame", text.len()));
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_published_with_a_frame_stays() {
        let text = with_result(Some(r#"{"robot":"r2","pose":1}"#), "pose", json!([1])).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json!({"robot": "r2", "pose": [1]}));
        assert_eq!(&*with_result(None, "pose", json!([])).unwrap(), r#"{"pose":[]}"#);
        assert!(with_result(None, "pose", "x".repeat(50_000).into()).is_err());
    }
}
