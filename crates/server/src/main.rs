//! The binary `framehub`: reads the command line and hands over.

use std::process::ExitCode;

use clap::Parser;
use framehub::cli::{Cli, Command};
use framehub::commands;

fn main() -> ExitCode {
    let Command::Config(args) = Cli::parse().into_command() else { return ExitCode::FAILURE };
    match commands::config::run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
