//! `framehub completions` and the hidden `framehub man`: what shells and packages need, made from the command line's own
//! definition.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::command_line::Cli;
use crate::terminal::print;

const EXAMPLES: &str = "\
Examples:
  framehub completions bash > ~/.local/share/bash-completion/completions/framehub
  framehub completions zsh > ~/.zfunc/_framehub          with fpath+=(~/.zfunc) before compinit
  framehub completions fish > ~/.config/fish/completions/framehub.fish";

/// Print what a shell needs to complete commands and options
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

/// Runs the command.
///
/// # Errors
/// Stdout that cannot be written.
pub(crate) fn run(args: CompletionsArgs) -> anyhow::Result<()> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "framehub", &mut text);
    print(&String::from_utf8_lossy(&text))?;
    Ok(())
}

/// Prints the manual page of `framehub`, or of a subcommand.
#[derive(Clone, Debug, Args)]
pub(crate) struct ManArgs {
    /// The subcommand whose page is printed [default: the page of framehub]
    #[arg(value_name = "SUBCOMMAND")]
    subcommand: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// No such subcommand, stdout that cannot be written.
pub(crate) fn manual(args: ManArgs) -> anyhow::Result<()> {
    let mut command = Cli::command();
    command.build();
    let page = match args.subcommand {
        None => command,
        Some(name) => {
            let found = command.find_subcommand(&name).cloned();
            found.ok_or_else(|| crate::terminal::usage("man", format!("there is no subcommand {name}")))?
        }
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page).render(&mut text)?;
    print(&String::from_utf8_lossy(&text))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_shell_learns_every_subcommand() {
        for shell in Shell::value_variants() {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "framehub", &mut text);
            let text = String::from_utf8(text).unwrap();
            for subcommand in crate::inputs::SUBCOMMANDS {
                assert!(text.contains(subcommand), "{shell}: {subcommand}");
            }
        }
    }
}
