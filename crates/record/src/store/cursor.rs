//! Where a page of a list ends: the place of its last recording in the order of all.

use crate::{Error, Metadata};

/// Recordings are ordered by it: unlike a number of rows to skip, it holds its place while others come and go.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) start_ms: i64,
    pub(crate) stream: String,
    pub(crate) file: String,
}

impl Key {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            start_ms: metadata.start_time.as_millisecond(),
            stream: metadata.stream_name.clone(),
            file: metadata.file.clone(),
        }
    }

    /// `1768991400000.camera1.camera1_20260121_103000.mp4`
    pub(crate) fn to_text(&self) -> String {
        format!("{}.{}.{}", self.start_ms, self.stream, self.file)
    }

    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let mut parts = text.splitn(3, '.');
        let start_ms = parts.next().and_then(|number| number.parse().ok());
        let (Some(start_ms), Some(stream), Some(file)) = (start_ms, parts.next(), parts.next()) else {
            return Err(Error::BadCursor { shown: text.chars().take(80).collect() });
        };
        Ok(Self { start_ms, stream: stream.to_owned(), file: file.to_owned() })
    }

    /// Before everything that begins at `start_ms`.
    fn at(start_ms: i64) -> Self {
        Self { start_ms, stream: String::new(), file: String::new() }
    }

    /// What a page of the newest first lies before.
    pub(crate) fn newest_before(to: i64, cursor: Option<&Self>) -> Self {
        let bound = Self::at(to);
        cursor.filter(|cursor| **cursor < bound).cloned().unwrap_or(bound)
    }

    /// What a page of the oldest first lies after.
    pub(crate) fn oldest_after(earliest: i64, cursor: Option<&Self>) -> Self {
        let bound = Self::at(earliest);
        cursor.filter(|cursor| **cursor > bound).cloned().unwrap_or(bound)
    }
}
