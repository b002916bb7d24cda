//! Upload sessions: a client sends every frame of a phrase, each is acknowledged, kept in order and
//! analysed while the next ones come; the signal log ends it, and the verdict follows.
//!
//! Here belongs what a session is: its states, its order, its spool, its limits, and when its analysis runs. What the
//! messages look like is `wire::upload`'s, the WebSocket is `web`'s, and what an analysis does with frames is behind
//! the trait [`Pipeline`], which the server implements.
//!
//! # Invariants
//! U1 A frame that was acknowledged as received is kept until the session ends. U2 A session's memory is bounded by its
//! share, whatever its length: what is beyond it lies in a file, and a connection that outruns the disk waits. U3 An
//! analysis never holds up an upload: it has a thread of its own and reads from the spool. U4 What a session made on
//! the disk but its artifacts is gone when it ends, however it ends. U5 All frames that came are analysed in the order
//! of their numbers, each once.

mod analysis;
mod artifacts;
mod check;
mod connection;
mod error;
mod frames;
mod lifecycle;
mod live;
mod mailbox;
mod order;
mod protocol;
mod registry;
mod scheduler;
mod session;
pub mod settings;
mod spool;
mod stats;
mod validation;
mod worker;

pub use self::settings::Settings;
pub use analysis::{Analysis, Failure, InputFrame, Job, Options, Picture, Pipeline, Progress, Signal, Stop};
pub use artifacts::{Artifacts, Page, RESULT_FILE, Scratch, Summary};
pub use check::BadFrame;
pub use connection::Connection;
pub use error::Error;
pub use mailbox::{CloseReason, Mailbox, Queued};
pub use registry::{Place, Uploads};
pub use stats::{AnalysisStats, SessionStats, Stats};
