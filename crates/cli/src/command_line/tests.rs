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
fn the_definitions_are_consistent() {
    Cli::command().debug_assert();
    let command = Cli::command();
    let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
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
