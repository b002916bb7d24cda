//! One module for each subcommand: its arguments and what it does with them.

pub mod analyze;
pub mod bench;
pub mod config;
pub mod inputs;
mod process;
pub mod publish;
pub mod referee;
pub mod serve;
pub mod share;
mod terminal;
pub mod watch;

use std::io::{self, ErrorKind, Write};

/// The exit code of a command that failed: 2 for wrong usage, else 1.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    if error.is::<terminal::WrongUsage>() {
        return 2;
    }
    error.downcast_ref::<crate::config::Error>().map_or(1, crate::config::Error::exit_code)
}

/// Writes a command's result to stdout. A reader that has seen enough (`| head`) is no failure.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
