//! The binary `framehub`: reads the command line and hands over.

use std::process::ExitCode;

fn main() -> ExitCode {
    server::cli::run(std::env::args_os()).into()
}
