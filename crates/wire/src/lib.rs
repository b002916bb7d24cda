//! Bytes to messages and back.
//!
//! Here belongs what a stranger's bytes mean: multipart bodies, the headers of JPEG and PNG files, the texts and
//! binary messages of our WebSockets, and the bytes that we send in return.
//! Here does not belong anything that waits, looks at a clock, locks, opens a file or a socket, or decodes pixels.
//!
//! Invariants of every parser in this crate:
//!
//! * W1 Input never panics it, whatever the bytes and wherever a chunk of them ends.
//! * W2 It allocates for bytes that have arrived, never for bytes that a header merely promises (beyond one small
//!   first reservation), and never more than the limit that it was given.
//! * W3 What it hands out owns exactly its own memory: no slice of a read buffer, at most an eighth unused.
//! * W4 Where the chunks of a stream are cut makes no difference to the messages that come out.
//! * W5 An error says what was found, at which byte, and how to mend it; `code()` is stable and goes into JSON.

pub mod address;
pub mod body;
mod buffer;
pub mod fragments;
#[doc(hidden)]
pub mod fuzz;
pub mod image;
pub mod jpeg;
pub mod json;
mod mended;
pub mod mjpeg;
pub mod multipart;
pub mod options;
pub mod publish;
pub mod upload;
pub mod view;
pub mod wall;

pub use mended::Mended;

/// The first bytes of something unexpected, printable, for an error message.
fn preview(bytes: &[u8]) -> String {
    const SHOWN: usize = 40;
    let mut text = bytes[..bytes.len().min(SHOWN)].escape_ascii().to_string();
    if bytes.len() > SHOWN {
        text.push('…');
    }
    text
}
