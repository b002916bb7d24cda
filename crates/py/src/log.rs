//! Messages through Python's own `logging`, under the name `framehub`. Called with the interpreter's lock held
//! and no other.

use pyo3::prelude::*;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Level {
    Info,
    Warning,
}

/// A logger that fails must not end a training: its error is shown as Python shows those that cannot be caught.
pub(crate) fn log(py: Python<'_>, level: Level, message: &str) {
    let method = match level {
        Level::Info => "info",
        Level::Warning => "warning",
    };
    let logged = py
        .import("logging")
        .and_then(|logging| logging.call_method1("getLogger", ("framehub",)))
        .and_then(|logger| logger.call_method1(method, ("%s", message)));
    if let Err(error) = logged {
        error.write_unraisable(py, None);
    }
}
