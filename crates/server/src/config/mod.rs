//! Layered configuration: defaults, file, `.env`, environment, arguments, folded once into a plan.

mod key;
mod plan;
mod table;

pub use key::{Key, Kind};
pub use plan::*;
pub use table::{KEYS, SECTIONS, Section};
