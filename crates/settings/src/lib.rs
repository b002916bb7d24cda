//! How a room declares its settings: one [`Table`] of [`Row`]s for each section, in a file of its own.
//!
//! A row says everything about one key: its name, what may be written, its default, its environment names, its
//! documentation, and which field of the room's own settings it sets. The server joins the tables of all rooms
//! ([`Table::section`]); parsing, range checks, the reference page and the example file all come from them.
//!
//! What does not belong here: files, the environment, precedence. Nothing here knows a room.

mod row;
mod table;
mod text;
mod value;

pub use row::{Form, Row};
pub use table::{Key, Section, Table};
pub use text::{is_path, nearest_name, quoted, store};
pub use value::{Entry, Raw, Refusal, list_items};
