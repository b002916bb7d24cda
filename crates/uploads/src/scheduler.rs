//! Which analyses run: so many at once, the others in the order in which they came.

use std::{collections::VecDeque, sync::Arc};

use net::Lock;

use crate::{analysis::Failure, artifacts::Artifacts, session::Session, worker};

#[derive(Debug)]
pub(crate) struct Scheduler {
    max: usize,
    artifacts: Artifacts,
    state: Lock<State>,
}

#[derive(Debug, Default)]
struct State {
    running: usize,
    waiting: VecDeque<Arc<Session>>,
}

impl Scheduler {
    pub(crate) fn new(max: usize, artifacts: Artifacts) -> Self {
        Self { max: max.max(1), artifacts, state: Lock::default() }
    }

    /// Runs the session's analysis on a thread of its own, now or when its turn comes.
    pub(crate) fn begin(self: &Arc<Self>, session: Arc<Session>) {
        let mut state = self.state.lock();
        if state.running >= self.max {
            state.waiting.push_back(session);
            return;
        }
        state.running += 1;
        drop(state);
        let scheduler = Arc::clone(self);
        let on_thread = Arc::clone(&session);
        let spawned =
            std::thread::Builder::new().name("analysis".into()).spawn(move || scheduler.work(on_thread));
        if let Err(error) = spawned {
            self.state.lock().running -= 1;
            session.failed(Failure::Thread(error));
        }
    }

    /// One session after the other, as long as there are any.
    fn work(&self, first: Arc<Session>) {
        net::lower_priority();
        let mut next = Some(first);
        while let Some(session) = next {
            worker::run(&session, &self.artifacts);
            drop(session);
            next = self.next();
        }
    }

    fn next(&self) -> Option<Arc<Session>> {
        let mut state = self.state.lock();
        // Those that were given up while they waited are passed over by the run itself, which ends at once.
        let next = state.waiting.pop_front();
        if next.is_none() {
            state.running -= 1;
        }
        next
    }
}
