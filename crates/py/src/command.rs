//! The command `framehub`, in the library that Python has loaded anyway.

use pyo3::prelude::*;

/// Runs the command line and gives its exit code. `argv` begins with the program's name.
#[pyfunction]
pub(crate) fn run_command(py: Python<'_>, argv: Vec<String>) -> u8 {
    py.detach(|| cli::run(argv))
}
