//! The JSON beside a recording: the fields that existing tools read, and ours after them (`docs/ref/compatibility.md`).
//!
//! Written exactly, read leniently: a file of the stream server's has the first nine fields only, and one that cannot be
//! read is as good as none, since the recording itself says most of it again.

use std::{io, path::Path};

use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{
    folder::Folder,
    layout::{Kind, RecordingId},
};
use crate::Codec;

/// A metadata file is not read further than this, in bytes. Ours have 15 kB at most, with a hundred gaps.
const MAX_FILE: u64 = 1 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Being written.
    Recording,
    #[default]
    Finished,
    /// Its writer did not come to its end: cut to the last whole fragment at the next start.
    Healed,
}

/// Frames that are missing, since the disk did not keep up.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Gap {
    /// When the first of them would have been shown.
    #[serde(serialize_with = "write_time", deserialize_with = "read_time")]
    pub at: Timestamp,
    pub seconds: f64,
    pub frames: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    pub stream_name: String,
    #[serde(serialize_with = "write_time", deserialize_with = "read_time")]
    pub start_time: Timestamp,
    #[serde(serialize_with = "write_time", deserialize_with = "read_time")]
    pub end_time: Timestamp,
    #[serde(default, deserialize_with = "read_number")]
    pub duration_seconds: f64,
    #[serde(default)]
    pub total_frames: u64,
    #[serde(default, deserialize_with = "read_number")]
    pub average_fps: f64,
    #[serde(default, deserialize_with = "read_number", serialize_with = "write_rate")]
    pub target_fps: f64,
    #[serde(default, deserialize_with = "read_codec")]
    pub codec: Codec,
    /// As the recordings' folder is configured: relative if that is.
    #[serde(default)]
    pub recording_path: String,
    #[serde(default)]
    pub file: String,
    #[serde(default)]
    pub status: Status,
    #[serde(default)]
    pub kind: Kind,
    #[serde(default)]
    pub size_bytes: u64,
    #[serde(default)]
    pub width: u32,
    #[serde(default)]
    pub height: u32,
    /// All of them, also of gaps that are listed no more.
    #[serde(default)]
    pub frames_lost: u64,
    /// The first hundred.
    #[serde(default)]
    pub gaps: Vec<Gap>,
}

impl Metadata {
    /// Its times, told by a clock that was set since.
    pub(crate) fn told_anew(mut self, by: SignedDuration) -> Self {
        let shifted = |time: Timestamp| time.saturating_add(by).unwrap_or(time);
        self.start_time = shifted(self.start_time);
        self.end_time = shifted(self.end_time);
        for gap in &mut self.gaps {
            gap.at = shifted(gap.at);
        }
        self
    }

    /// `None` if it is not the metadata of a recording.
    pub(crate) fn from_json(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    pub(crate) fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        Ok(text)
    }

    /// All that is known of a recording without metadata and without a look inside.
    pub(crate) fn of_name(id: &RecordingId) -> Self {
        Self { start_time: id.start(), end_time: id.start(), ..Self::default() }
    }

    /// With what the file's place and size say, whatever its metadata claims: it may have been moved or copied.
    pub(crate) fn placed(mut self, id: &RecordingId, directory: &Path, size_bytes: u64) -> Self {
        id.stream.as_str().clone_into(&mut self.stream_name);
        id.file.as_str().clone_into(&mut self.file);
        self.kind = id.kind();
        self.recording_path = path_of(directory, id.stream.as_str(), id.file.as_str());
        self.size_bytes = size_bytes;
        self
    }
}

/// A recording's path as its metadata shows it.
pub(crate) fn path_of(directory: &Path, stream: &str, file: &str) -> String {
    directory.join(stream).join(file).to_string_lossy().into_owned()
}

/// RFC 3339 in UTC, always with milliseconds.
pub(crate) fn write_time<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{time:.3}"))
}

/// Clients expect 30, not 30.0.
fn write_rate<S: Serializer>(rate: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    let is_whole = rate.fract() == 0.0 && (0.0..1e9).contains(rate);
    if is_whole { serializer.serialize_u64(*rate as u64) } else { serializer.serialize_f64(*rate) }
}

/// RFC 3339; a time without an offset, as Python writes it by itself, is UTC.
fn read_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let time = text.parse::<civil::DateTime>().and_then(|time| TimeZone::UTC.to_timestamp(time));
    time.map_err(serde::de::Error::custom)
}

/// JSON has no infinity: what was one is `null`.
fn read_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// For a file that does not say: the stream server's default.
fn read_codec<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Codec, D::Error> {
    let name = serde_json::Value::deserialize(deserializer)?;
    Ok(Codec::deserialize(name).unwrap_or_default())
}

/// What lies beside a recording, if that is its metadata.
pub(super) fn read_metadata(folder: &Folder, id: &RecordingId) -> Option<Metadata> {
    Metadata::from_json(&folder.read(&id.file.metadata(), MAX_FILE).ok()?)
}

/// Puts the metadata of a recording beside it.
pub(super) fn write_metadata(
    folder: &Folder,
    id: &RecordingId,
    metadata: &Metadata,
    durable: bool,
) -> io::Result<()> {
    folder.replace(&id.file.metadata(), &metadata.to_json()?, durable)
}

#[cfg(test)]
mod tests;
