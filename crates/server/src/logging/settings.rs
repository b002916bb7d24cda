//! The section `logging`.

use std::path::PathBuf;

use settings::{Table, is_path, store};

type Row = settings::Row<Logging>;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Logging {
    /// Already raised to `Debug` where `server.debug` asks for it.
    pub level: Level,
    /// None: no file.
    pub file: Option<PathBuf>,
    pub format: LogFormat,
    /// The file is rotated when it would pass this.
    pub max_bytes: u64,
    /// How many rotated files stay beside the current one.
    pub keep_files: usize,
}

/// How much is logged. Later levels include the earlier ones.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Level {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum LogFormat {
    /// Readable; with colours when stderr is a terminal.
    #[default]
    Auto,
    /// Readable, never coloured.
    Text,
    /// One JSON object a line.
    Json,
}

pub(crate) static LOGGING: Table<Logging> = Table {
    section: "logging",
    doc: "What is logged, and where to.",
    rows: &[
        Row::choice(
            "level",
            &[
                ("DEBUG", |s| s.level = Level::Debug),
                ("INFO", |s| s.level = Level::Info),
                ("WARNING", |s| s.level = Level::Warn),
                ("WARN", |s| s.level = Level::Warn),
                ("ERROR", |s| s.level = Level::Error),
                ("TRACE", |s| s.level = Level::Trace),
                ("CRITICAL", |s| s.level = Level::Error),
                ("FATAL", |s| s.level = Level::Error),
                ("NOTSET", |s| s.level = Level::Trace),
            ],
        )
        .default("INFO")
        .env(&["LOG_LEVEL", "REFEREE_LOG_LEVEL"])
        .doc(
            "The least important messages that are still logged. DEBUG adds a line for each \
                 connection, TRACE far more: both fill `logging.file` faster.",
        ),
        Row::text("file", "a path, or none", |s, v| store(&mut s.file, file(v)))
            .default("logs/server.log")
            .doc(
                "The log file, beside stderr; its folder is made. `none` turns it off. A file that cannot \
                 be written is a warning, not an error.",
            ),
        Row::text("format", "one of auto, text, json", |s, v| store(&mut s.format, format(v)))
            .default("auto")
            .doc(
                "How lines look on stderr and in the file. `auto`: readable, with colours on a terminal. \
                 `text`: readable, never coloured. `json`: one object a line, for machines.",
            ),
        Row::bytes("max_mb", 0.01, 10240.0, |s, v| s.max_bytes = v).default("10").doc(
            "When the log file would grow past this, it becomes `server.log.1` and starts again. \
                 Raising it keeps more in one file.",
        ),
        Row::int("keep_files", 0, 1000, |s, v| s.keep_files = v as usize).default("5").unit("files").doc(
            "Older log files that stay (`server.log.1` is the youngest). All logs together take at \
                 most `logging.max_mb` times one more than this.",
        ),
    ],
};

fn format(text: &str) -> Option<LogFormat> {
    match text.trim().to_ascii_lowercase().as_str() {
        "auto" => Some(LogFormat::Auto),
        "text" => Some(LogFormat::Text),
        "json" => Some(LogFormat::Json),
        _ => is_python_format(text).then_some(LogFormat::Auto),
    }
}

/// Whether it is a template of Python's `logging`, in one of its three styles, as an existing configuration file has it.
pub(crate) fn is_python_format(text: &str) -> bool {
    ["%(", "{message", "{asctime", "{levelname", "${message", "$message", "$levelname"]
        .iter()
        .any(|sign| text.contains(sign))
}

/// `Some(None)` is no file.
fn file(text: &str) -> Option<Option<PathBuf>> {
    let none = text.trim().eq_ignore_ascii_case("none");
    is_path(text).then(|| (!none).then(|| PathBuf::from(text)))
}
