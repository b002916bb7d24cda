//! Statistics as JSON: the shapes of a stream that the routes and the wall share.

use std::collections::BTreeSet;

use access::Grant;
use hub::{StreamName, StreamStats};
use ingest::pull;
use record::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{clock, derived::RenditionInfo, live::Live, recording::RecorderState};

/// A stream in the list of streams.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StreamInfo {
    name: String,
    created_at: String,
    uptime_seconds: u64,
    total_frames: u64,
    viewer_count: usize,
    inactive_seconds: f64,
    current_fps: f64,
    width: Option<u32>,
    height: Option<u32>,
    frame_bytes: Option<usize>,
    bytes_per_second: f64,
    /// Its source makes pictures only while it is watched.
    on_demand: bool,
    /// Its frames are being written to the disk.
    recording: bool,
}

impl StreamInfo {
    /// Of every live stream that the grant shows, in the order of their names.
    pub(crate) fn all(live: &Live, grant: &Grant) -> Vec<Self> {
        let activities = live.recordings.activities().into_iter();
        let recorded = activities.filter(|activity| activity.state == State::Recording);
        let recorded: BTreeSet<StreamName> = recorded.map(|activity| activity.stream).collect();
        let stats = live.hub.stats(clock::now());
        let shown = stats.streams.iter().filter(|stream| grant.shows(&stream.name));
        shown.map(|stream| Self::new(stream, recorded.contains(&stream.name))).collect()
    }

    fn new(stats: &StreamStats, recording: bool) -> Self {
        Self {
            name: stats.name.to_string(),
            created_at: clock::rfc3339(stats.created),
            uptime_seconds: stats.uptime.as_secs(),
            total_frames: stats.totals.frames,
            viewer_count: stats.demand.viewers,
            inactive_seconds: round(stats.inactive.as_secs_f64(), 3),
            current_fps: round(stats.fps, 1),
            width: stats.format.map(|f| f.width),
            height: stats.format.map(|f| f.height),
            frame_bytes: stats.frame_bytes,
            bytes_per_second: round(stats.bytes_per_sec, 0),
            on_demand: stats.on_demand,
            recording,
        }
    }
}

/// One stream in detail.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StreamDetail {
    #[serde(flatten)]
    info: StreamInfo,
    last_frame_time: Option<String>,
    /// Frames in the buffer.
    buffer_size: usize,
    /// Frames that it may keep.
    buffer_capacity: usize,
    has_current_frame: bool,
    buffered_frames: usize,
    buffered_bytes: usize,
    total_bytes: u64,
    /// Frames handed to viewers, and frames that viewers passed over for a newer one.
    frames_served: u64,
    frames_dropped: u64,
    /// Frames that publishers sent and the hub refused.
    frames_rejected: u64,
    /// Frames whose capture time cannot be true: they go by their arrival.
    capture_times_ignored: u64,
    /// What was odd about the frames that came, and was mended.
    mended: Vec<&'static str>,
    /// Recorders, analyses, links.
    service_count: usize,
    /// Number of the newest frame.
    newest_seq: u64,
    /// Grows each time a stream is made, so that a re-created one can be distinguished from the one before.
    epoch: u64,
    /// A connection, not one-shot requests, publishes it.
    publisher_connected: bool,
    recorder: RecorderState,
    /// The source of the hub's own that fills it; null where a publisher does.
    source: Option<SourceReport>,
    /// What is made of its pictures for viewers who want them smaller, coarser or less often.
    renditions: Vec<RenditionInfo>,
}

/// A source of the hub's own: what it does, and what it has cost. However many watch, a picture is captured once and
/// encoded once at most.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SourceReport {
    /// testsrc, file, http, ws, rtsp, v4l2, exec or simulator.
    kind: &'static str,
    /// resting, connecting, open (a simulator that sends no pictures), live, failed or ended.
    state: &'static str,
    /// Why it failed or ended.
    error: Option<String>,
    /// The wait before the next attempt, once it failed.
    retry_in_seconds: Option<f64>,
    captures: u64,
    encodes: u64,
    /// Pictures that could not be used and were skipped.
    frame_errors: u64,
    /// How often it was opened.
    attempts: u64,
}

impl SourceReport {
    fn of(live: &Live, name: &StreamName) -> Option<Self> {
        let report = live.sources.report(name).or_else(|| live.simulators.report(name))?;
        let (state, error, retry_in_seconds) = match &report.state {
            pull::State::Failed { why, retry_in } => {
                ("failed", Some(why.clone()), Some(round(retry_in.as_secs_f64(), 1)))
            }
            pull::State::Ended { why } => ("ended", Some(why.clone()), None),
            other => (other.word(), None, None),
        };
        let pull::Report { kind, captures, encodes, frame_errors, attempts, .. } = report;
        Some(Self { kind, state, error, retry_in_seconds, captures, encodes, frame_errors, attempts })
    }
}

impl StreamDetail {
    pub(crate) fn new(live: &Live, stats: StreamStats) -> Self {
        let recorder = RecorderState::of(&live.recordings, &stats.name);
        Self {
            source: SourceReport::of(live, &stats.name),
            info: StreamInfo::new(&stats, recorder.recording),
            last_frame_time: stats.last_frame.map(clock::rfc3339),
            buffer_size: stats.buffered_frames,
            buffer_capacity: stats.buffer_capacity,
            has_current_frame: stats.format.is_some(),
            buffered_frames: stats.buffered_frames,
            buffered_bytes: stats.buffered_bytes,
            total_bytes: stats.totals.bytes,
            frames_served: stats.totals.served,
            frames_dropped: stats.totals.skipped,
            frames_rejected: stats.totals.rejected,
            capture_times_ignored: stats.totals.capture_times_ignored,
            mended: stats.remarks,
            service_count: stats.demand.services,
            newest_seq: stats.newest_seq,
            epoch: stats.epoch,
            publisher_connected: stats.claimed,
            recorder,
            renditions: RenditionInfo::all(&live.derive, stats.epoch),
        }
    }
}

/// Rounded for people.
pub(crate) fn round(value: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (value * scale).round() / scale
}
