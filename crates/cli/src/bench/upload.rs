//! `framehub bench upload`: how fast does a hub take the frames of upload sessions, and what memory does a long one take?
//! No analysis: the sessions ask for one that needs a model and give it none, so that it ends with its first frame.

use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use client::{
    Endpoint,
    upload::{Encoding, Frame, SessionStart, Upload},
};
use serde::Serialize;
use tokio::task::JoinSet;

use super::frames::{Frames, Stamp};
use super::hub::{Hub, Usage};
use super::report;
use crate::terminal::{self, number};

/// How often the hub's memory is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// Different pictures, so that none is still in a cache when its turn comes again.
const PICTURES: u64 = 64;

/// Measure how fast frames are uploaded, and what memory that takes
#[derive(Clone, Debug, clap::Args)]
pub(super) struct UploadArgs {
    /// Frames of each session
    #[arg(long, default_value_t = 10_000, value_name = "N", value_parser = clap::value_parser!(u64).range(10..=1_000_000))]
    frames: u64,
    /// Size of a frame in kB (1 kB = 1000 bytes)
    #[arg(long, default_value_t = 100.0, value_name = "KB", value_parser = |text: &str| number(text, 1.0, 30_000.0))]
    size: f64,
    /// Sessions at once
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    sessions: u32,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    sessions: u32,
    frames: u64,
    frame_bytes: usize,
    seconds: f64,
    frames_per_sec: f64,
    megabytes_per_sec: f64,
    /// Of the hub.
    cpu_secs_per_1000_frames: f64,
    /// Of the hub, at its most, over what it had before.
    memory_growth_mb: f64,
}

/// Runs the command.
///
/// # Errors
/// Wrong usage, or a hub that does not start or does not take what is sent.
pub(super) async fn run(args: UploadArgs) -> anyhow::Result<()> {
    let frames = Frames::of_size((args.size * 1e3) as usize);
    let frames = frames.map_err(|error| terminal::usage("bench upload", error))?;
    let hub = Hub::start(settings(args.sessions)).await?;
    let measured = measure(&hub, &args, &frames).await;
    hub.stop().await;
    let report = measured?;
    report::print(&report, args.json, Report::table)?;
    Ok(())
}

fn settings(sessions: u32) -> Vec<String> {
    vec![
        format!("streams.max_concurrent={}", sessions + 8),
        format!("referee.max_streaming_sessions={}", sessions.max(10)),
        "referee.yolo_model=none".to_owned(),
    ]
}

async fn measure(hub: &Hub, args: &UploadArgs, frames: &Frames) -> anyhow::Result<Report> {
    let before = hub.usage().await.context("the hub does not show its CPU time and memory")?;
    let start = Instant::now();
    let mut sessions = JoinSet::new();
    for session in 0..args.sessions {
        let (endpoint, pictures) = (hub.endpoint.clone(), pictures(frames, session));
        sessions.spawn(upload(endpoint, session, pictures, args.frames));
    }
    let mut most = before.memory_bytes;
    let mut took = None;
    while !sessions.is_empty() {
        tokio::select! {
            Some(done) = sessions.join_next() => {
                done.context("a session broke off")??;
                took = Some(start.elapsed());
            }
            () = tokio::time::sleep(LOOK) => {}
        }
        if let Some(usage) = hub.usage().await {
            most = most.max(usage.memory_bytes);
        }
    }
    let after = hub.usage().await.context("the hub does not show its CPU time and memory")?;
    Ok(Report::of(args, frames_bytes(frames), took.unwrap_or_default(), [before, after], most))
}

fn pictures(frames: &Frames, stream: u32) -> Vec<Bytes> {
    let picture = |seq| frames.frame(&Stamp { run: 0, stream, seq, sent_nanos: 0 }).concat().into();
    (0..PICTURES).map(picture).collect()
}

fn frames_bytes(frames: &Frames) -> usize {
    frames.frame(&Stamp { run: 0, stream: 0, seq: 0, sent_nanos: 0 }).concat().len()
}

/// From the first frame until the hub has all of them.
async fn upload(endpoint: Endpoint, session: u32, pictures: Vec<Bytes>, count: u64) -> anyhow::Result<()> {
    let start = SessionStart {
        session_id: format!("bench-{session}"),
        pipeline: Some("pose".to_owned()),
        ..SessionStart::default()
    };
    let mut upload = Upload::begin(&endpoint, start, |_event| {}).await?;
    for (number, bytes) in (0..count).zip(pictures.iter().cycle()) {
        let frame = Frame {
            number,
            timestamp: number as f64 / 30.0,
            encoding: Encoding::Jpeg,
            quality: None,
            bytes: bytes.clone(),
        };
        upload.frame(frame).await?;
    }
    let validation = upload.end().await?;
    anyhow::ensure!(
        validation.frame_count == count,
        "the hub has {} of {count} frames",
        validation.frame_count
    );
    upload.abort().await;
    Ok(())
}

impl Report {
    fn of(
        args: &UploadArgs,
        frame_bytes: usize,
        took: Duration,
        [before, after]: [Usage; 2],
        most: f64,
    ) -> Report {
        let frames = args.frames * u64::from(args.sessions);
        let per_sec = frames as f64 / took.as_secs_f64().max(0.001);
        let rounded = |value| report::round(value, 3);
        Report {
            sessions: args.sessions,
            frames,
            frame_bytes,
            seconds: rounded(took.as_secs_f64()),
            frames_per_sec: per_sec.round(),
            megabytes_per_sec: rounded(per_sec * frame_bytes as f64 / 1e6),
            cpu_secs_per_1000_frames: rounded((after.cpu_secs - before.cpu_secs) / frames as f64 * 1000.0),
            memory_growth_mb: rounded((most - before.memory_bytes) / 1e6),
        }
    }

    fn table(&self) -> String {
        format!(
            "{} frames of {} kB in {} session(s), {:.1} s\n  \
             taken         {:.0} frames/s, {:.0} MB/s\n  \
             hub's CPU     {:.3} s for 1000 frames\n  \
             hub's memory  {:.0} MB more at its most\n",
            self.frames,
            self.frame_bytes / 1000,
            self.sessions,
            self.seconds,
            self.frames_per_sec,
            self.megabytes_per_sec,
            self.cpu_secs_per_1000_frames,
            self.memory_growth_mb,
        )
    }
}
