//! Judges fencing phrases from what the scoring apparatus logged and how the fencers moved.
//!
//! What belongs here: finding people in pictures, choosing the two who fence, the key points of both, the signal log, the
//! decision, and the videos that show it. What does not: anything that waits or listens; no runtime, no socket, no clock.
//!
//! Invariants:
//!
//! * Untrusted bytes never panic, and memory is bounded by named constants.
//! * Equal input gives equal output, to the last bit.

pub mod decision;
pub mod evaluate;
pub mod film;
#[doc(hidden)]
pub mod fuzz;
pub mod overlay;
pub mod pipeline;
pub mod pose;
pub mod settings;
pub mod signal;
pub mod tracking;
pub mod tracks;
