//! Simulator sessions: a client asks for a session and gets a stream of its own, fed by a simulator, and the simulator's
//! signalling.
//!
//! A session's stream is an ordinary one, which rests without viewers: one connection to the simulator for any number of
//! clients, opened with the first and closed some seconds after the last. `registry` is the table of sessions, `task`
//! runs one, `link` speaks to the simulator's WebSocket, `fallback` reads its MJPEG stream, `relay` stands between the
//! link and the clients ([`Client`]). The JSON of the routes does not belong here.
//!
//! Invariants:
//! - **SE1** A session and its stream end together, whichever is deleted.
//! - **SE2** However many clients a session has, it has one connection to its simulator, and none without viewers.
//! - **SE3** Signalling is complete and in order, or the client gets an error: nothing is dropped silently.
//! - **SE4** A slow client or simulator costs a bounded amount of memory and holds up no other.

mod address;
mod client;
mod close;
mod fallback;
mod link;
mod notice;
mod probe;
mod registry;
mod relay;
mod ring;
mod session;
pub mod settings;
mod task;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

use hub::{Claim, Hub, StreamName};
use ingest::{Admission, now, pull::Report};
use net::Lock;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

pub use address::{InvalidSimulator, Place, Simulator};
pub use client::{Client, Event, MAX_MESSAGE_BYTES, Uplink};
pub use net::ws::Close;
pub use notice::Notice;
pub use registry::{CreateError, CreateRequest};
pub use relay::NotTaken;

use registry::{Entry, Registry, Returned};
use session::{Limits, Session};
use settings::Settings;
use task::Task;

/// The sessions of a hub. Clones share them.
#[derive(Debug, Clone)]
pub struct Sessions(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    hub: Hub,
    settings: Settings,
    default: Simulator,
    /// By their names.
    others: BTreeMap<String, Simulator>,
    pictures: Admission,
    /// Taken before the hub's lock; never held across an await.
    registry: Lock<Registry<Arc<Session>>>,
    shutdown: CancellationToken,
}

/// A session at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    pub id: StreamName,
    pub request: CreateRequest,
    pub created: SystemTime,
    pub last_activity: SystemTime,
    pub is_connected: bool,
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    pub info: Info,
    /// The session was there already.
    pub is_reused: bool,
}

impl Sessions {
    /// `others` are the simulators that requests can name.
    ///
    /// # Errors
    /// The address of a simulator is none.
    pub fn new(
        hub: Hub,
        settings: Settings,
        others: &BTreeMap<String, Place>,
        pictures: Admission,
        shutdown: CancellationToken,
    ) -> Result<Self, InvalidSimulator> {
        let default = settings.default.simulator()?;
        let others = others.iter().map(|(name, place)| Ok((name.clone(), place.simulator()?)));
        let others = others.collect::<Result<_, InvalidSimulator>>()?;
        let registry = Lock::new(Registry::new(settings.max_concurrent));
        Ok(Self(Arc::new(Shared { hub, settings, default, others, pictures, registry, shutdown })))
    }

    /// Makes a session, or finds that of the robot; `None` where the client `may_have` none of that name. It learns
    /// nothing of the sessions that there are. Within a tokio runtime.
    ///
    /// # Errors
    /// [`CreateError`]: bad texts, or no room for a session or its stream.
    pub fn create(
        &self,
        request: CreateRequest,
        may_have: impl Fn(&StreamName) -> bool,
    ) -> Result<Option<Created>, CreateError> {
        let now = now();
        let random = getrandom::u64().map_err(|_| CreateError::NoRandomness)?;
        let id = request.new_id(now, random)?;
        let mut registry = self.0.registry.lock();
        let found = registry.of_robot(&request);
        if !may_have(&id) || found.as_ref().is_some_and(|found| !may_have(found)) {
            return Ok(None);
        }
        if let Some(id) = found {
            registry.share(&id, now);
            if let Some(entry) = registry.sessions.get(&id) {
                return Ok(Some(Created { info: info(&id, entry), is_reused: true }));
            }
        }
        registry.check_room()?;
        let publisher = self.0.hub.publisher(&id, Claim::Source, now)?;
        let limits = Limits { pictures: self.0.pictures.clone(), timeout: self.0.settings.timeout };
        let (session, outgoing) = Session::new(id.clone(), self.simulator(&request).clone(), limits);
        registry.insert(id.clone(), request.clone(), now, Arc::clone(&session));
        let task = Task {
            hub: self.0.hub.clone(),
            outgoing,
            on_wanted: {
                let (shared, id) = (Arc::clone(&self.0), id.clone());
                move |wanted| shared.registry.lock().set_wanted(&id, wanted, ingest::now())
            },
            session,
        };
        let (shared, ended) = (Arc::clone(&self.0), id.clone());
        tokio::spawn(async move {
            task.run(publisher).await;
            // The session ends with its stream (SE1).
            shared.registry.lock().sessions.remove(&ended);
        });
        let info = Info { id, request, created: now.wall, last_activity: now.wall, is_connected: false };
        Ok(Some(Created { info, is_reused: false }))
    }

    /// The simulator with the requested name or the robot's; else the default one.
    fn simulator(&self, request: &CreateRequest) -> &Simulator {
        let Shared { default, others, .. } = &*self.0;
        let named = |name: &Option<String>| name.as_ref().and_then(|name| others.get(name));
        named(&request.simulator).or_else(|| named(&request.robot_name)).unwrap_or(default)
    }

    /// Asks the requested simulator whether it is alive; gives what is wrong if it is not.
    pub async fn probe(&self, request: &CreateRequest) -> Option<String> {
        probe::ping(self.simulator(request)).await.err().map(|error| error.to_string())
    }

    pub fn len(&self) -> usize {
        self.0.registry.lock().sessions.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many sessions there are whose stream is `shown`.
    pub fn count(&self, shown: impl Fn(&StreamName) -> bool) -> usize {
        self.0.registry.lock().sessions.keys().filter(|id| shown(id)).count()
    }

    pub fn info(&self, id: &StreamName) -> Option<Info> {
        self.0.registry.lock().sessions.get(id).map(|entry| info(id, entry))
    }

    /// The state and counters of the session's simulator; `None` if there is no such session.
    pub fn report(&self, id: &StreamName) -> Option<Report> {
        self.session(id).map(|session| session.report())
    }

    /// A client of the session, which receives notices, and the simulator's messages if it `hears`. The simulator is
    /// connected only while the stream has a viewer.
    pub fn join(&self, id: &StreamName, hears: bool) -> Option<Client> {
        self.session(id).map(|session| Client::new(session, hears))
    }

    fn session(&self, id: &StreamName) -> Option<Arc<Session>> {
        self.0.registry.lock().sessions.get(id).map(|entry| Arc::clone(&entry.running))
    }

    /// Takes back one request for the session. The last one's ends it and its stream, which closes its clients; one that
    /// others have been given, too, goes on. False if there is none of that name.
    pub fn destroy(&self, id: &StreamName) -> bool {
        let returned = self.0.registry.lock().give_back(id);
        match returned {
            None => return false,
            Some(Returned::Shared { holders }) => {
                tracing::info!(session = %id, holders, "the session is given back, and goes on for others");
            }
            Some(Returned::Last(_ended)) => {
                self.0.hub.remove(id);
                tracing::info!(session = %id, "the session has ended");
            }
        }
        true
    }

    /// Ends a session, whoever has it.
    fn end(&self, id: &StreamName) {
        let _entry = self.0.registry.lock().sessions.remove(id);
        self.0.hub.remove(id);
    }

    /// Ends idle sessions, until the shutdown.
    pub async fn sweep(self) {
        let every = self.0.settings.check;
        let mut rounds = interval_at(Instant::now() + every, every);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.0.shutdown.cancelled() => return,
                _ = rounds.tick() => {}
            }
            let idle = self.0.registry.lock().idle(self.0.settings.idle, now());
            for id in idle {
                tracing::info!(session = %id, "the session was idle for too long: it ends");
                self.end(&id);
            }
        }
    }
}

fn info(id: &StreamName, entry: &Entry<Arc<Session>>) -> Info {
    Info {
        id: id.clone(),
        request: entry.request.clone(),
        created: entry.created.wall,
        last_activity: entry.last_activity(now()).wall,
        is_connected: entry.running.is_connected(),
    }
}
