//! `framehub config check`, `show` and `reference`.
//!
//! Nothing is started and nothing is written: no log file, no folder, no socket.

use std::fmt::Write;

use clap::{Args, Subcommand, ValueEnum};

use server::config::{self, Loaded, reference};

use crate::inputs::InputArgs;
use crate::terminal::print;

/// What `config` takes.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

/// The subcommands of `config`.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Read file, .env, environment and arguments, and report every mistake (exit code 1)
    Check(InputArgs),
    /// Print the values in force, each with where it comes from; secrets are masked
    Show(InputArgs),
    /// Print the documentation of every key
    Reference {
        /// As a page, or as an example configuration file
        #[arg(long, value_enum, default_value_t = Format::Markdown)]
        format: Format,
    },
}

/// How the reference is printed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Format {
    Markdown,
    Yaml,
}

/// Runs the command.
///
/// # Errors
/// The configuration's problems, or stdout that cannot be written.
pub(crate) fn run(args: ConfigArgs) -> anyhow::Result<()> {
    let text = match args.command {
        ConfigCommand::Reference { format: Format::Markdown } => reference::page(),
        ConfigCommand::Reference { format: Format::Yaml } => reference::example(),
        ConfigCommand::Show(sources) => reference::show(&config::load(&sources.into())?),
        // What is wrong is what this command is for: 1, wherever it stands.
        ConfigCommand::Check(sources) => {
            verdict(&config::load(&sources.into()).map_err(|error| anyhow::anyhow!("{error}"))?)
        }
    };
    print(&text)?;
    Ok(())
}

/// What `check` says about a configuration without problems.
fn verdict(loaded: &Loaded) -> String {
    let mut text = String::from("configuration is good\n");
    for file in &loaded.files {
        let _ = writeln!(text, "read {}", file.display());
    }
    match reference::changed(loaded) {
        changed if changed.is_empty() => text.push_str("\nevery value is the default\n"),
        changed => {
            let _ = write!(text, "\nnot the default:\n{changed}");
        }
    }
    let notes: Vec<String> = loaded.warnings.iter().map(|warning| format!("warning: {warning}")).collect();
    if !notes.is_empty() {
        let _ = write!(text, "\n{}\n", notes.join("\n"));
    }
    text
}
