//! The bodies of the fuzz targets: each takes any bytes and panics when a parser breaks its promises.
//!
//! They are called from ordinary property tests, too, so they cannot rot; `fuzz/` has one line for each.

use crate::pose;
use crate::signal::{MAX_SECS, SignalLog};
use crate::tracks::Tracks;

/// A log that is read is in order and within its limits, and no bytes panic.
pub fn signal(data: &[u8]) {
    let Ok(log) = SignalLog::parse(data) else { return };
    assert!(log.events.is_sorted_by(|a, b| a.time_secs <= b.time_secs), "events are out of order");
    assert!(
        log.events.iter().all(|event| (0.0..=MAX_SECS).contains(&event.time_secs)),
        "a time is out of range"
    );
    assert!(log.hits.is_none() || log.first_hit().is_some(), "a hit without its time");
}

/// Key points that are read are within their limits, and no bytes panic.
pub fn tracks(data: &[u8]) {
    if let Ok(tracks) = Tracks::read(data) {
        assert_eq!(tracks.check(), Ok(()), "a value is out of range");
    }
}

/// What passes for a whole model is walked over without a panic, and cut short it is none.
pub fn model(data: &[u8]) {
    if pose::is_whole(data) && data.len() > 1 {
        assert!(!pose::is_whole(&data[..1]), "a byte is no model");
    }
}
