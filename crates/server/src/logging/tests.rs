//! Tests of `logging`.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tracing::callsite::{Callsite, Identifier};
use tracing::field::FieldSet;
use tracing::metadata::Kind;
use tracing::subscriber::Interest;

use super::*;
use crate::config::Config;

/// Stands for the terminal.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What stderr and the file hold after some lines were logged.
fn logged(logging: &Logging, terminal: bool) -> (String, String) {
    let screen = Screen::default();
    let (subscriber, guard, trouble) = assemble(logging, Box::new(screen.clone()), terminal);
    tracing::subscriber::with_default(subscriber, || {
        let span = tracing::info_span!("stream", name = "cam1");
        let _inside = span.enter();
        tracing::info!(frames = 3, "hello");
        tracing::debug!("details");
        if let Some(trouble) = trouble {
            warn!("{trouble}");
        }
    });
    assert_eq!(guard.dropped_lines(), 0);
    drop(guard);
    let screen = String::from_utf8(screen.0.lock().unwrap().clone()).unwrap();
    let file = logging.file.as_deref().unwrap_or(Path::new(""));
    (screen, std::fs::read_to_string(file).unwrap_or_default())
}

fn to_stderr(level: Level) -> Logging {
    Logging { level, ..Logging::default() }
}

fn logging(file: PathBuf) -> Logging {
    Logging { file: Some(file), ..Config::default().logging }
}

/// The line without its time.
fn after_time(line: &str) -> &str {
    let (time, rest) = line.split_once(' ').unwrap();
    let millis = time.trim_start_matches("\u{1b}[2m").trim_end_matches("\u{1b}[0m");
    assert_eq!(millis.len(), "2026-01-21T10:30:00.123Z".len(), "{millis}");
    rest
}

#[test]
fn stderr_and_file_get_the_same_readable_lines() {
    let dir = tempfile::tempdir().unwrap();
    let (screen, file) = logged(&logging(dir.path().join("logs/server.log")), false);
    // Each writer reads the clock for itself.
    assert_eq!(after_time(&screen), after_time(&file));
    assert_eq!(screen.lines().count(), 1, "{screen}");
    assert_eq!(after_time(screen.trim_end()), r#" INFO stream{name="cam1"}: hello frames=3"#);
}

#[test]
fn a_terminal_gets_colours_and_the_file_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let (screen, file) = logged(&logging(dir.path().join("server.log")), true);
    assert!(screen.contains("\u{1b}["), "{screen:?}");
    assert!(!file.contains('\u{1b}'), "{file:?}");
    assert!(file.contains(r#"stream{name="cam1"}: hello"#), "{file:?}");
}

#[test]
fn text_is_never_coloured() {
    let logging = Logging { format: LogFormat::Text, ..to_stderr(Level::Info) };
    let (screen, _) = logged(&logging, true);
    assert!(!screen.contains('\u{1b}') && screen.contains("hello"), "{screen:?}");
}

#[test]
fn json_is_one_object_a_line() {
    let logging = Logging { format: LogFormat::Json, ..to_stderr(Level::Info) };
    let (screen, _) = logged(&logging, true);
    let line: serde_json::Value = serde_json::from_str(screen.trim_end()).unwrap();
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["message"], "hello");
    assert_eq!(line["frames"], 3);
    assert_eq!(line["span"]["name"], "stream");
}

#[test]
fn debug_shows_our_details_and_spares_the_libraries() {
    let (screen, _) = logged(&to_stderr(Level::Debug), false);
    assert!(screen.contains("details") && screen.contains("server::logging"), "{screen}");
    let (screen, _) = logged(&to_stderr(Level::Error), false);
    assert_eq!(screen, "");
}

#[test]
fn a_line_is_ours_by_the_file_that_writes_it() {
    struct Nowhere;
    impl Callsite for Nowhere {
        fn set_interest(&self, _: Interest) {}
        fn metadata(&self) -> &Metadata<'_> {
            unreachable!("never registered")
        }
    }
    let of = |file| {
        let fields = FieldSet::new(&[], Identifier(&Nowhere));
        is_ours(&Metadata::new("line", "target", tracing::Level::INFO, file, None, None, fields, Kind::EVENT))
    };
    assert!(of(Some(file!())));
    assert!(of(Some("crates/web/src/app.rs")));
    assert!(!of(Some(
        "/root/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/hyper-1.12.0/src/proto.rs"
    )));
    assert!(!of(None));
}

/// A terminal that takes nothing until the sender is dropped.
struct Stalled(std::sync::mpsc::Receiver<()>);

impl Write for Stalled {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.recv();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_stalled_terminal_costs_lines_and_no_time() {
    let (release, stalled) = std::sync::mpsc::channel();
    let (subscriber, guard, _) = assemble(&to_stderr(Level::Info), Box::new(Stalled(stalled)), false);
    tracing::subscriber::with_default(subscriber, || {
        for line in 0..QUEUE_LINES + 10 {
            tracing::info!(line);
        }
    });
    // One line may be in the writer's hands already.
    assert!((9..=10).contains(&guard.dropped_lines()), "{}", guard.dropped_lines());
    drop(release);
    drop(guard);
}

#[test]
fn a_folder_that_cannot_be_written_is_a_warning() {
    let dir = tempfile::tempdir().unwrap();
    let in_the_way = dir.path().join("logs");
    std::fs::write(&in_the_way, "a file, not a folder").unwrap();
    let (screen, _) = logged(&logging(in_the_way.join("server.log")), false);
    assert!(screen.contains("hello"), "{screen}");
    assert!(screen.contains("cannot be written, logging to stderr only"), "{screen}");
}
