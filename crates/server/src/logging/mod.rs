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
mod tests;
