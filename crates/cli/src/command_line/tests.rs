//! Tests of `command_line`.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use clap::CommandFactory;

use super::*;
use crate::inputs::{InputArgs, SUBCOMMANDS};
use server::config::Override;

fn parse(line: &str) -> Result<Command, String> {
    let parsed = Cli::try_parse_from(line.split_whitespace());
    parsed.map(Cli::into_command).map_err(|error| error.to_string())
}

fn serve(line: &str) -> InputArgs {
    match parse(line).unwrap() {
        Command::Serve(args) => args.config,
        _ => panic!("{line} is not serve"),
    }
}

#[test]
fn a_cause_that_an_error_states_itself_is_not_repeated() {
    let path = PathBuf::from("/nowhere/a.mp4");
    let gone = || std::io::Error::from(std::io::ErrorKind::NotFound);
    let error = anyhow::Error::from(media::Error::Io { path, source: gone() });
    assert_eq!(with_causes(&error), format!("cannot read /nowhere/a.mp4: {}", gone()));
    let error = anyhow::Error::from(gone()).context("cannot begin");
    assert_eq!(with_causes(&error), format!("cannot begin: {}", gone()));
}

#[test]
fn a_word_in_the_wrong_place_is_not_repeated() {
    for line in [
        "framehub API_KEYS=hunter2",
        "framehub serve http://u:hunter2@h",
        "framehub door=http://u:hunter2@h",
        "framehub share x --url u:hunter2@h?a",
        "framehub bench http://u:hunter2#x@h",
        "framehub publish a http://u:hunter2@h --to h",
        "framehub watch h KEY=hunter2",
    ] {
        let refused = Cli::try_parse_from(line.split_whitespace()).unwrap_err();
        let text = without_secrets(refused).to_string();
        assert!(text.contains('…') && !text.contains("hunter2"), "{line}: {text}");
    }
}

#[test]
fn the_definitions_are_consistent() {
    Cli::command().debug_assert();
    let command = Cli::command();
    let shown = command.get_subcommands().filter(|command| !command.is_hide_set());
    let names: Vec<&str> = shown.map(clap::Command::get_name).collect();
    assert_eq!(names, SUBCOMMANDS);
}

#[test]
fn bare_and_serve_take_the_same() {
    for line in
        ["framehub --config a.yaml server.port=1 x.y=", "framehub serve server.port=1 --config a.yaml x.y="]
    {
        let sources = serve(line);
        assert_eq!(sources.config, Some(PathBuf::from("a.yaml")));
        let keys: Vec<&str> = sources.overrides.iter().map(|o| o.key.as_str()).collect();
        assert_eq!(keys, ["server.port", "x.y"]);
    }
    assert!(serve("framehub").overrides.is_empty());
}

#[test]
fn host_and_port_have_short_forms() {
    let Command::Serve(args) = parse("framehub --port 81 --host localhost server.debug=true").unwrap() else {
        panic!("serve is what happens without a subcommand");
    };
    let settings: Vec<Override> = args.settings();
    let settings: Vec<String> = settings.iter().map(|o| format!("{}={}", o.key, o.value)).collect();
    assert_eq!(settings, ["server.debug=true", "server.host=localhost", "server.port=81"]);
    assert!(parse("framehub serve --port").is_err());
}

#[test]
fn the_version_names_the_build() {
    let text = parse("framehub --version").unwrap_err();
    assert!(text.starts_with(concat!("framehub ", env!("CARGO_PKG_VERSION"), " (")), "{text}");
}

#[test]
fn a_value_may_hold_equals_signs_and_dots() {
    let sources = serve("framehub serve logging.file=a=b.c");
    assert_eq!(sources.overrides[0], Override { key: "logging.file".into(), value: "a=b.c".into() });
}

#[test]
fn a_stray_word_is_explained() {
    assert!(parse("framehub sevre").unwrap_err().contains("did you mean the subcommand serve?"));
    assert!(parse("framehub server.port").unwrap_err().contains("for example server.port=8080"));
    assert!(parse("framehub --config a serve").unwrap_err().contains("the subcommand comes first"));
}
