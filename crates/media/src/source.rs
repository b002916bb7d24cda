//! A file read at chosen places, with its length known and the work bounded.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::{Error, Result};

/// The largest frame read into memory, and the largest table of an MP4: far
/// above any JPEG a camera makes (an 8K one is about 10 MB).
pub const MAX_FRAME_BYTES: u64 = 64 << 20;

/// Parts (boxes, chunks) read before a file is called broken: two for each
/// frame of the longest file. A file made of nothing but empty parts would
/// otherwise be walked for hours.
const MAX_PARTS: u32 = 8_000_000;

/// The file and what errors about it need.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    path: &'a Path,
    file: &'a File,
    len: u64,
    parts_left: u32,
    /// Names the format in errors, once it is known.
    pub(crate) container: &'static str,
}

impl<'a> Source<'a> {
    pub(crate) fn new(path: &'a Path, file: &'a File, len: u64) -> Self {
        Self { path, file, len, parts_left: MAX_PARTS, container: "file" }
    }

    /// The file's size in bytes when it was opened.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// The name's ending in lower case, empty where there is none.
    pub(crate) fn extension(&self) -> String {
        let extension = self.path.extension().unwrap_or_default();
        extension.to_string_lossy().to_ascii_lowercase()
    }

    /// Fills `buffer` from `offset`; past the end of the file is an error.
    pub(crate) fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let end = offset.checked_add(buffer.len() as u64);
        if end.is_none_or(|end| end > self.len) {
            return Err(self.broken(offset, "it ends inside a structure"));
        }
        let read = self.file.read_exact_at(buffer, offset);
        read.map_err(|source| Error::Io { path: self.path.to_owned(), source })
    }

    /// The `N` bytes at `offset`.
    pub(crate) fn array<const N: usize>(&self, offset: u64) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.read(offset, &mut bytes)?;
        Ok(bytes)
    }

    /// The bytes from `offset` to `end` as one piece; for tables, whose size is
    /// bounded by the file's and by [`MAX_FRAME_BYTES`].
    pub(crate) fn bytes(&self, offset: u64, end: u64) -> Result<Vec<u8>> {
        let size = end.saturating_sub(offset);
        if size > MAX_FRAME_BYTES || end > self.len {
            return Err(self.broken(offset, "a table is too large"));
        }
        let mut bytes = vec![0; size as usize];
        self.read(offset, &mut bytes)?;
        Ok(bytes)
    }

    /// Counts one more part of the file as read.
    pub(crate) fn count_part(&mut self, offset: u64) -> Result<()> {
        let left = self.parts_left.checked_sub(1).ok_or_else(|| self.broken(offset, "too many parts"))?;
        self.parts_left = left;
        Ok(())
    }

    pub(crate) fn broken(&self, offset: u64, reason: &'static str) -> Error {
        Error::BrokenContainer { container: self.container, offset, reason }
    }

    pub(crate) fn unknown(&self) -> Error {
        Error::UnknownContainer { path: self.path.to_owned() }
    }

    pub(crate) fn not_jpeg(&self, codec: impl Into<String>) -> Error {
        Error::NotJpegInside { container: self.container, codec: codec.into() }
    }
}

/// Four bytes of a file as text that can be shown.
pub(crate) fn four_characters(bytes: [u8; 4]) -> String {
    if bytes == [0; 4] {
        return "uncompressed".into();
    }
    bytes.escape_ascii().to_string()
}
