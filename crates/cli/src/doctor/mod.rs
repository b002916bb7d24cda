//! `framehub doctor`: looks at this machine and at a hub, and says of each point what is fine, what is wrong and how to
//! mend it. Whatever it tries leaves no trace.

mod disk;
mod finding;
mod hub;
mod machine;
mod round_trip;

use anyhow::{Context, bail};
use client::Endpoint;
use server::config::{self, Config, Inputs, Override};

use self::finding::{Finding, Report};
use crate::inputs::InputArgs;
use crate::terminal;

const EXAMPLES: &str = "\
Examples:
  framehub doctor                                   this machine, and the hub that runs here
  framehub doctor https://cams.example.org/hub      a hub elsewhere, through its proxy
  framehub doctor --config /etc/framehub.yaml       what that configuration needs

For a moment the hub gets a stream framehub-doctor-…, which is deleted again with its recording; \
this needs a key with the right admin (--api-key).

Exit codes: 0 nothing is wrong, 1 something is, 2 wrong usage.";

/// Check this machine and a hub, and say how to mend what is wrong
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DoctorArgs {
    /// The hub's address [default: that of server.host and server.port]
    #[arg(value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Key for a hub that asks for one
    #[arg(long, value_name = "KEY", env = "FRAMEHUB_API_KEY", hide_env_values = true)]
    pub(crate) api_key: Option<String>,
    #[command(flatten)]
    pub(crate) inputs: InputArgs,
}

/// Runs the command.
///
/// # Errors
/// Wrong usage, or something that is wrong.
pub(crate) fn run(mut args: DoctorArgs) -> anyhow::Result<()> {
    let address = args.url.take().and_then(|word| address_or_setting(word, &mut args.inputs.overrides));
    let mut report = Report::default();
    let config = configuration(args.inputs.into(), &mut report)?;
    let hub = match &address {
        Some(url) => Endpoint::parse(url),
        None => Endpoint::parse(&crate::address::of_hub(&config)),
    };
    let hub = hub.and_then(|hub| hub.with_api_key(args.api_key.as_deref()));
    let hub = hub.map_err(|error| terminal::usage("doctor", error))?;
    terminal::block_on(examine(config, hub, address.is_some(), report))
}

/// A first word that is a setting: then the hub is the configured one.
fn address_or_setting(word: String, settings: &mut Vec<Override>) -> Option<String> {
    match word.parse::<Override>() {
        Ok(setting) if !word.contains("://") => {
            settings.insert(0, setting);
            None
        }
        _ => Some(word),
    }
}

/// A configuration with mistakes is something to report; the rest is examined with the defaults.
fn configuration(inputs: Inputs, report: &mut Report) -> anyhow::Result<Config> {
    let (config, finding) = match config::load(&inputs) {
        Ok(loaded) => {
            let files: Vec<String> = loaded.files.iter().map(|file| file.display().to_string()).collect();
            let read = if files.is_empty() { "no file, the defaults".to_owned() } else { files.join(", ") };
            let finding = match loaded.warnings.as_slice() {
                [] => Finding::ok("configuration", read),
                warnings => {
                    let text: Vec<String> = warnings.iter().map(ToString::to_string).collect();
                    Finding::note("configuration", read, text.join("; "))
                }
            };
            (loaded.config, finding)
        }
        Err(error) => {
            let mend = "mend it; what follows looks at the default configuration";
            (Config::default(), Finding::wrong("configuration", error.to_string(), mend))
        }
    };
    report.add(finding)?;
    Ok(config)
}

async fn examine(config: Config, hub: Endpoint, named: bool, mut report: Report) -> anyhow::Result<()> {
    for finding in machine::examine(&config) {
        report.add(finding)?;
    }
    report.add(disk::examine(&config.recording))?;
    for finding in examine_hub(&hub, named, &config).await {
        report.add(finding)?;
    }
    match report.wrong() {
        0 => Ok(()),
        1 => bail!("one thing is wrong"),
        several => bail!("{several} things are wrong"),
    }
}

/// All that needs a hub that answers.
async fn examine_hub(hub: &Endpoint, named: bool, config: &Config) -> Vec<Finding> {
    let mut findings = match hub::is_there(hub, named, config).await {
        Ok(findings) => findings,
        Err(finding) => return vec![finding],
    };
    match hub::rights(hub).await {
        Ok(finding) => findings.push(finding),
        Err(finding) => {
            findings.push(finding);
            return findings;
        }
    }
    findings.extend(hub::streams(hub).await);
    findings.push(hub::page(hub).await);
    findings.extend(round_trip::examine(hub).await);
    findings
}

/// Makes a stream's name that nobody uses.
fn probe_name() -> anyhow::Result<String> {
    let number = getrandom::u64().context("no random numbers on this machine")?;
    Ok(format!("framehub-doctor-{number:016x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_is_an_address_or_a_setting() {
        let mut settings = Vec::new();
        let word = |text: &str, settings: &mut Vec<Override>| address_or_setting(text.to_owned(), settings);
        assert_eq!(word("http://h/?a.b=c", &mut settings).as_deref(), Some("http://h/?a.b=c"));
        assert_eq!(word("h:5000", &mut settings).as_deref(), Some("h:5000"));
        assert_eq!(word("server.port=81", &mut settings), None);
        assert_eq!(settings.len(), 1);
    }
}
