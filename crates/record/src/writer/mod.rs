//! From a stream's ring into a file: the recorder and what it is made of, and clips, which are written the same way.

pub(crate) mod clip;
pub(crate) mod encoder;
pub(crate) mod fragment;
mod pace;
pub(crate) mod recorder;
pub(crate) mod segment;
pub(crate) mod sync;
mod timeline;

pub use fragment::MAX_BYTES as FRAGMENT_BYTES;
