//! From the log and the key points to numbers: how both fencers moved, and what is compared.

use super::features::Features;
use super::movement::{Motion, Unseen};
use super::timing::Clock;
use crate::signal::{Side, SignalLog};
use crate::tracks::Tracks;

/// A phrase with both lights, measured.
#[derive(Debug)]
pub struct Measured {
    pub left: Motion,
    pub right: Motion,
    pub features: Features,
}

/// Measures a phrase with both lights.
///
/// # Errors
/// What cannot be seen in the key points.
pub fn measure(signal: &SignalLog, tracks: &Tracks) -> Result<Measured, Unseen> {
    let (hit_secs, _) = signal.first_hit().ok_or(Unseen::NoHit)?;
    let clock = Clock::of(tracks, signal.ended_secs());
    let left = Motion::of(tracks, Side::Left, clock, hit_secs)?;
    let right = Motion::of(tracks, Side::Right, clock, hit_secs)?;
    let features = Features::of(signal, &left, &right);
    Ok(Measured { left, right, features })
}
