//! All sessions: who may begin one, which one is whose, and when they end.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use hub::{Hub, StreamName};
use ingest::Admission;
use net::Lock;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wire::{
    image,
    upload::{ServerMessage, SessionStart},
};

use crate::{
    analysis::Pipeline,
    artifacts::Artifacts,
    error::Error,
    frames::Frames,
    live::Live,
    mailbox::Mailbox,
    scheduler::Scheduler,
    session::Session,
    settings::Settings,
    spool::{Budget, Spool, Terms},
    stats::Stats,
};

/// The pipeline of a client that names none.
const DEFAULT_PIPELINE: &str = "referee";
/// Faster than any camera.
const MAX_FPS: f64 = 10_000.0;
/// How often sessions that have timed out are looked for: a message a client sends late is refused anyway.
const ROUND: Duration = Duration::from_secs(1);

/// All upload sessions. Clones share them.
#[derive(Debug, Clone)]
pub struct Uploads(Arc<Shared>);

struct Shared {
    settings: Settings,
    hub: Hub,
    scheduler: Arc<Scheduler>,
    budget: Arc<Budget>,
    /// Of the frames that are shown.
    admission: Admission,
    pipelines: Vec<Arc<dyn Pipeline>>,
    artifacts: Artifacts,
    /// Nothing awaits under it; taken before a session's own.
    sessions: Lock<Sessions>,
}

#[derive(Debug, Default)]
struct Sessions {
    by_id: BTreeMap<String, Arc<Session>>,
    /// Kept for sessions that have yet to begin.
    places: usize,
    is_closed: bool,
}

impl Sessions {
    /// A place where `taken` are: if there is none, the session that has waited longest for a client that has left gives
    /// its own.
    fn make_room(&mut self, taken: usize, max: usize, now: Instant) -> Result<Option<Arc<Session>>, Error> {
        if self.is_closed {
            return Err(Error::ShuttingDown);
        }
        if taken < max {
            return Ok(None);
        }
        self.dropped_longest_ago(now).map(Some).ok_or(Error::TooManySessions { max })
    }

    fn dropped_longest_ago(&mut self, now: Instant) -> Option<Arc<Session>> {
        let dropped = self.by_id.values().filter(|session| !session.is_connected());
        let id = dropped.max_by_key(|session| session.idle(now))?.id.clone();
        self.by_id.remove(&id)
    }
}

/// A place among the sessions, taken before anything of the session has come; dropping it gives it back.
#[derive(Debug)]
pub struct Place(Uploads);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.0.sessions.lock().places -= 1;
    }
}

impl Uploads {
    /// The first pipeline is the one of clients that name none, unless there is a `referee`.
    pub fn new(hub: Hub, settings: Settings, pipelines: Vec<Arc<dyn Pipeline>>) -> Self {
        let artifacts = Artifacts::new(settings.room());
        artifacts.recover();
        Self(Arc::new(Shared {
            hub,
            scheduler: Arc::new(Scheduler::new(settings.analyses, artifacts.clone())),
            budget: Arc::new(Budget::new(settings.max_memory_bytes)),
            admission: Admission::new(
                image::Limits { max_bytes: settings.max_frame_bytes, setting: "referee.max_frame_mb" },
                settings.jpeg_quality,
            ),
            pipelines,
            artifacts,
            sessions: Lock::default(),
            settings,
        }))
    }

    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// What runs have left behind.
    pub fn artifacts(&self) -> &Artifacts {
        &self.0.artifacts
    }

    /// The names of the pipelines.
    pub fn pipelines(&self) -> Vec<&'static str> {
        self.0.pipelines.iter().map(|pipeline| pipeline.name()).collect()
    }

    pub fn stats(&self) -> Stats {
        let now = Instant::now();
        let sessions: Vec<Arc<Session>> = self.0.sessions.lock().by_id.values().cloned().collect();
        let stats = sessions.iter().map(|session| session.stats(now)).collect();
        Stats::of(stats, self.0.settings.max_sessions, self.0.budget.max())
    }

    // ---- beginning ----

    /// A place for a session whose frames come by another way than its connection: it is had before they take room.
    ///
    /// # Errors
    /// There is none.
    pub fn place(&self) -> Result<Place, Error> {
        let max = self.0.settings.max_sessions;
        if max == 0 {
            return Err(Error::Disabled);
        }
        let mut sessions = self.0.sessions.lock();
        let taken = sessions.by_id.len() + sessions.places;
        let dropped = sessions.make_room(taken, max, Instant::now())?;
        sessions.places += 1;
        drop(sessions);
        clean_up_dropped(dropped);
        Ok(Place(self.clone()))
    }

    /// A new session, or the one that the client resumes; the answer says which.
    pub(crate) fn start(
        &self,
        start: &SessionStart,
        may_publish: &dyn Fn(&StreamName) -> bool,
        mailbox: &Arc<Mailbox>,
        place: Option<Place>,
    ) -> Result<Arc<Session>, Error> {
        let stream = self.check(start, may_publish)?;
        let pipeline = self.pipeline(start.pipeline.as_deref())?;
        let now = Instant::now();
        let (session, replaced) = {
            let mut sessions = self.0.sessions.lock();
            let known = sessions.by_id.get(&start.session_id).cloned();
            let replaced = match known {
                Some(session) if start.resume => {
                    session.attach(mailbox, now);
                    drop(sessions);
                    session.resumed(mailbox);
                    return Ok(session);
                }
                Some(session) if session.is_connected() => {
                    return Err(Error::InUse { id: session.id.clone() });
                }
                other => other,
            };
            // A session that its client has left and begins anew gives its place away.
            let own = usize::from(replaced.is_some()) + usize::from(place.is_some());
            let taken = (sessions.by_id.len() + sessions.places).saturating_sub(own);
            let dropped = sessions.make_room(taken, self.0.settings.max_sessions, now)?;
            let session = Arc::new(self.new_session(start, stream, pipeline));
            session.attach(mailbox, now);
            sessions.by_id.insert(start.session_id.clone(), Arc::clone(&session));
            (session, replaced.or(dropped))
        };
        drop(place);
        clean_up_dropped(replaced);
        tracing::info!(session = %session.id, fps = session.fps, "upload session started");
        mailbox.say(ServerMessage::SessionStarted {
            session_id: session.id.clone(),
            resumed: start.resume.then_some(false),
            next_frame: start.resume.then_some(0),
            state: None,
        });
        Ok(session)
    }

    fn new_session(
        &self,
        start: &SessionStart,
        stream: StreamName,
        pipeline: Option<Arc<dyn Pipeline>>,
    ) -> Session {
        let Shared { settings, hub, budget, admission, .. } = &*self.0;
        let terms = Terms { room: settings.room(), share: settings.share() };
        let announced = start.width.zip(start.height).filter(|&(width, height)| width > 0 && height > 0);
        let live = Live::new(hub, stream.clone(), admission.clone());
        let frames = Frames::new(Spool::new(terms, Arc::clone(budget)), live, announced);
        let all = Arc::downgrade(&self.0);
        let forget = move |id: &str| {
            if let Some(all) = all.upgrade() {
                all.forget(id);
            }
        };
        Session::new(start, stream, pipeline, frames, Arc::new(forget))
    }

    /// Analyses the session's frames, now or when its turn comes.
    pub(crate) fn analyse(&self, session: &Arc<Session>) {
        self.0.scheduler.begin(Arc::clone(session));
    }

    fn check(
        &self,
        start: &SessionStart,
        may_publish: &dyn Fn(&StreamName) -> bool,
    ) -> Result<StreamName, Error> {
        if self.0.settings.max_sessions == 0 {
            return Err(Error::Disabled);
        }
        let shown = || start.session_id.chars().take(80).collect();
        let name =
            if start.session_id.is_empty() { String::new() } else { format!("session_{}", start.session_id) };
        let stream: StreamName = name.parse().map_err(|_| Error::BadId { shown: shown() })?;
        if !may_publish(&stream) {
            return Err(Error::Forbidden { stream: stream.to_string() });
        }
        match start.fps {
            Some(fps) if !(0.0..=MAX_FPS).contains(&fps) => Err(Error::BadFps { fps }),
            _ => Ok(stream),
        }
    }

    fn pipeline(&self, name: Option<&str>) -> Result<Option<Arc<dyn Pipeline>>, Error> {
        let named = |name: &str| self.0.pipelines.iter().find(|pipeline| pipeline.name() == name).cloned();
        let Some(name) = name else {
            return Ok(named(DEFAULT_PIPELINE).or_else(|| self.0.pipelines.first().cloned()));
        };
        let unknown =
            || Error::UnknownPipeline { shown: name.chars().take(80).collect(), known: self.pipelines() };
        named(name).map(Some).ok_or_else(unknown)
    }

    // ---- ending ----

    /// Forgets a session and all that it kept.
    pub(crate) fn abort(&self, session: &Session) {
        tracing::info!(session = %session.id, "upload session aborted");
        self.0.forget(&session.id);
    }

    /// Ends sessions whose time is over, until the shutdown; then all.
    pub async fn keep(self, shutdown: CancellationToken) {
        while shutdown.run_until_cancelled(tokio::time::sleep(ROUND)).await.is_some() {
            self.sweep(Instant::now());
        }
        self.shut_down();
    }

    fn sweep(&self, now: Instant) {
        let after = self.0.settings.session_timeout;
        let expired: Vec<Arc<Session>> = {
            let mut sessions = self.0.sessions.lock();
            let expired = sessions.by_id.extract_if(.., |_, session| session.idle(now) >= after);
            expired.map(|(_, session)| session).collect()
        };
        for session in expired {
            let error = Error::Timeout { after };
            tracing::info!(session = %session.id, "{error}");
            session.clean_up(Some(&error));
        }
    }

    fn shut_down(&self) {
        let all = {
            let mut sessions = self.0.sessions.lock();
            sessions.is_closed = true;
            std::mem::take(&mut sessions.by_id)
        };
        for session in all.values() {
            session.clean_up(Some(&Error::ShuttingDown));
        }
    }
}

fn clean_up_dropped(session: Option<Arc<Session>>) {
    if let Some(session) = session {
        tracing::info!(session = %session.id, "its client has left, and another needs its place: it ends");
        session.clean_up(None);
    }
}

impl Shared {
    /// CLEANUP: what the session kept goes.
    fn forget(&self, id: &str) {
        let session = self.sessions.lock().by_id.remove(id);
        if let Some(session) = session {
            session.clean_up(None);
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uploads").field("settings", &self.settings).finish_non_exhaustive()
    }
}
