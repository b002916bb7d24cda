//! The features weighed: a logistic regression without a constant, so that neither side has an advantage.

use serde::Serialize;

use super::features::{COUNT, Features, NAMES};
use crate::signal::Side;

/// What a feature's difference is multiplied with. Fitted by `tests/tools/right_of_way.py` to 138 sabre phrases that a
/// referee decided; `framehub referee evaluate DIR --folds 10` fits them afresh without the phrases it is tested on.
pub const WEIGHTS: [f64; COUNT] = [0.362, 0.330, -1.128, -0.621, 0.932, -4.875, 1.076];

/// Closer than this is no difference, only rounding.
const TIE: f64 = 1e-6;

/// Who gets the hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Winner {
    Left,
    Right,
    /// Neither: the reason says why.
    Abstain,
}

impl From<Side> for Winner {
    fn from(side: Side) -> Self {
        side.of(Self::Left, Self::Right)
    }
}

/// A feature with its part in the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Weighed {
    pub name: &'static str,
    pub left: f64,
    pub right: f64,
    pub difference: f64,
    pub weight: f64,
    /// `difference * weight`: above 0 speaks for the right fencer.
    pub contribution: f64,
}

/// The outcome.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Verdict {
    pub(super) winner: Winner,
    pub(super) score: f64,
    pub(super) confidence: f64,
    pub(super) weighed: Vec<Weighed>,
}

/// The logarithm of the odds of the right fencer.
pub fn score(features: &Features, weights: &[f64; COUNT]) -> f64 {
    features.difference.iter().zip(weights).map(|(difference, weight)| difference * weight).sum()
}

/// Who gets the hit by a score.
pub fn winner(score: f64) -> Winner {
    match score {
        score if score > TIE => Winner::Right,
        score if score < -TIE => Winner::Left,
        _ => Winner::Abstain,
    }
}

pub(super) fn weigh(features: &Features) -> Verdict {
    let score = score(features, &WEIGHTS);
    let weighed = |n: usize| Weighed {
        name: NAMES[n],
        left: features.left[n],
        right: features.right[n],
        difference: features.difference[n],
        weight: WEIGHTS[n],
        contribution: features.difference[n] * WEIGHTS[n],
    };
    let winner = winner(score);
    let confidence = if winner == Winner::Abstain { 0.0 } else { 1.0 / (1.0 + (-score.abs()).exp()) };
    Verdict { winner, score, confidence, weighed: (0..COUNT).map(weighed).collect() }
}
