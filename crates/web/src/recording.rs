//! Recordings and their recorders as JSON: the shapes that the routes share.

use hub::StreamName;
use jiff::Timestamp;
use record::{Activity, Codec, Disk, Gap, Kind, Metadata, Recordings, State, Status, StreamSummary};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{BasePath, stats::round};

/// A recording. The fields up to `recording_path` are those of existing clients of the stream server.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Recording {
    stream_name: String,
    start_time: String,
    end_time: String,
    duration_seconds: f64,
    total_frames: u64,
    average_fps: f64,
    #[serde(serialize_with = "wire::json::whole")]
    #[schema(value_type = f64)]
    target_fps: f64,
    #[schema(value_type = String, example = "mp4v")]
    codec: Codec,
    recording_path: String,
    file: String,
    /// recording, finished, or healed: cut to its last whole second after a crash.
    #[schema(value_type = String, example = "finished")]
    status: Status,
    /// segment, or clip: saved on request.
    #[schema(value_type = String, example = "segment")]
    kind: Kind,
    size_bytes: u64,
    width: u32,
    height: u32,
    frames_lost: u64,
    /// Where frames are missing; the first hundred.
    gaps: Vec<RecordingGap>,
    url: String,
    mjpeg_url: String,
    snapshot_url: String,
    /// A `<video>` plays it; the others are replayed as MJPEG.
    plays_in_browser: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecordingGap {
    at: String,
    seconds: f64,
    frames: u64,
}

impl Recording {
    /// As a client of the hub at `base_path` sees it.
    pub(crate) fn new(metadata: Metadata, base_path: &BasePath) -> Self {
        let url = base_path.at(&format!("/api/recordings/{}/{}", metadata.stream_name, metadata.file));
        Self {
            start_time: millis(metadata.start_time),
            end_time: millis(metadata.end_time),
            duration_seconds: metadata.duration_seconds,
            total_frames: metadata.total_frames,
            average_fps: metadata.average_fps,
            target_fps: metadata.target_fps,
            codec: metadata.codec,
            recording_path: metadata.recording_path,
            status: metadata.status,
            kind: metadata.kind,
            size_bytes: metadata.size_bytes,
            width: metadata.width,
            height: metadata.height,
            frames_lost: metadata.frames_lost,
            gaps: metadata.gaps.into_iter().map(RecordingGap::from).collect(),
            mjpeg_url: format!("{url}/mjpeg"),
            snapshot_url: format!("{url}/snapshot.jpg"),
            url,
            plays_in_browser: metadata.codec == Codec::H264,
            stream_name: metadata.stream_name,
            file: metadata.file,
        }
    }
}

impl From<Gap> for RecordingGap {
    fn from(gap: Gap) -> Self {
        Self { at: millis(gap.at), seconds: gap.seconds, frames: gap.frames }
    }
}

/// RFC 3339 in UTC with milliseconds.
fn millis(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// What the store has of one stream.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecordedStream {
    name: String,
    count: u64,
    total_bytes: u64,
    first_time: String,
    last_time: String,
}

impl From<StreamSummary> for RecordedStream {
    fn from(summary: StreamSummary) -> Self {
        Self {
            name: summary.name,
            count: summary.count,
            total_bytes: summary.total_bytes,
            first_time: millis(summary.first_time),
            last_time: millis(summary.last_time),
        }
    }
}

/// The disk that the recordings are on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DiskSpace {
    free_bytes: u64,
    total_bytes: u64,
}

impl From<Disk> for DiskSpace {
    fn from(disk: Disk) -> Self {
        Self { free_bytes: disk.free_bytes, total_bytes: disk.total_bytes }
    }
}

/// Whether and how a stream is being recorded.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub(crate) struct RecorderState {
    stream: String,
    pub(crate) recording: bool,
    /// recording, waiting (for a first frame), failed (and trying again), or off.
    #[schema(example = "recording")]
    state: &'static str,
    error: Option<String>,
    /// Being written now.
    file: Option<String>,
    started_at: Option<String>,
    duration_seconds: f64,
    total_frames: u64,
    size_bytes: u64,
    frames_lost: u64,
}

impl RecorderState {
    /// Of a stream, now.
    pub(crate) fn of(recordings: &Recordings, stream: &StreamName) -> Self {
        match recordings.activity(stream) {
            Some(activity) => Self::from(activity),
            None => Self { stream: stream.to_string(), state: "off", ..Self::default() },
        }
    }

    /// As it was when it ended.
    pub(crate) fn ended(activity: Activity) -> Self {
        Self { recording: false, state: "off", file: None, ..Self::from(activity) }
    }
}

impl From<Activity> for RecorderState {
    fn from(activity: Activity) -> Self {
        let duration = activity.since.elapsed().as_secs_f64();
        Self {
            stream: activity.stream.to_string(),
            recording: activity.state == State::Recording,
            state: match activity.state {
                State::Recording => "recording",
                State::Waiting => "waiting",
                State::Failed => "failed",
            },
            error: activity.error,
            file: activity.current.map(|id| id.file.as_str().to_owned()),
            started_at: Some(millis(activity.started)),
            duration_seconds: round(duration, 3),
            total_frames: activity.frames,
            size_bytes: activity.bytes,
            frames_lost: activity.frames_lost,
        }
    }
}
