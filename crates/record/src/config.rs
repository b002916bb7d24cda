//! What a recorder has to know.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

/// How pictures are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    /// JPEG as published, under MP4's `mp4v` entry with the object type of JPEG (ISO/IEC 14496-1, 0x6C).
    #[default]
    Mp4v,
    /// JPEG as published, under QuickTime's `jpeg` entry.
    Mjpeg,
    /// Encoded: much smaller, plays in every browser, costs a processor.
    H264,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Config {
    /// A folder for each stream lies in it. Made when the first recording begins.
    pub directory: PathBuf,
    /// Every published stream is recorded, without a request.
    pub automatic: bool,
    pub codec: Codec,
    /// Frames a second at most; faster streams are thinned out.
    pub target_fps: f64,
    /// A recording goes on in a new file after so long.
    pub segment: Duration,
    /// What has been written is on the disk itself, safe from a power cut, after so long.
    pub sync: Duration,
    pub retention: Retention,
    /// When old recordings are deleted, by the machine's local time.
    pub schedule: TimeOfDay,
}

/// What may stay.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Retention {
    pub max_age: Duration,
    /// Of all recordings together.
    pub max_total_bytes: Option<u64>,
    /// The disk keeps so much free: the oldest recordings go first, then recording pauses.
    pub min_free_bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimeOfDay {
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
}
