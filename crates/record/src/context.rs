//! What all recorders of a hub share.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64},
};

use net::{Lock, Room};

use crate::{Config, Store, Totals, writer::sync::Syncer};

#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) config: Arc<Config>,
    pub(crate) store: Store,
    pub(crate) syncer: Syncer,
    /// What the disk keeps free.
    pub(crate) room: Room,
    /// The disk is nearly full and nothing that is finished is left to be deleted: what is being written ends soon, so that
    /// it can be.
    pub(crate) make_way: Arc<AtomicBool>,
    /// Bytes that recorders could not write for lack of room since the last look at the disk.
    pub(crate) refused: Arc<AtomicU64>,
    pub(crate) totals: Arc<Lock<Totals>>,
}

impl Context {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            syncer: Syncer::start(config.sync),
            store: Store::new(&config.directory),
            room: Room::new(&config.directory, config.retention.min_free_bytes),
            config: Arc::new(config),
            make_way: Arc::default(),
            refused: Arc::default(),
            totals: Arc::default(),
        }
    }
}
