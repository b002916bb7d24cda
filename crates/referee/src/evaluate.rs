//! How often the decision agrees with a referee, on phrases whose verdicts are known.
//!
//! Reading folders belongs to the command line; here come phrases in and a report out.

mod fit;

use crate::decision::features::{COUNT, Features};
use crate::decision::{self, Winner, verdict};
use crate::signal::{Lights, SignalLog};
use crate::tracks::Tracks;
use fit::fit;

/// A phrase and what the referee said.
#[derive(Debug)]
pub struct Phrase {
    pub name: String,
    pub referee: Winner,
    /// What we say.
    pub verdict: Winner,
    /// What right of way is decided by; `None` where it is not needed or cannot be measured.
    features: Option<Features>,
}

/// So many of so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    pub agreed: usize,
    pub of: usize,
}

/// How often we agree, over several ways to cut the phrases into folds.
#[derive(Debug, Clone, PartialEq)]
pub struct CrossValidation {
    pub folds: usize,
    pub shuffles: usize,
    /// The mean share, its standard deviation over the shuffles, and the lowest.
    pub mean: f64,
    pub deviation: f64,
    pub lowest: f64,
    /// By day, each judged by weights that were fitted to all other days.
    pub days: Vec<(String, Share)>,
}

/// Why phrases cannot be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error(
        "labels.csv, line {line}: `{text}` is no label: write `phrase,left`, `phrase,right` or `phrase,abstain`"
    )]
    Label { line: usize, text: String },
    #[error("labels.csv names no phrase: give a line `phrase,left` for each")]
    NoLabels,
    #[error("{folds} folds for {phrases} decided phrases: give from 2 folds to as many as there are phrases")]
    Folds { folds: usize, phrases: usize },
}

/// Reads `labels.csv`: the phrase's name (of its files, without ending) and the referee's verdict.
pub fn labels(text: &str) -> Result<Vec<(String, Winner)>, Error> {
    let mut labels = Vec::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || (index == 0 && line.starts_with("phrase,")) {
            continue;
        }
        let label = label(line);
        labels.push(
            label.ok_or_else(|| Error::Label { line: index + 1, text: line.chars().take(60).collect() })?,
        );
    }
    if labels.is_empty() { Err(Error::NoLabels) } else { Ok(labels) }
}

fn label(line: &str) -> Option<(String, Winner)> {
    let (name, winner) = line.split_once(',')?;
    let winner = match winner.trim() {
        "left" => Winner::Left,
        "right" => Winner::Right,
        "abstain" => Winner::Abstain,
        _ => return None,
    };
    // A name is a file in the folder and leads nowhere else.
    let plain = !name.is_empty() && !name.contains(['/', '\\', ':', '\0']) && !name.starts_with('.');
    plain.then(|| (name.trim().to_owned(), winner))
}

impl Phrase {
    /// Judges a phrase.
    pub fn judge(
        name: String,
        referee: Winner,
        signal: &SignalLog,
        tracks: Option<&Tracks>,
    ) -> Result<Self, decision::Error> {
        let verdict = decision::decide(signal, tracks)?.winner;
        let both = signal.lights() == Lights::Both;
        let measured = tracks.filter(|_| both).and_then(|tracks| decision::measure(signal, tracks).ok());
        Ok(Self { name, referee, verdict, features: measured.map(|measured| measured.features) })
    }

    fn is_decided(&self) -> bool {
        self.referee != Winner::Abstain
    }

    /// Whether these weights agree with the referee.
    fn agrees(&self, weights: &[f64; COUNT]) -> bool {
        let score = self.features.as_ref().map(|features| verdict::score(features, weights));
        score.map_or(self.verdict, verdict::winner) == self.referee
    }

    /// What there is to be learnt from this phrase.
    fn lesson(&self) -> Option<([f64; COUNT], f64)> {
        let outcome = match self.referee {
            Winner::Left => -1.0,
            Winner::Right => 1.0,
            Winner::Abstain => return None,
        };
        Some((self.features.as_ref()?.difference, outcome))
    }
}

/// How often the verdicts are the referee's, of those that the referee decided.
pub fn agreement(phrases: &[Phrase]) -> Share {
    let decided = || phrases.iter().filter(|phrase| phrase.is_decided());
    Share {
        agreed: decided().filter(|phrase| phrase.verdict == phrase.referee).count(),
        of: decided().count(),
    }
}

/// How many phrases the referee gave to one and we to another.
pub fn count(phrases: &[Phrase], referee: Winner, verdict: Winner) -> usize {
    phrases.iter().filter(|phrase| phrase.referee == referee && phrase.verdict == verdict).count()
}

/// How often the model agrees on phrases that its weights were not fitted to.
///
/// The day of a phrase is its name up to the first `_`: phrases of one day share fencers and referee.
pub fn cross_validate(phrases: &[Phrase], folds: usize, shuffles: usize) -> Result<CrossValidation, Error> {
    let decided: Vec<&Phrase> = phrases.iter().filter(|phrase| phrase.is_decided()).collect();
    if folds < 2 || folds > decided.len() {
        return Err(Error::Folds { folds, phrases: decided.len() });
    }
    let share = |seed: u64| {
        let fold = shuffled(decided.len(), folds, seed);
        let agreed = (0..folds).map(|one| apart(&decided, |n| fold[n] == one).agreed).sum::<usize>();
        agreed as f64 / decided.len() as f64
    };
    let shares: Vec<f64> = (0..shuffles as u64).map(share).collect();
    let mean = shares.iter().sum::<f64>() / shares.len() as f64;
    let variance = shares.iter().map(|share| (share - mean).powi(2)).sum::<f64>() / shares.len() as f64;
    let mut days: Vec<&str> = decided.iter().map(|phrase| day(phrase)).collect();
    days.sort_unstable();
    days.dedup();
    let by_day = |one: &str| (one.to_owned(), apart(&decided, |n| day(decided[n]) == one));
    Ok(CrossValidation {
        folds,
        shuffles,
        mean,
        deviation: variance.sqrt(),
        lowest: shares.iter().copied().fold(1.0, f64::min),
        days: days.into_iter().map(by_day).collect(),
    })
}

fn day(phrase: &Phrase) -> &str {
    phrase.name.split('_').next().unwrap_or_default()
}

/// How often weights agree on some phrases that were fitted to all others.
fn apart(phrases: &[&Phrase], is_apart: impl Fn(usize) -> bool) -> Share {
    let (mine, others): (Vec<usize>, Vec<usize>) = (0..phrases.len()).partition(|n| is_apart(*n));
    let lessons: Vec<_> = others.iter().filter_map(|n| phrases[*n].lesson()).collect();
    let weights = fit(&lessons);
    Share { agreed: mine.iter().filter(|n| phrases[**n].agrees(&weights)).count(), of: mine.len() }
}

/// A fold for each of `count` phrases, as even as can be, in an order that follows from the seed.
fn shuffled(count: usize, folds: usize, seed: u64) -> Vec<usize> {
    let mut fold: Vec<usize> = (0..count).map(|n| n % folds).collect();
    let mut state = seed;
    for last in (1..count).rev() {
        fold.swap(last, (split_mix(&mut state) % (last as u64 + 1)) as usize);
    }
    fold
}

/// SplitMix64 (Steele, Lea and Flood 2014): good enough to shuffle, and the same everywhere.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests;
