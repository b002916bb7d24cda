//! Streams on disk: they are recorded while they are watched, found again, replayed and deleted in time.
//!
//! Here lives everything that decides what is written where, and what goes. Nothing here speaks HTTP or knows a
//! runtime: a recording has a thread of its own that reads the stream's ring in order, so a slow or a full disk stops
//! that thread alone. What a file looks like inside is `media::fmp4`'s.
//!
//! # Invariants
//! DK1 The files are the truth: the index is rebuilt from them, and a recording without its metadata file is still one.
//! DK2 At any moment a recording's file plays: it grows by whole fragments, and what is written is never moved; half a
//! second after its arrival a frame is in the file, a second later (`recording.sync_seconds`) on the disk itself.
//! DK3 Frames that could not be written are a gap with its length and number, never a silent one. DK4 Nothing outside
//! the recordings' folder is read, written or deleted, symlinks included, and nothing that is being written is deleted.
//! DK5 A writer that waits for the disk holds one fragment; what is behind it stays in the ring, within the ring's own
//! bound.

mod activity;
mod clock;
mod config;
mod context;
mod error;
mod maintenance;
mod recordings;
mod replay;
pub mod settings;
mod shutdown;
mod store;
mod supervisor;
mod totals;
mod unparker;
mod writer;

pub use activity::{Activity, State};
pub use config::{Codec, Config, Retention, TimeOfDay};
pub use error::Error;
pub use recordings::Recordings;
pub use replay::{Batch, Position, Replay, Replayed};
pub use store::{
    Disk, FileName, Filter, Gap, Kind, Metadata, OpenFile, Order, Page, RecordingId, Status, Store,
    StreamSummary, Sweep, SweepReport, Writing,
};
pub use totals::Totals;
pub use writer::FRAGMENT_BYTES;
