//! The command line: which words there are.
//!
//! `framehub` without a subcommand is `framehub serve`. Exit codes: 0 done, 1 failed, 2 wrong usage.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue};
use clap::{Parser, Subcommand};

use crate::analyze::AnalyzeArgs;
use crate::bench::BenchArgs;
use crate::completions::{CompletionsArgs, ManArgs};
use crate::config::ConfigArgs;
use crate::doctor::DoctorArgs;
use crate::publish::PublishArgs;
use crate::referee::RefereeArgs;
use crate::serve::ServeArgs;
use crate::share::ShareArgs;
use crate::watch::WatchArgs;
use crate::{analyze, bench, completions, config, doctor, publish, referee, serve, share, terminal, watch};

/// Runs the command line, whose first word is the program's name, and gives the exit code.
pub fn run(arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> u8 {
    let cli = match Cli::try_parse_from(arguments).map_err(without_secrets) {
        Ok(cli) => cli,
        Err(answer) => {
            // Help, too, comes this way. A terminal that is gone needs neither.
            let _ = answer.print();
            return u8::try_from(answer.exit_code()).unwrap_or(2);
        }
    };
    let outcome = match cli.into_command() {
        Command::Serve(args) => serve::run(args),
        Command::Publish(args) => publish::run(args),
        Command::Watch(args) => watch::run(args),
        Command::Analyze(args) => analyze::run(args),
        Command::Share(args) => share::run(args),
        Command::Bench(args) => bench::run(args),
        Command::Referee(args) => referee::run(args),
        Command::Config(args) => config::run(args),
        Command::Doctor(args) => doctor::run(args),
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => completions::manual(args),
    };
    match outcome {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("error: {}", with_causes(&error));
            terminal::exit_code(&error)
        }
    }
}

/// A word that is not understood may be a password or a key in the wrong place.
fn without_secrets(mut error: clap::Error) -> clap::Error {
    for kind in [ContextKind::InvalidValue, ContextKind::InvalidSubcommand, ContextKind::InvalidArg] {
        // An argument is named by its own word, `--fps <FPS>`, unless a stray word was taken for one.
        let own = |word: &str| kind == ContextKind::InvalidArg && word.starts_with(['-', '[', '<']);
        if let Some(ContextValue::String(word)) = error.get(kind)
            && !own(word)
        {
            let shown = shown(word);
            error.insert(kind, ContextValue::String(shown));
        }
    }
    error
}

/// `NAME=…`, or an address without its secrets.
fn shown(word: &str) -> String {
    match word.split_once('=') {
        Some((name, _)) if !name.contains(':') => format!("{name}=…"),
        _ => wire::address::redacted(word),
    }
}

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "framehub",
    version = env!("FRAMEHUB_BUILD"),
    about = "One live-video hub for robots, simulators and cameras",
    long_about = "One live-video hub for robots, simulators and cameras.\n\n\
        Publishers push pictures into named streams, anyone watches the newest one in a browser. \
        Without a subcommand the hub is started, as with `framehub serve`.",
    after_help = EXAMPLES,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) serve: ServeArgs,
}

impl Cli {
    /// What to do: `serve` where nothing else is said.
    pub(crate) fn into_command(self) -> Command {
        self.command.unwrap_or(Command::Serve(self.serve))
    }
}

const EXAMPLES: &str = "\
Examples:
  framehub                                 start on 127.0.0.1:5000, with a demo stream
  framehub --port 8080 --host 0.0.0.0      on another port, for other machines
  framehub serve --config /etc/framehub.yaml
  framehub doctor                          is everything there that a hub needs?
  framehub publish testsrc                 a test picture, to the hub of this machine
  framehub config check                    look for mistakes without starting

Every setting can be given in a file, in the environment or as section.key=value;
`framehub config reference` explains them all.";

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the hub (what happens without a subcommand)
    Serve(ServeArgs),
    /// Send a video file, pictures, a pipe or a test pattern to a stream
    Publish(PublishArgs),
    /// Watch a stream and print how well it arrives
    Watch(WatchArgs),
    /// Upload a video frame by frame, have it analysed, and print the result
    Analyze(AnalyzeArgs),
    /// Make a link that opens one stream for a while
    Share(ShareArgs),
    /// Measure how many viewers and streams a hub carries, and how old its frames are
    Bench(BenchArgs),
    /// Judge fencing phrases from their signal log and key points
    Referee(RefereeArgs),
    /// Check, show and explain the configuration
    Config(ConfigArgs),
    /// Check this machine and a hub, and say how to mend what is wrong
    Doctor(DoctorArgs),
    /// Print what a shell needs to complete commands and options
    Completions(CompletionsArgs),
    /// Print a manual page, for packages
    #[command(hide = true)]
    Man(ManArgs),
}

/// The error and its causes in one line. Errors that state their cause themselves do not have it repeated.
fn with_causes(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |text, cause| match text.as_str() {
        "" => cause,
        stated if stated.contains(&cause) => text,
        _ => format!("{text}: {cause}"),
    })
}

#[cfg(test)]
mod tests;
