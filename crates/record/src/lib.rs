//! Streams on disk: they are recorded while they are watched, found again, replayed and deleted in time.
//!
//! Here lives everything that decides what is written where, and what goes. Nothing here speaks HTTP or knows a
//! runtime: a recording has a thread of its own that reads the stream's ring in order, so a slow or a full disk stops
//! that thread and nobody else. What a file looks like inside is `media::fmp4`'s.
//!
//! # Invariants
//! D1 The files are the truth: the index is rebuilt from them, and a recording without its metadata file is still one.
//! D2 At any moment a recording's file plays: it grows by whole fragments of one second at most, and what is written
//! is never moved. D3 Frames that could not be written are a gap with its length and number, never a silent one.
//! D4 Nothing outside the recordings' folder is read, written or deleted, symlinks included, and nothing that is being
//! written is deleted. D5 A writer that waits for the disk holds one fragment; what is behind it stays in the ring,
//! within the ring's own bound.

mod clip;
mod closing;
mod config;
mod cursor;
mod encoder;
mod error;
mod folder;
mod fragment;
mod heal;
mod index;
mod keeper;
mod layout;
mod metadata;
mod park;
mod priority;
mod recorder;
mod recordings;
mod replay;
mod retention;
mod segment;
mod shelf;
mod supervisor;
mod sync;
mod timeline;
mod totals;
mod writing;
mod written;

pub use config::{Codec, Config, Retention, TimeOfDay};
pub use error::Error;
pub use fragment::MAX_BYTES as FRAGMENT_BYTES;
pub use layout::{FileName, Kind, RecordingId};
pub use metadata::{Gap, Metadata, Status};
pub use priority::give_way;
pub use recordings::{Activity, Recordings, State};
pub use replay::{Batch, Position, Replay, Replayed};
pub use retention::{Sweep, SweepReport};
pub use shelf::{Disk, Filter, OpenFile, Order, Page, Shelf, StreamSummary};
pub use totals::Totals;
pub use writing::Writing;
