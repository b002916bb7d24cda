//! One module for each subcommand: its arguments and what it does with them.

pub mod bench;
pub mod config;
pub mod serve;
pub mod terminal;
pub mod watch;

use std::io::{self, ErrorKind, Write};

/// Writes a command's result to stdout. A reader that has seen enough (`| head`) is no failure.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
