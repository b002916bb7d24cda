//! Judges fencing phrases from what the scoring apparatus logged and how the fencers moved.
//!
//! Here belong the signal log, the key points of both fencers, and the decision.
//! Here does not belong anything that waits or listens: no runtime, no socket, no clock.
//!
//! Invariants:
//!
//! * A stranger's bytes never panic, and memory is bounded by named constants.
//! * Equal input gives equal output, to the last bit.

pub mod tracks;
