//! `framehub config` as a user runs it: what it prints where, exit codes, and that it leaves no
//! trace.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn framehub(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_framehub"));
    command.current_dir(folder).env_clear().args(arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_good_configuration_is_told_with_where_it_comes_from() {
    let folder = tempfile::tempdir().unwrap();
    let file = include_str!("../../../testdata/config/001.yaml");
    fs::write(folder.path().join("config.yaml"), file).unwrap();
    fs::write(folder.path().join(".env"), "API_KEYS=short\n").unwrap();
    let output = framehub(folder.path(), &["config", "check", "viewers.stream_fps=15"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    insta::assert_snapshot!(stdout(&output), @r#"
    configuration is good
    read config.yaml
    read .env

    not the default:
      server.host = "0.0.0.0"        config.yaml:17
      viewers.stream_fps = 15        argument viewers.stream_fps
      auth.api_keys = ["********"]   .env:1 API_KEYS

    warning: .env:1 API_KEYS: API keys of fewer than 8 characters can be guessed by trying (1 of 1)
    "#);
    assert_eq!(stderr(&output), "");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "checking writes nothing");
}

#[test]
fn an_untouched_configuration_is_all_defaults() {
    let folder = tempfile::tempdir().unwrap();
    let output = framehub(folder.path(), &["config", "check"]);
    assert_eq!(stdout(&output), "configuration is good\n\nevery value is the default\n");
}

#[test]
fn problems_go_to_stderr_with_exit_code_1() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine.yaml"), "server:\n  prot: 1\n").unwrap();
    let output = framehub(folder.path(), &["config", "check", "--config", "mine.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stdout(&output), "");
    insta::assert_snapshot!(stderr(&output), @r#"
    error: the configuration has a problem:

      mine.yaml:2: the section server has no key "prot"
          did you mean server.port?

    `framehub config reference` explains every key.
    "#);
    let output = framehub(folder.path(), &["config", "check", "server.prot=1"]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in
        [&["config", "chekc"][..], &["config", "check", "server.port"], &["sevre"], &["--nonsense"]]
    {
        let output = framehub(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
    let output = framehub(folder.path(), &["config", "show", "server.prot=1"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn show_masks_keys_and_says_where_they_come_from() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".env"), "# keys\nAPI_KEYS=hush-hush-hush\n").unwrap();
    let shown = stdout(&framehub(folder.path(), &["config", "show"]));
    assert!(!shown.contains("hush"), "{shown}");
    let line = shown.lines().find(|line| line.contains("api_keys")).unwrap();
    assert_eq!(line, r#"  #api_keys: ["********"]                # .env:2 API_KEYS"#);
}

#[test]
fn reference_prints_the_page_and_the_example() {
    let folder = tempfile::tempdir().unwrap();
    let page = stdout(&framehub(folder.path(), &["config", "reference"]));
    assert!(page.starts_with("# Configuration reference\n") && page.contains("### `server.port`"));
    let example = stdout(&framehub(folder.path(), &["config", "reference", "--format", "yaml"]));
    assert!(example.contains("\nserver:\n") && example.contains("  #port: 5000\n"));
}
