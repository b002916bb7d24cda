//! Where a command takes its configuration from: the arguments that `serve` and `config` share.

use std::path::PathBuf;

use server::config::{Environment, Inputs, Override};

/// Every subcommand, for telling a misspelt one from a setting.
pub(crate) const SUBCOMMANDS: [&str; 10] =
    ["serve", "publish", "watch", "analyze", "share", "bench", "referee", "config", "doctor", "completions"];

/// Where a command's configuration comes from, beside `.env` and the environment.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct InputArgs {
    /// Configuration file [default: ./config.yaml if there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Settings that win over file and environment, such as server.port=8080
    #[arg(value_name = "SECTION.KEY=VALUE", value_parser = parse_override)]
    pub(crate) overrides: Vec<Override>,
}

impl From<InputArgs> for Inputs {
    fn from(args: InputArgs) -> Inputs {
        Inputs {
            file: args.config,
            environment: Environment::of_process(),
            arguments: args.overrides,
            ..Inputs::default()
        }
    }
}

/// A setting; a word that is none may be a subcommand that was misspelt or came too late.
fn parse_override(text: &str) -> Result<Override, String> {
    let wrong = match text.parse() {
        Ok(setting) => return Ok(setting),
        Err(wrong) => wrong,
    };
    let near = SUBCOMMANDS.iter().find(|name| strsim::damerau_levenshtein(name, text) <= 2);
    Err(match near {
        Some(&name) if name == text => format!("the subcommand comes first: framehub {name} …"),
        Some(name) => format!("{wrong}; or did you mean the subcommand {name}?"),
        None => format!("{wrong}; subcommands are {}", SUBCOMMANDS.join(", ")),
    })
}
