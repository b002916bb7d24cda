//! What Python's `framehub` is made of: types around `client::background` (a stream sent to a hub elsewhere) and around
//! `server` (a hub in this process), and the command line.
//!
//! What does not belong here: anything that works without Python. Defaults, docstrings and the shapes of
//! dictionaries are in `python/framehub/*.py`.
//!
//! Invariants:
//! - **Y1** The interpreter's lock is held for checks and one copy of a picture, never while something waits, is
//!   encoded or sent.
//! - **Y2** Threads of ours never touch Python: an interpreter may end at any moment.
//! - **Y3** No lock is held while the interpreter's lock is released, so none is held when another thread forks; and what
//!   belongs to the parent of a fork is neither used nor dropped by the child ([`process`]).

mod frame;
mod local;
mod log;
mod picture;
mod process;
mod publisher;
mod server;

use pyo3::prelude::*;

/// The native half of `framehub`.
#[pymodule]
pub mod _native {
    #[pymodule_export]
    use super::publisher::Publisher;
    #[pymodule_export]
    use super::run_command;
    #[pymodule_export]
    use super::server::Server;

    #[pymodule_export]
    #[expect(non_upper_case_globals)]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}

/// Runs the command line and gives its exit code. `argv` begins with the program's name.
#[pyfunction]
fn run_command(py: Python<'_>, argv: Vec<String>) -> u8 {
    py.detach(|| cli::run(argv))
}
