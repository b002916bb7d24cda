//! What all recorders of a hub share.

use std::sync::{Arc, atomic::AtomicBool};

use net::Lock;

use crate::{Config, Store, Totals, writer::sync::Syncer};

#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) config: Arc<Config>,
    pub(crate) store: Store,
    pub(crate) syncer: Syncer,
    /// The disk has less free than it has to keep.
    pub(crate) disk_is_low: Arc<AtomicBool>,
    pub(crate) totals: Arc<Lock<Totals>>,
}

impl Context {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            syncer: Syncer::start(config.sync),
            store: Store::new(&config.directory),
            config: Arc::new(config),
            disk_is_low: Arc::default(),
            totals: Arc::default(),
        }
    }
}
