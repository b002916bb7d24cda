//! Renditions: a stream's pictures smaller, coarser or less often, made once for all who ask for the same.
//!
//! Each distinct combination of stream, look and rate has one worker, which runs only while somebody watches and is let
//! go some seconds after the last. What a rendition is to the hub (a derived stream) is the hub's business, and how a
//! picture is made smaller is `media`'s.

mod maker;
mod wish;
mod worker;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use http::StatusCode;
use hub::{Class, Hub, Rule, Start, Stream, Subscriber};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{clock, error::ApiError, stats::round};
use maker::{Counters, Maker};
pub(crate) use wish::{Look, Wish};
use worker::Worker;

/// What bounds the renditions.
#[derive(Debug, Clone, Copy)]
pub struct RenditionLimits {
    /// How many there may be, over all streams.
    pub max: usize,
    /// JPEG quality of those that do not ask for one, 1 to 100.
    pub quality: u8,
}

/// What is made: of which stream (by its epoch), and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    epoch: u64,
    wish: Wish,
}

#[derive(Debug)]
struct Entry {
    stream: Stream,
    counters: Arc<Counters>,
}

/// All renditions that are made now.
#[derive(Debug)]
pub(crate) struct Renditions {
    hub: Hub,
    limits: RenditionLimits,
    /// Taken before the hub's locks, and never across an await.
    entries: Mutex<BTreeMap<Key, Entry>>,
    /// Of all renditions that ever were.
    totals: Arc<Counters>,
}

impl Renditions {
    pub(crate) fn new(hub: Hub, limits: RenditionLimits) -> Arc<Self> {
        let entries = Mutex::default();
        Arc::new(Self { hub, limits, entries, totals: Arc::default() })
    }

    /// A viewer of `stream` as wished for, whose worker is started if there is none. Begins with the newest frame.
    pub(crate) fn subscribe(self: &Arc<Self>, stream: &Stream, wish: Wish) -> Result<Subscriber, ApiError> {
        let key = Key { epoch: stream.epoch(), wish };
        // Held until the viewer is counted, so that the worker cannot be let go in between.
        let mut entries = self.lock();
        if !entries.contains_key(&key) {
            self.make_room(&mut entries)?;
            entries.insert(key, self.start(stream, key)?);
        }
        let rendition = entries.get(&key).map_or(stream, |entry| &entry.stream);
        Ok(rendition.subscribe(Rule::Latest, Class::Viewer, start(stream, rendition))?)
    }

    /// One that nobody watches goes before a new one is refused.
    fn make_room(&self, entries: &mut BTreeMap<Key, Entry>) -> Result<(), ApiError> {
        if entries.len() < self.limits.max {
            return Ok(());
        }
        let unwatched = entries.iter().find(|(_, entry)| !entry.stream.demand().is_wanted());
        if let Some(key) = unwatched.map(|(&key, _)| key) {
            entries.remove(&key);
            return Ok(());
        }
        let max = self.limits.max;
        let message = format!(
            "{max} renditions are being made already: ask for a size, quality and rate that others watch, leave them \
             out, or raise viewers.max_renditions"
        );
        Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "RENDITION_LIMIT", message))
    }

    fn start(self: &Arc<Self>, stream: &Stream, key: Key) -> Result<Entry, ApiError> {
        let derived = self.hub.derive(stream, clock::now())?;
        let counters = Arc::<Counters>::default();
        let counted = [Arc::clone(&counters), Arc::clone(&self.totals)];
        let maker = Maker::start(key.wish.look, self.limits.quality, counted).map_err(|error| {
            let message = format!("no thread can be started to make the rendition: {error}");
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "RENDITION_LIMIT", message)
        })?;
        let entry = Entry { stream: derived.stream().clone(), counters };
        tokio::spawn(Worker { renditions: Arc::clone(self), key, derived, maker }.run());
        Ok(entry)
    }

    /// Takes a rendition off the list whose stream has ended.
    fn forget(&self, key: Key, stream: &Stream) {
        let mut entries = self.lock();
        if entries.get(&key).is_some_and(|entry| entry.stream.epoch() == stream.epoch()) {
            entries.remove(&key);
        }
    }

    /// Takes a rendition off the list unless somebody watches it; whether it is off.
    fn forget_unwatched(&self, key: Key, stream: &Stream) -> bool {
        let mut entries = self.lock();
        if stream.demand().is_wanted() {
            return false;
        }
        if entries.get(&key).is_some_and(|entry| entry.stream.epoch() == stream.epoch()) {
            entries.remove(&key);
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // ---- statistics ----

    /// Those of the stream of this epoch.
    pub(crate) fn of(&self, epoch: u64) -> Vec<RenditionInfo> {
        let entries = self.lock();
        let of_stream = entries.iter().filter(|(key, _)| key.epoch == epoch);
        of_stream.map(|(key, entry)| RenditionInfo::new(key.wish, entry)).collect()
    }

    pub(crate) fn totals(&self) -> RenditionTotals {
        RenditionTotals {
            active: self.lock().len(),
            encodes: self.totals.encodes(),
            errors: self.totals.errors(),
            busy: self.totals.busy(),
        }
    }
}

/// The newest frame, unless the rendition has rested since and the parent has gone on: then the next one, which is about
/// to be made.
fn start(parent: &Stream, rendition: &Stream) -> Start {
    let seq = |stream: &Stream| stream.newest().map_or(0, |frame| frame.seq);
    let made = seq(rendition);
    let is_stale = made < seq(parent) && !rendition.demand().is_wanted();
    if is_stale { Start::After(made) } else { Start::Newest }
}

/// Over all renditions that ever were.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RenditionTotals {
    pub(crate) active: usize,
    pub(crate) encodes: u64,
    pub(crate) errors: u64,
    pub(crate) busy: Duration,
}

/// One rendition of a stream.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RenditionInfo {
    /// As asked for; absent: as published, or in proportion.
    width: Option<u32>,
    height: Option<u32>,
    quality: Option<u8>,
    fps: Option<f64>,
    viewers: usize,
    current_fps: f64,
    /// Pictures encoded for it, however many watch.
    frames_encoded: u64,
    /// Frames that could not be read.
    frame_errors: u64,
    frames_served: u64,
    /// Mean time to decode, scale and encode a picture.
    encode_ms: f64,
    frame_bytes: Option<usize>,
}

impl RenditionInfo {
    fn new(wish: Wish, entry: &Entry) -> Self {
        let stats = entry.stream.stats(clock::now());
        let Look { width, height, quality } = wish.look;
        let encodes = entry.counters.encodes();
        let millis = entry.counters.busy().as_secs_f64() * 1000.0;
        Self {
            width,
            height,
            quality,
            fps: wish.fps(),
            viewers: stats.demand.viewers,
            current_fps: round(stats.fps, 1),
            frames_encoded: encodes,
            frame_errors: entry.counters.errors(),
            frames_served: stats.totals.served,
            encode_ms: round(millis / encodes.max(1) as f64, 2),
            frame_bytes: stats.frame_bytes,
        }
    }
}
