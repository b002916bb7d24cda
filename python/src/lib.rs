//! The shared library `framehub._native`. Its contents are `crates/py`, an ordinary library that every build checks.

pub use py::_native;
