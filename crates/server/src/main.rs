//! The binary `framehub`: reads the command line and hands over.

use std::process::ExitCode;

use clap::Parser;
use framehub::cli::{Cli, Command};
use framehub::commands;

fn main() -> ExitCode {
    let outcome = match Cli::parse().into_command() {
        Command::Serve(args) => commands::serve::run(args),
        Command::Publish(args) => commands::publish::run(args),
        Command::Watch(args) => commands::watch::run(args),
        Command::Analyze(args) => commands::analyze::run(args),
        Command::Share(args) => commands::share::run(args),
        Command::Bench(args) => commands::bench::run(args),
        Command::Config(args) => commands::config::run(args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            commands::exit_code(&error)
        }
    }
}
