//! Logging started for a whole process: alone in its test binary, since it can happen only once.

#![allow(clippy::unwrap_used)]

use server::config::{Config, Logging};
use server::logging;

#[test]
fn lines_reach_the_file_and_a_second_start_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("logs/server.log");
    let settings = Logging { file: Some(path.clone()), ..Config::default().logging };
    let guard = logging::start(&settings).unwrap();
    tracing::info!(target: "framehub", "the hub is up");
    let again = logging::start(&Logging::default()).unwrap_err();
    assert_eq!(again.to_string(), "logging runs already");
    drop(guard);
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.ends_with(" INFO the hub is up\n"), "{text:?}");
}
