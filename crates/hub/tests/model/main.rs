//! The model test: whatever is done to a hub, in whatever order, it does as a naive reference does that is written
//! from the invariants. After every step all that can be seen from outside is compared: who got which frame, what
//! the rings hold, which payloads are in memory, who was woken how often, every figure and every refusal.
//!
//! The seed is fixed; `PROPTEST_RNG_SEED` and `PROPTEST_CASES` explore further.

#![cfg(not(loom))]
#![allow(clippy::unwrap_used)]

mod handles;
mod ops;
mod reference;
mod rig;
#[path = "../support/mod.rs"]
mod support;

use std::cell::RefCell;

use proptest::test_runner::{Config, RngSeed, TestRunner};

use crate::rig::{Rig, Seen};

/// A model test proves nothing about what its sequences never reach.
const MUST_HAPPEN: [&str; 30] = [
    "a backlog cut",
    "a backlog kept",
    "a delta frame delivered",
    "a frame delivered after the end",
    "a frame withheld that could not be decoded",
    "a latest reader skipped frames",
    "a newest frame larger than the ring",
    "a one-shot publisher beside a stale claim",
    "a publisher woken by demand",
    "a publisher woken by its loss",
    "a publisher woken by the end",
    "a reader woken by a frame",
    "a reader woken by the end",
    "a reader's leaving freed frames",
    "a stale claim given away",
    "a stream re-created",
    "a stream taken over",
    "a watcher woken",
    "an in-order reader lost frames",
    "claim refused: claimed",
    "claim refused: shutting down",
    "claim refused: stream limit",
    "idle streams swept",
    "publishing refused: closed",
    "publishing refused: taken over",
    "subscribing refused: closed",
    "subscribing refused: viewer limit",
    "the end told: deleted",
    "the end told: idle",
    "the end told: shutting down",
];

#[test]
fn the_hub_does_as_its_invariants_say() {
    let mut config = Config { failure_persistence: None, ..Config::default() };
    config.cases *= 3;
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(1);
    }
    let seen = RefCell::new(Seen::new());
    let result = TestRunner::new(config).run(&(ops::setup(), ops::ops()), |(setup, ops)| {
        let mut rig = Rig::new(setup);
        ops.into_iter().for_each(|op| rig.step(op));
        for (event, times) in rig.finish() {
            *seen.borrow_mut().entry(event).or_default() += times;
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    let seen = seen.into_inner();
    let never: Vec<_> = MUST_HAPPEN.into_iter().filter(|event| !seen.contains_key(event)).collect();
    assert!(never.is_empty(), "the sequences never reached {never:?}, but {seen:#?}");
}
