//! Where log lines go: stderr, and the log file.
//!
//! Both are written by threads of their own behind bounded queues, so that a full disk or a stalled
//! terminal costs lines, which are counted, and never time on the async threads. What is logged is
//! the callers' business; secrets are `config::Secret`, whose `Debug` shows nothing.

mod file;
pub(crate) mod settings;

use std::fmt;
use std::io::{self, IsTerminal, Write};

use tracing::level_filters::LevelFilter;
use tracing::{Metadata, Subscriber, warn};
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::Layer;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::fmt::format::{DefaultFields, FormatFields, Writer};
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;

use self::file::LogFile;
use self::settings::{Level, LogFormat, Logging};

/// Lines that may wait for a slow disk or terminal: about 2 MB. More are dropped.
const QUEUE_LINES: usize = 8192;

/// Keeps the writing threads alive. Dropping it writes out what is queued: keep it until the end
/// of `main`.
#[must_use = "dropping the guard ends logging"]
#[derive(Debug)]
pub struct Guard {
    _workers: Vec<WorkerGuard>,
    counters: Vec<ErrorCounter>,
}

impl Guard {
    /// Lines that found the queue full, on stderr and in the file together.
    pub fn dropped_lines(&self) -> usize {
        self.counters.iter().map(ErrorCounter::dropped_lines).sum()
    }
}

/// Logging was started before in this process.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("logging runs already")]
pub struct AlreadyStarted;

/// Starts logging for the whole process. A log file that cannot be written is a warning on stderr.
///
/// # Errors
/// When some subscriber is installed already; it stays.
pub fn start(logging: &Logging) -> Result<Guard, AlreadyStarted> {
    let terminal = io::stderr().is_terminal() && !asked_for_plain();
    let (subscriber, guard, trouble) = assemble(logging, Box::new(io::stderr()), terminal);
    tracing::subscriber::set_global_default(subscriber).map_err(|_| AlreadyStarted)?;
    if let Some(trouble) = trouble {
        warn!("{trouble}");
    }
    Ok(guard)
}

/// <https://no-color.org>
fn asked_for_plain() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// The parts, put together; the last is why there is no file although one was asked for.
fn assemble(
    logging: &Logging,
    stderr: Box<dyn Write + Send>,
    terminal: bool,
) -> (impl Subscriber + Send + Sync + use<>, Guard, Option<String>) {
    let mut guard = Guard { _workers: Vec::new(), counters: Vec::new() };
    let stderr = guard.queue(stderr, "log-stderr");
    let opened = logging.file.as_deref().map(|path| {
        LogFile::open(path, logging.max_bytes, logging.keep_files)
            .map_err(|error| format!("{} cannot be written, logging to stderr only: {error}", path.display()))
    });
    let (file, trouble) = match opened {
        Some(Ok(file)) => (Some(guard.queue(file, "log-file")), None),
        Some(Err(trouble)) => (None, Some(trouble)),
        None => (None, None),
    };
    let colours = terminal && logging.format == LogFormat::Auto;
    let subscriber = tracing_subscriber::registry()
        .with(filter(logging.level))
        .with(lines(logging, stderr, DefaultFields::new(), colours))
        .with(file.map(|file| lines(logging, file, FileFields(DefaultFields::new()), false)));
    (subscriber, guard, trouble)
}

impl Guard {
    fn queue(&mut self, writer: impl Write + Send + 'static, thread: &str) -> NonBlocking {
        let builder = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(QUEUE_LINES);
        let (queue, worker) = builder.thread_name(thread).finish(writer);
        self._workers.push(worker);
        self.counters.push(queue.error_counter());
        queue
    }
}

/// One destination's lines.
fn lines<S, F>(
    logging: &Logging,
    to: NonBlocking,
    fields: F,
    colours: bool,
) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    F: for<'w> FormatFields<'w> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_timer(UtcMillis).with_writer(to);
    if logging.format == LogFormat::Json {
        return Box::new(layer.json().flatten_event(true).with_span_list(false));
    }
    // The module's name helps only in looking for a fault.
    let with_target = logging.level >= Level::Debug;
    Box::new(layer.fmt_fields(fields).with_ansi(colours).with_target(with_target))
}

/// Our own crates at the level asked for. Others a step quieter: at DEBUG an HTTP library would
/// bury our lines under its own.
fn filter(level: Level) -> FilterFn<impl Fn(&Metadata<'_>) -> bool> {
    let others = match level {
        Level::Trace => LevelFilter::DEBUG,
        Level::Debug => LevelFilter::INFO,
        Level::Info | Level::Warn => LevelFilter::WARN,
        Level::Error => LevelFilter::ERROR,
    };
    let ours = tracing_level(level);
    FilterFn::new(move |line| *line.level() <= if is_ours(line) { ours } else { others })
        .with_max_level_hint(ours.max(others))
}

/// Whether a line comes from this workspace: the compiler names its files relative to the workspace, and those of
/// libraries by their absolute paths. So no list of our crates has to be kept.
fn is_ours(line: &Metadata<'_>) -> bool {
    line.file().is_some_and(|file| file.starts_with("crates/"))
}

fn tracing_level(level: Level) -> LevelFilter {
    match level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    }
}

/// RFC 3339, UTC, milliseconds, like every time that the hub writes.
struct UtcMillis;

impl FormatTime for UtcMillis {
    fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
        write!(w, "{:.3}", jiff::Timestamp::now())
    }
}

/// A type of its own for the file: a span keeps its formatted fields by the formatter's type, and
/// the file would otherwise get the ones that stderr coloured.
struct FileFields(DefaultFields);

impl<'w> FormatFields<'w> for FileFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        self.0.format_fields(writer, fields)
    }
}

#[cfg(test)]
mod tests {
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
            is_ours(&Metadata::new(
                "line",
                "target",
                tracing::Level::INFO,
                file,
                None,
                None,
                fields,
                Kind::EVENT,
            ))
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
}
