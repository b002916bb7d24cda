//! Names: `<stream>/<stream>_YYYYmmdd_HHMMSS.mp4` below the recordings' folder, which existing tools rely on.
//!
//! A name is built or checked here and nowhere else. It holds nothing but letters, digits, `_`, `-` and its one
//! ending, so no name leads out of its folder. The stream is given, never guessed: `a_20260121_103000` is a stream too.

use std::path::{Path, PathBuf};

use hub::StreamName;
use jiff::{Timestamp, civil, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::Error;

/// `YYYYmmdd_HHMMSS`.
const STAMP_LEN: usize = 15;
/// Of the number that makes a name unique within its second.
const NUMBER_DIGITS: usize = 6;

/// What a file is a recording of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A part of the stream's continuous recording.
    #[default]
    Segment,
    /// Saved on request: the last minute, say. Its name ends in `_clip`.
    Clip,
}

/// The name of a recording's file, checked: it can be nothing but a file in its stream's folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName(String);

/// Which recording.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordingId {
    pub stream: StreamName,
    pub file: FileName,
}

/// What a name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Parts {
    start: Timestamp,
    kind: Kind,
    /// From 1, which is not written.
    number: u32,
}

impl RecordingId {
    /// From the two segments of a path. The file's name has to begin with the stream's.
    pub fn parse(stream: &StreamName, file: &str) -> Result<Self, Error> {
        if Parts::read(stream, file).is_none() {
            return Err(Error::BadFileName { shown: file.chars().take(80).collect() });
        }
        Ok(Self { stream: stream.clone(), file: FileName(file.to_owned()) })
    }

    /// The `number`-th name, from 1, of a recording that begins within this second. Times before 1970, which only a
    /// clock that was never set tells, are written as 1970.
    pub(crate) fn new(stream: &StreamName, start: Timestamp, kind: Kind, number: u32) -> Self {
        let at = TimeZone::UTC.to_datetime(start.max(Timestamp::UNIX_EPOCH));
        let stamp = at.strftime("%Y%m%d_%H%M%S");
        let clip = if kind == Kind::Clip { "_clip" } else { "" };
        let number = if number > 1 { format!("_{number}") } else { String::new() };
        Self { stream: stream.clone(), file: FileName(format!("{stream}_{stamp}{clip}{number}.mp4")) }
    }

    /// When it begins, to the second, as its name says.
    pub fn start(&self) -> Timestamp {
        Parts::read(&self.stream, self.file.as_str()).map_or(Timestamp::UNIX_EPOCH, |parts| parts.start)
    }

    pub fn kind(&self) -> Kind {
        Parts::read(&self.stream, self.file.as_str()).map_or(Kind::Segment, |parts| parts.kind)
    }
}

impl FileName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The metadata file beside it.
    pub fn metadata(&self) -> String {
        format!("{}.json", self.0.strip_suffix(".mp4").unwrap_or(&self.0))
    }
}

impl Parts {
    fn read(stream: &StreamName, file: &str) -> Option<Self> {
        let rest = file.strip_prefix(stream.as_str())?.strip_prefix('_')?.strip_suffix(".mp4")?;
        let (stamp, rest) = rest.split_at_checked(STAMP_LEN)?;
        let start = read_stamp(stamp)?;
        let (kind, rest) = match rest.strip_prefix("_clip") {
            Some(rest) => (Kind::Clip, rest),
            None => (Kind::Segment, rest),
        };
        let number = match rest.strip_prefix('_') {
            Some(digits) => read_number(digits)?,
            None if rest.is_empty() => 1,
            None => return None,
        };
        Some(Self { start, kind, number })
    }
}

fn read_stamp(stamp: &str) -> Option<Timestamp> {
    let (date, time) = stamp.split_once('_')?;
    if date.len() != 8 || !is_digits(date) || !is_digits(time) {
        return None;
    }
    let two = |text: &str, at: usize| text.get(at..at + 2)?.parse::<i8>().ok();
    let year = date.get(..4)?.parse().ok()?;
    let at = civil::DateTime::new(
        year,
        two(date, 4)?,
        two(date, 6)?,
        two(time, 0)?,
        two(time, 2)?,
        two(time, 4)?,
        0,
    );
    TimeZone::UTC.to_timestamp(at.ok()?).ok()
}

/// 2 and more, without leading zeros: every recording has one name only.
fn read_number(digits: &str) -> Option<u32> {
    if digits.len() > NUMBER_DIGITS || digits.starts_with('0') || !is_digits(digits) {
        return None;
    }
    digits.parse().ok().filter(|number| *number > 1)
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Where a recording lies, as the recordings' folder is configured.
pub(super) fn place(directory: &Path, id: &RecordingId) -> PathBuf {
    directory.join(id.stream.as_str()).join(id.file.as_str())
}

#[cfg(test)]
mod tests;
