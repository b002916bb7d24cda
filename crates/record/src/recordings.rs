//! The handle on all recording: which streams are being recorded, and the store.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use hub::{Hub, Start, Stream, StreamName};
use net::Lock;

use crate::{
    Activity, Config, Error, Metadata, Store,
    context::Context,
    maintenance,
    shutdown::Shutdown,
    supervisor,
    totals::Totals,
    writer::{clip, recorder::Recorder},
};

/// Ending a recording on request waits so long for its last fragment.
const PATIENCE: Duration = Duration::from_secs(3);

/// Starts, stops and knows the recorders. Clones share them; with the last one recording ends.
#[derive(Debug, Clone)]
pub struct Recordings(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    hub: Hub,
    context: Context,
    recorders: Lock<Recorders>,
    shutdown: Arc<Shutdown>,
}

/// By their streams' epochs, so that a stream that is made anew is another one.
#[derive(Debug, Default)]
struct Recorders {
    running: BTreeMap<u64, Arc<Recorder>>,
    /// Streams whose recording was ended on request: it does not begin by itself again.
    declined: BTreeSet<u64>,
}

impl Recordings {
    /// Begins to record what `config` says. Nothing on the disk can make this fail: [`Activity`] says what is wrong.
    pub fn start(hub: Hub, config: Config) -> Self {
        let shared = Arc::new(Shared::new(hub.clone(), config));
        maintenance::start(shared.context.clone(), Arc::clone(&shared.shutdown));
        // Those that are there already are recorded at once.
        shared.follow();
        let weak = Arc::downgrade(&shared);
        let follow = move || weak.upgrade().is_some_and(|shared| shared.follow());
        supervisor::start(hub, Arc::clone(&shared.shutdown), follow);
        Self(shared)
    }

    pub fn config(&self) -> &Config {
        &self.0.context.config
    }

    pub fn store(&self) -> &Store {
        &self.0.context.store
    }

    /// Begins to record a live stream; if it is being recorded already, that goes on.
    pub fn begin(&self, stream: &StreamName) -> Result<Activity, Error> {
        self.0.begin(&self.0.followed(stream)?)
    }

    /// Ends a stream's recording, until it is begun again or the stream is made anew. Gives how it ended. Blocks until
    /// the file is finished, for three seconds at most.
    pub fn end(&self, stream: &StreamName) -> Result<Activity, Error> {
        let live = self.0.followed(stream)?;
        let not_recording = || Error::NotRecording { stream: stream.clone() };
        let recorder = self.0.running(&live).ok_or_else(not_recording)?;
        self.0.recorders.lock().declined.insert(live.epoch());
        recorder.stop();
        recorder.wait(PATIENCE);
        Ok(recorder.activity())
    }

    /// Whether and how a live stream is being recorded. Does not block on the disk.
    pub fn activity(&self, stream: &StreamName) -> Option<Activity> {
        let live = self.0.hub.stream(stream)?;
        self.0.running(&live).map(|recorder| recorder.activity())
    }

    /// Of all recorders that run. Does not block on the disk.
    pub fn activities(&self) -> Vec<Activity> {
        let recorders = self.0.recorders.lock();
        recorders.running.values().filter(|r| !r.is_finished()).map(|r| r.activity()).collect()
    }

    /// Of all recorders that ever ran.
    pub fn totals(&self) -> Totals {
        *self.0.context.totals.lock()
    }

    /// Saves the last `span` of a stream as a file of its own: from its recordings, or else from what the ring still
    /// holds. Blocks while it is written.
    pub fn clip(&self, stream: &StreamName, span: Duration) -> Result<Metadata, Error> {
        let live = self.0.followed(stream)?;
        if let Some(recorder) = self.0.running(&live) {
            recorder.flush(PATIENCE);
        }
        clip::save(&self.0.context, &live, span)
    }

    /// Begins the recordings of streams that have only just come, before the hub ends: a single picture of the last
    /// moment is in a file as well.
    pub fn catch_up(&self) {
        self.0.follow();
    }

    /// Finishes all recordings; waits for them at most so long.
    pub fn shut_down(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        self.0.shutdown.close();
        let running: Vec<_> = self.0.recorders.lock().running.values().cloned().collect();
        for recorder in &running {
            recorder.stop();
        }
        for recorder in &running {
            if !recorder.wait(deadline.saturating_duration_since(Instant::now())) {
                let stream = recorder.stream.name();
                tracing::warn!(%stream, "a recording could not be finished in time; the next start recovers it");
            }
        }
    }
}

impl Shared {
    fn new(hub: Hub, config: Config) -> Self {
        let context = Context::new(config);
        Self { hub, context, recorders: Lock::default(), shutdown: Arc::default() }
    }

    /// A live stream that a request is about. The request may be quicker than the thread that follows the hub: what
    /// begins by itself has begun before it is answered.
    fn followed(&self, name: &StreamName) -> Result<Stream, Error> {
        let stream = self.hub.stream(name).ok_or_else(|| Error::NoStream { stream: name.clone() })?;
        self.follow();
        Ok(stream)
    }

    fn running(&self, stream: &Stream) -> Option<Arc<Recorder>> {
        self.recorders.lock().running.get(&stream.epoch()).filter(|r| !r.is_finished()).cloned()
    }

    fn begin(&self, stream: &Stream) -> Result<Activity, Error> {
        let mut recorders = self.recorders.lock();
        if self.shutdown.is_closed() {
            return Err(Error::ShuttingDown);
        }
        recorders.declined.remove(&stream.epoch());
        recorders.begin(stream, Start::Newest, &self.context)
    }

    /// Begins the recordings that begin by themselves, and forgets those that have ended. A source of the hub's own
    /// that rests while it has no viewers (the demo) is recorded on request only: else it would never rest. Gives true,
    /// so that it is called again.
    fn follow(&self) -> bool {
        let mut recorders = self.recorders.lock();
        // Asked for under the lock: an older list would make it forget what was declined meanwhile.
        let streams = self.hub.streams();
        recorders.running.retain(|_, recorder| !recorder.is_finished());
        recorders.declined.retain(|&epoch| streams.iter().any(|stream| stream.epoch() == epoch));
        if !self.context.config.automatic || self.shutdown.is_closed() {
            return true;
        }
        for stream in streams.iter().filter(|stream| !stream.is_on_demand() && !stream.is_kept()) {
            if recorders.declined.contains(&stream.epoch()) {
                continue;
            }
            if let Err(error) = recorders.begin(stream, Start::Oldest, &self.context) {
                tracing::warn!(stream = %stream.name(), %error, "not recorded");
            }
        }
        true
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.shutdown.close();
        for recorder in self.recorders.lock().running.values() {
            recorder.stop();
        }
    }
}

impl Recorders {
    fn begin(&mut self, stream: &Stream, start: Start, context: &Context) -> Result<Activity, Error> {
        if let Some(recorder) = self.running.get(&stream.epoch()).filter(|r| !r.is_finished()) {
            return Ok(recorder.activity());
        }
        let recorder = Recorder::start(stream.clone(), start, context.clone())?;
        let activity = recorder.activity();
        self.running.insert(stream.epoch(), Arc::new(recorder));
        Ok(activity)
    }
}

#[cfg(test)]
mod tests;
