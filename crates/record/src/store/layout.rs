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
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::{prelude::*, test_runner::RngSeed};

    use super::*;

    fn stream(name: &str) -> StreamName {
        name.parse().unwrap()
    }

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn names_are_those_that_existing_tools_read() {
        let start = time("2026-01-21T10:30:00.987Z");
        let name = |kind, number| RecordingId::new(&stream("camera1"), start, kind, number).file;
        assert_eq!(name(Kind::Segment, 1).as_str(), "camera1_20260121_103000.mp4");
        assert_eq!(name(Kind::Segment, 1).metadata(), "camera1_20260121_103000.json");
        assert_eq!(name(Kind::Segment, 2).as_str(), "camera1_20260121_103000_2.mp4");
        assert_eq!(name(Kind::Clip, 1).as_str(), "camera1_20260121_103000_clip.mp4");
        assert_eq!(name(Kind::Clip, 3).as_str(), "camera1_20260121_103000_clip_3.mp4");
    }

    #[test]
    fn a_stream_may_be_named_like_a_recording() {
        let file = "a_20260121_103000_20260122_040506.mp4";
        assert!(RecordingId::parse(&stream("a"), file).is_err());
        let id = RecordingId::parse(&stream("a_20260121_103000"), file).unwrap();
        assert_eq!((id.start(), id.kind()), (time("2026-01-22T04:05:06Z"), Kind::Segment));
    }

    #[test]
    fn other_names_are_refused_by_name() {
        for file in [
            "",
            ".mp4",
            "a.mp4",
            "a_20260121_103000",
            "a_20260121_103000.MP4",
            "a_20260121_103000.json",
            "a_20260121_103000_1.mp4",
            "a_20260121_103000_02.mp4",
            "a_20260121_103000_.mp4",
            "a_20260121_103000_1000000.mp4",
            "a_20260121_103000_clip_1.mp4",
            "a_20260121_103000_clips.mp4",
            "a_20260121_103000_2_clip.mp4",
            "a_20260121_103000x.mp4",
            "a_20260230_103000.mp4",
            "a_20260121_103060.mp4",
            "a_20260121_250000.mp4",
            "a_2026012_1103000.mp4",
            "a_+0260121_103000.mp4",
            "a_２0260121_103000.mp4",
            "b_20260121_103000.mp4",
            "A_20260121_103000.mp4",
            " a_20260121_103000.mp4",
            "a_20260121_103000.mp4\0",
            "a_20260121_103000.mp4/",
            "./a_20260121_103000.mp4",
            "../a/a_20260121_103000.mp4",
        ] {
            let error = RecordingId::parse(&stream("a"), file).unwrap_err();
            assert_eq!(error.code(), "BAD_FILE_NAME", "{file:?}");
        }
    }

    #[test]
    fn a_clock_that_was_never_set_makes_a_name_all_the_same() {
        let id = RecordingId::new(&stream("a"), Timestamp::MIN, Kind::Segment, 1);
        assert_eq!(id.file.as_str(), "a_19700101_000000.mp4");
        let last = RecordingId::new(&stream("a"), Timestamp::MAX, Kind::Segment, 1);
        assert_eq!(RecordingId::parse(&last.stream, last.file.as_str()).unwrap(), last);
    }

    fn fixed_seed() -> ProptestConfig {
        ProptestConfig { rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() }
    }

    proptest! {
        #![proptest_config(fixed_seed())]

        #[test]
        fn what_is_built_is_read_back(
            name in "[A-Za-z0-9_-]{1,64}",
            second in 0..253_402_000_000i64,
            clip: bool,
            number in 1..1_000_000u32,
        ) {
            let start = Timestamp::from_second(second).unwrap();
            let kind = if clip { Kind::Clip } else { Kind::Segment };
            let id = RecordingId::new(&stream(&name), start, kind, number);
            prop_assert_eq!(Parts::read(&id.stream, id.file.as_str()), Some(Parts { start, kind, number }));
            prop_assert_eq!(RecordingId::parse(&id.stream, id.file.as_str()).unwrap(), id);
        }

        #[test]
        fn what_is_read_could_have_been_built(
            name in "[a-c_0-9]{1,4}",
            file in "[a-c_0-9]{1,4}_[0-9]{8}_[0-9]{6}(_clip)?(_[0-9]{1,3})?\\.mp4",
        ) {
            let name = stream(&name);
            if let Some(parts) = Parts::read(&name, &file) {
                // Years before 1970 are read, but never written.
                if parts.start >= Timestamp::UNIX_EPOCH {
                    let again = RecordingId::new(&name, parts.start, parts.kind, parts.number);
                    prop_assert_eq!(again.file.as_str(), file);
                }
            }
        }

        #[test]
        fn no_name_leads_out_of_its_folder(before in ".{0,3}", middle in ".{0,12}", after in ".{0,3}") {
            for file in [
                format!("{before}a_20260121_103000{middle}.mp4{after}"),
                format!("a_{before}20260121{middle}103000{after}.mp4"),
            ] {
                if let Ok(id) = RecordingId::parse(&stream("a"), &file) {
                    let stem = id.file.as_str().strip_suffix(".mp4").unwrap();
                    prop_assert!(stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{}", stem);
                }
            }
        }
    }
}
