//! Every derived stream that is being made, found by what it is wanted as.

use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

use hub::{Class, Codec, Frame, Hub, Rule, Start, Stream, Want};
use net::{AbortOnDrop, Lock};
use tokio::sync::Semaphore;

use crate::{
    Analyser, Error, Reader, RenditionTotals, Report, analyse::analyse, counters::Counters, now,
    scale::scale, thread::Make, worker::Worker,
};

/// What workers can decode.
pub(crate) const MADE_OF: &[Codec] = &[Codec::Jpeg];

/// What bounds the work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// How many renditions there may be, over all streams.
    pub renditions: usize,
    /// JPEG quality of those that do not ask for one, 1 to 100.
    pub quality: u8,
    /// Streams that may be analysed at the same time; each keeps a processor busy.
    pub analyses: usize,
}

/// One worker's stream: of which stream (by its epoch), and wanted as what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    epoch: u64,
    pub(crate) want: Want,
}

impl Key {
    fn analysis(stream: &Stream, pipeline: &str) -> Self {
        let pipeline: Arc<str> = pipeline.into();
        Self { epoch: stream.epoch(), want: Want::in_codecs(MADE_OF).analysed_by(pipeline) }
    }

    pub(crate) fn is_analysis(&self) -> bool {
        self.want.analysis.is_some()
    }

    fn is_analysis_of(&self, stream: &Stream) -> bool {
        self.is_analysis() && self.epoch == stream.epoch()
    }

    pub(crate) fn work(&self) -> &'static str {
        if self.is_analysis() { "analysis" } else { "rendition" }
    }
}

#[derive(Debug)]
struct Entry {
    stream: Stream,
    since: SystemTime,
    counters: Arc<Counters>,
    /// Stops when the entry goes.
    _worker: AbortOnDrop,
}

impl Entry {
    fn report(&self, key: &Key) -> Report {
        Report {
            want: key.want.clone(),
            since: self.since,
            stream: self.stream.stats(now()),
            counts: self.counters.read(),
        }
    }
}

type Entries = BTreeMap<Key, Entry>;

/// Answers wants. Clones share it.
#[derive(Debug, Clone)]
pub struct Registry(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    hub: Hub,
    limits: Limits,
    analysers: Vec<Arc<dyn Analyser>>,
    /// Taken before the hub's locks, and never across an await.
    entries: Lock<Entries>,
    /// Of all renditions that ever were.
    totals: Arc<Counters>,
    /// Places for threads, each taken until its thread has ended.
    rendition_threads: Arc<Semaphore>,
    analysis_threads: Arc<Semaphore>,
}

impl Registry {
    pub fn new(hub: Hub, limits: Limits, analysers: Vec<Arc<dyn Analyser>>) -> Self {
        Self(Arc::new(Shared {
            hub,
            limits,
            analysers,
            entries: Lock::default(),
            totals: Arc::default(),
            rendition_threads: Arc::new(Semaphore::new(limits.renditions)),
            analysis_threads: Arc::new(Semaphore::new(limits.analyses)),
        }))
    }

    // ---- reading ----

    /// A viewer of `stream` as wanted, beginning with the newest frame. The worker of a rendition is started if there is
    /// none; an analysis must be running.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn subscribe(&self, stream: &Stream, want: &Want) -> Result<Reader, Error> {
        if let Some(pipeline) = &want.analysis {
            return self.subscribe_analysed(stream, pipeline, want);
        }
        if want.is_rendition() {
            return self.subscribe_rendition(stream, want);
        }
        check_codec(stream, want.codecs)?;
        read(stream, Start::Newest, want, want.max_fps())
    }

    /// The newest frame if it is there already as wanted, without becoming a viewer.
    ///
    /// # Errors
    /// [`Error::CodecUnavailable`].
    pub fn newest(&self, stream: &Stream, want: &Want) -> Result<Option<Arc<Frame>>, Error> {
        let newest = check_codec(stream, want.codecs)?;
        Ok(newest.filter(|_| !want.is_rendition() && want.analysis.is_none()))
    }

    fn subscribe_analysed(&self, stream: &Stream, pipeline: &str, want: &Want) -> Result<Reader, Error> {
        if want.is_rendition() {
            return Err(Error::AnalysisScaled);
        }
        let key = Key::analysis(stream, self.analyser(pipeline)?.name());
        let analysed = self.0.entries.lock().get(&key).map(|entry| entry.stream.clone());
        let analysed = analysed.ok_or_else(|| Error::AnalysisNotRunning {
            stream: stream.name().clone(),
            pipeline: pipeline.to_owned(),
        })?;
        read(&analysed, Start::Newest, want, want.max_fps())
    }

    fn subscribe_rendition(&self, stream: &Stream, want: &Want) -> Result<Reader, Error> {
        check_codec(stream, MADE_OF)?;
        let key = Key { epoch: stream.epoch(), want: want.clone() };
        // Held until the viewer is counted, so that the worker cannot stop in between.
        let mut entries = self.0.entries.lock();
        if !entries.contains_key(&key) {
            self.make_room(&mut entries)?;
            let make = scale(want.clone(), self.0.limits.quality);
            let entry = self.start(stream, &key, make, Counters::counted_in(&self.0.totals))?;
            entries.insert(key.clone(), entry);
        }
        let rendition = entries.get(&key).map_or(stream, |entry| &entry.stream);
        // It is made at the rate that is wanted.
        read(rendition, start(stream, rendition), want, None)
    }

    /// One without viewers goes before a new one is refused.
    fn make_room(&self, entries: &mut Entries) -> Result<(), Error> {
        let max = self.0.limits.renditions;
        let mut renditions = entries.iter().filter(|(key, _)| !key.is_analysis());
        if renditions.clone().count() < max {
            return Ok(());
        }
        let unwatched = renditions.find(|(_, entry)| !entry.stream.demand().is_wanted());
        let key = unwatched.map(|(key, _)| key.clone()).ok_or(Error::RenditionLimit { max })?;
        entries.remove(&key);
        Ok(())
    }

    // ---- analyses ----

    /// Starts the analysis of that name, in place of another. One that runs already goes on.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn start_analysis(&self, stream: &Stream, pipeline: &str) -> Result<(), Error> {
        let analyser = self.analyser(pipeline)?;
        analyser.ready().map_err(|reason| Error::ModelNotLoaded { reason })?;
        check_codec(stream, MADE_OF)?;
        let key = Key::analysis(stream, analyser.name());
        let mut entries = self.0.entries.lock();
        if entries.contains_key(&key) {
            return Ok(());
        }
        let max = self.0.limits.analyses;
        if entries.keys().filter(|other| other.is_analysis() && other.epoch != key.epoch).count() >= max {
            return Err(Error::AnalysisLimit { max });
        }
        let entry = self.start(stream, &key, analyse(Arc::clone(analyser)), Counters::default())?;
        entries.retain(|other, _| !other.is_analysis_of(stream));
        entries.insert(key, entry);
        Ok(())
    }

    /// Whether there was one.
    pub fn stop_analysis(&self, stream: &Stream) -> bool {
        let mut entries = self.0.entries.lock();
        let before = entries.len();
        entries.retain(|key, _| !key.is_analysis_of(stream));
        entries.len() < before
    }

    /// What can analyse live streams.
    pub fn analysers(&self) -> &[Arc<dyn Analyser>] {
        &self.0.analysers
    }

    fn analyser(&self, pipeline: &str) -> Result<&Arc<dyn Analyser>, Error> {
        self.0.analysers.iter().find(|analyser| analyser.name() == pipeline).ok_or_else(|| {
            let known: Vec<_> = self.0.analysers.iter().map(|it| it.name()).collect();
            Error::UnknownPipeline {
                pipeline: pipeline.chars().take(40).collect(),
                known: if known.is_empty() { "none".to_owned() } else { known.join(", ") },
            }
        })
    }

    // ---- workers ----

    fn start(&self, stream: &Stream, key: &Key, make: Make, counters: Counters) -> Result<Entry, Error> {
        let derived = self.0.hub.derive(stream, now())?;
        let counters = Arc::new(counters);
        let stream = derived.stream().clone();
        let worker =
            Worker { registry: self.clone(), key: key.clone(), derived, counters: Arc::clone(&counters) };
        let places = if key.is_analysis() { &self.0.analysis_threads } else { &self.0.rendition_threads };
        let worker = AbortOnDrop::spawn(worker.run(make, Arc::clone(places)));
        Ok(Entry { stream, since: SystemTime::now(), counters, _worker: worker })
    }

    /// Takes a derived stream off the list that has ended.
    pub(crate) fn forget(&self, key: &Key, stream: &Stream) {
        forget(&mut self.0.entries.lock(), key, stream);
    }

    /// Takes a rendition off the list unless it has viewers; whether it is off.
    pub(crate) fn forget_unwatched(&self, key: &Key, stream: &Stream) -> bool {
        let mut entries = self.0.entries.lock();
        let is_unwatched = !stream.demand().is_wanted();
        if is_unwatched {
            forget(&mut entries, key, stream);
        }
        is_unwatched
    }

    // ---- statistics ----

    /// The renditions of the stream of this epoch.
    pub fn renditions(&self, epoch: u64) -> Vec<Report> {
        let entries = self.0.entries.lock();
        let renditions = entries.iter().filter(|(key, _)| key.epoch == epoch && !key.is_analysis());
        renditions.map(|(key, entry)| entry.report(key)).collect()
    }

    /// The stream's analysis, if one runs.
    pub fn analysis(&self, stream: &Stream) -> Option<Report> {
        let entries = self.0.entries.lock();
        entries.iter().find(|(key, _)| key.is_analysis_of(stream)).map(|(key, entry)| entry.report(key))
    }

    pub fn rendition_totals(&self) -> RenditionTotals {
        let active = self.0.entries.lock().keys().filter(|key| !key.is_analysis()).count();
        RenditionTotals { active, counts: self.0.totals.read() }
    }
}

/// The stream's newest frame, unless it is in another codec.
fn check_codec(stream: &Stream, accepted: &'static [Codec]) -> Result<Option<Arc<Frame>>, Error> {
    let newest = stream.newest();
    match newest.as_ref().map(|frame| frame.format.codec) {
        Some(codec) if !accepted.contains(&codec) => {
            Err(Error::CodecUnavailable { stream: stream.name().clone(), codec, accepted })
        }
        _ => Ok(newest),
    }
}

fn read(stream: &Stream, start: Start, want: &Want, max_fps: Option<f64>) -> Result<Reader, Error> {
    let subscriber = stream.subscribe(Rule::Latest, Class::Viewer, start)?;
    Ok(Reader::new(subscriber, want.codecs, max_fps))
}

/// The newest frame, unless the rendition has rested since and the parent has gone on: then the next one, which is about
/// to be made.
fn start(parent: &Stream, rendition: &Stream) -> Start {
    let seq = |stream: &Stream| stream.newest().map_or(0, |frame| frame.seq);
    let made = seq(rendition);
    let is_stale = made < seq(parent) && !rendition.demand().is_wanted();
    if is_stale { Start::After(made) } else { Start::Newest }
}

/// Unless another has its place by now.
fn forget(entries: &mut Entries, key: &Key, stream: &Stream) {
    if entries.get(key).is_some_and(|entry| entry.stream.epoch() == stream.epoch()) {
        entries.remove(key);
    }
}
