//! Boxes of MP4 (ISO/IEC 14496-12), read and written: what every reader and writer of such files here has in common.
//!
//! do not know the entries that JPEG video comes in.

pub(crate) mod boxes;
pub(crate) mod fragment;
pub(crate) mod put;
pub(crate) mod video;
