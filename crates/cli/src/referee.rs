//! `framehub referee decide` and `evaluate`: judges fencing phrases from files.
//!
//! The judging itself is the crate `referee`'s; here files are found, read and reported about.

use std::fmt::Write;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use referee::decision::{self, Winner};
use referee::evaluate::{self, CrossValidation, Phrase, Share};
use referee::signal::{self, SignalLog};
use referee::tracks::{self, Tracks};

use crate::terminal::print;

/// The largest `labels.csv`.
const MAX_LABELS_BYTES: usize = 4 * 1024 * 1024;

/// What `referee` takes.
#[derive(Debug, Args)]
pub(crate) struct RefereeArgs {
    #[command(subcommand)]
    pub(crate) command: RefereeCommand,
}

/// The subcommands of `referee`.
#[derive(Debug, Subcommand)]
pub(crate) enum RefereeCommand {
    /// Judge one phrase and print the decision as JSON
    Decide {
        /// The scoring apparatus's text log
        #[arg(long, value_name = "FILE")]
        signal: PathBuf,
        /// The fencers' key points (*.keypoints.json); needed where both lights are on
        #[arg(long, value_name = "FILE")]
        keypoints: Option<PathBuf>,
    },
    /// Judge the phrases of a folder and compare with its labels.csv
    Evaluate {
        /// Holds labels.csv (phrase,winner) and for each phrase a .txt and a .keypoints.json file
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// Also fit the weights afresh without the phrases that they are tested on, in this many folds
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..))]
        folds: Option<u16>,
        /// How many ways of cutting into folds are averaged
        #[arg(long, value_name = "N", default_value_t = 20, requires = "folds", value_parser = clap::value_parser!(u16).range(1..=1000))]
        shuffles: u16,
    },
}

/// Runs the command.
///
/// # Errors
/// A file that cannot be read or understood, a phrase that lacks key points, or stdout that cannot be written.
pub(crate) fn run(args: RefereeArgs) -> anyhow::Result<()> {
    let text = match args.command {
        RefereeCommand::Decide { signal, keypoints } => decide(&signal, keypoints.as_deref())?,
        RefereeCommand::Evaluate { folder, folds, shuffles } => evaluate(&folder, folds, shuffles)?,
    };
    print(&text)?;
    Ok(())
}

fn decide(signal: &Path, keypoints: Option<&Path>) -> anyhow::Result<String> {
    let signal = read_signal(signal)?;
    let tracks = keypoints.map(read_tracks).transpose()?;
    let decision = decision::decide(&signal, tracks.as_ref()).map_err(|error| match error {
        decision::Error::NoKeyPoints => anyhow::anyhow!("{error}, with --keypoints FILE"),
        error => error.into(),
    })?;
    Ok(serde_json::to_string_pretty(&decision)? + "\n")
}

fn evaluate(folder: &Path, folds: Option<u16>, shuffles: u16) -> anyhow::Result<String> {
    let path = folder.join("labels.csv");
    let text = String::from_utf8_lossy(&read(&path, MAX_LABELS_BYTES)?).into_owned();
    let labels = evaluate::labels(&text).with_context(|| path.display().to_string())?;
    let judge = |(name, winner): (String, Winner)| {
        let signal = read_signal(&folder.join(format!("{name}.txt")))?;
        let path = folder.join(format!("{name}.keypoints.json"));
        let tracks = if path.exists() { Some(read_tracks(&path)?) } else { None };
        Phrase::judge(name, winner, &signal, tracks.as_ref()).with_context(|| path.display().to_string())
    };
    let phrases = labels.into_iter().map(judge).collect::<anyhow::Result<Vec<Phrase>>>()?;
    let mut report = report(&phrases);
    if let Some(folds) = folds {
        report += &cross_report(&evaluate::cross_validate(&phrases, folds.into(), shuffles.into())?);
    }
    Ok(report)
}

fn report(phrases: &[Phrase]) -> String {
    let share = evaluate::agreement(phrases);
    let mut text = format!("{} phrases, {} of them decided by the referee\n", phrases.len(), share.of);
    let _ = writeln!(text, "accuracy: {}\n", shown(share));
    let _ = writeln!(text, "  {:<18} {:>6} {:>6} {:>8}", "referee \\ verdict", "left", "right", "abstain");
    for (name, referee) in [("left", Winner::Left), ("right", Winner::Right), ("abstain", Winner::Abstain)] {
        let count = |verdict| evaluate::count(phrases, referee, verdict);
        let (left, right, none) = (count(Winner::Left), count(Winner::Right), count(Winner::Abstain));
        let _ = writeln!(text, "  {name:<18} {left:>6} {right:>6} {none:>8}");
    }
    text
}

fn cross_report(result: &CrossValidation) -> String {
    let CrossValidation { folds, shuffles, mean, deviation, lowest, days } = result;
    let mut text = format!(
        "\n{folds}-fold cross-validation, {shuffles} shuffles: {mean:.3} ± {deviation:.3}, {lowest:.3} at worst\n",
    );
    let all = days.iter().fold(Share::default(), |sum, (_, share)| Share {
        agreed: sum.agreed + share.agreed,
        of: sum.of + share.of,
    });
    let _ = writeln!(text, "one day left out at a time: {}", shown(all));
    for (day, share) in days {
        let _ = writeln!(text, "  {day}: {}", shown(*share));
    }
    text
}

fn shown(Share { agreed, of }: Share) -> String {
    format!("{:.3} ({agreed} of {of})", agreed as f64 / of.max(1) as f64)
}

fn read_signal(path: &Path) -> anyhow::Result<SignalLog> {
    let bytes = read(path, signal::MAX_BYTES)?;
    SignalLog::parse(&bytes).with_context(|| path.display().to_string())
}

fn read_tracks(path: &Path) -> anyhow::Result<Tracks> {
    let bytes = read(path, tracks::MAX_FILE_BYTES)?;
    Tracks::read(&bytes).with_context(|| path.display().to_string())
}

/// A file's bytes, of which one more than allowed is enough to know that it is too large.
fn read(path: &Path, max_bytes: usize) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path).with_context(|| path.display().to_string())?;
    file.take(max_bytes as u64 + 1).read_to_end(&mut bytes).with_context(|| path.display().to_string())?;
    Ok(bytes)
}
