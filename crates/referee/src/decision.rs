//! Who gets the hit: from the lights alone where one is on, by right of way where both are.
//!
//! Right of way is the sabre's (FIE Technical Rules t.100 to t.106); `docs/design/right-of-way.md` says what is measured
//! and why. Data flows one way: tracks → [`movement`] → [`features`] → [`verdict`] → [`reason`]. Left and right are
//! treated alike: the same phrase in a mirror gets the opposite verdict.

pub mod features;
mod measure;
pub mod movement;
mod reason;
mod timing;
pub mod verdict;

use serde::Serialize;

use crate::signal::{Lights, Side, SignalLog};
use crate::tracks::Tracks;
use movement::{Motion, Span};

pub use measure::{Measured, measure};
pub use verdict::Winner;

/// A verdict with its grounds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decision {
    pub winner: Winner,
    /// A sentence with the time, such as `Right fencer retreated at 0.00s`.
    pub reason: String,
    /// How often verdicts like this one are right, 0.5 to 1; 0 where there is none.
    pub confidence: f64,
    pub evidence: Evidence,
}

/// What a verdict rests on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evidence {
    pub lights: Lights,
    /// When the first hit arrived, in seconds of the log's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hit_secs: Option<f64>,
    /// Whose hit it was; `None` where both arrived at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_hit: Option<Side>,
    /// Above 0 for the right fencer, below for the left one: the logarithm of the odds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<Movements>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub right: Option<Movements>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<verdict::Weighed>,
}

/// What one fencer did until the first hit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Movements {
    pub advances: Vec<Span>,
    pub pauses: Vec<Span>,
    pub retreats: Vec<Span>,
    /// When the blades met while this fencer was the one who came forward faster, in seconds.
    pub contacts: Vec<f64>,
}

/// Why no verdict is possible at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("both lights are on, so right of way decides, which needs both fencers' key points: give them")]
    NoKeyPoints,
}

impl Error {
    /// Stable, for clients.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoKeyPoints => "KEYPOINTS_NEEDED",
        }
    }
}

/// Judges a phrase. Key points are needed for two lights alone.
pub fn decide(signal: &SignalLog, tracks: Option<&Tracks>) -> Result<Decision, Error> {
    let lights = signal.lights();
    Ok(match lights {
        Lights::Left => one_light(signal, Side::Left),
        Lights::Right => one_light(signal, Side::Right),
        Lights::None => abstain(signal, "No light is on: nobody hit".into()),
        Lights::Contradictory => {
            abstain(signal, "The log contradicts itself: its HIT lines and its Scores line differ".into())
        }
        Lights::Both => match measure(signal, tracks.ok_or(Error::NoKeyPoints)?) {
            Ok(measured) => right_of_way(signal, &measured),
            Err(unseen) => abstain(signal, unseen.to_string()),
        },
    })
}

fn right_of_way(signal: &SignalLog, measured: &Measured) -> Decision {
    let verdict = verdict::weigh(&measured.features);
    let mut evidence = evidence(signal);
    evidence.score = Some(verdict.score);
    evidence.left = Some(movements(signal, &measured.left, &measured.right));
    evidence.right = Some(movements(signal, &measured.right, &measured.left));
    let reason = reason::sentence(&verdict, signal, measured);
    evidence.features = verdict.weighed;
    Decision { winner: verdict.winner, reason, confidence: verdict.confidence, evidence }
}

fn movements(signal: &SignalLog, fencer: &Motion, opponent: &Motion) -> Movements {
    let footwork = fencer.footwork();
    let going = |time: &f64| fencer.speed_at(*time) > opponent.speed_at(*time).max(0.0);
    let contacts = signal.contacts().filter(|time| *time <= fencer.hit_secs).filter(going).collect();
    Movements { advances: footwork.advances, pauses: footwork.pauses, retreats: footwork.retreats, contacts }
}

fn one_light(signal: &SignalLog, side: Side) -> Decision {
    let at = signal.first_hit().map_or_else(String::new, |(time, _)| format!(" at {time:.2}s"));
    let reason = format!("{} fencer hit{at}, the other did not", side.name());
    Decision { winner: side.into(), reason, confidence: 1.0, evidence: evidence(signal) }
}

fn abstain(signal: &SignalLog, reason: String) -> Decision {
    Decision { winner: Winner::Abstain, reason, confidence: 0.0, evidence: evidence(signal) }
}

/// What the log says by itself.
fn evidence(signal: &SignalLog) -> Evidence {
    let first = signal.first_hit();
    Evidence {
        lights: signal.lights(),
        hit_secs: first.map(|(time, _)| time),
        first_hit: first.and_then(|(_, side)| side),
        score: None,
        left: None,
        right: None,
        features: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
