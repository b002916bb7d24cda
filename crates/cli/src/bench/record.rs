//! `framehub bench record`: what does it cost to write streams to this disk, and does the disk keep up? No network:
//! the frames are published within this process, first without a recorder, then with one, and the difference is its.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bytes::Bytes;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use hub::{Claim, Format, Hub, Limits, Moment, NewFrame, Publisher, RingLimits};
use record::{Codec, Recordings, Totals};
use serde::Serialize;

use super::frames::{Frames, Stamp};
use super::report::{self, round};
use super::run::own_cpu;
use crate::terminal::{self, Progress, number, seconds};

/// Frames differ and are more than any cache holds, as they are when they come from sockets.
const POOL_BYTES: usize = 64 << 20;
/// The recorder finishes its files in this time, or is left behind.
const FINISH: Duration = Duration::from_secs(60);
/// What stays free on the disk whatever is measured.
const SPARE_BYTES: u64 = 1 << 30;
/// As `streams.backlog_mb` is by default.
const BACKLOG_BYTES: usize = 8 << 20;

/// Measure what recording costs, and whether the disk keeps up
#[derive(Clone, Debug, clap::Args)]
pub(super) struct RecordArgs {
    /// Streams recorded
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    streams: u32,
    /// Frames a second in each stream
    #[arg(long, default_value_t = 30.0, value_parser = |text: &str| number(text, 0.1, 1000.0))]
    fps: f64,
    /// Size of a frame in kB (1 kB = 1000 bytes)
    #[arg(long, default_value_t = 50.0, value_name = "KB", value_parser = |text: &str| number(text, 1.0, 50_000.0))]
    size: f64,
    /// How pictures are stored
    #[arg(long, default_value = "mp4v", value_parser = PossibleValuesParser::new(["mp4v", "mjpeg", "h264"]).map(codec))]
    codec: Codec,
    /// Seconds measured
    #[arg(long, default_value = "10", value_name = "SECONDS", value_parser = seconds)]
    duration: Duration,
    /// Where to write; what is written is deleted afterwards [default: a folder in the current one]
    #[arg(long, value_name = "FOLDER")]
    directory: Option<PathBuf>,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

fn codec(name: String) -> Codec {
    match name.as_str() {
        "mjpeg" => Codec::Mjpeg,
        "h264" => Codec::H264,
        _ => Codec::Mp4v,
    }
}

#[derive(Debug, Serialize)]
struct Report {
    streams: u32,
    fps: f64,
    frame_bytes: usize,
    codec: Codec,
    seconds: f64,
    frames_published: u64,
    frames_recorded: u64,
    frames_lost: u64,
    /// Written to files, headers included.
    megabytes_per_sec: f64,
    /// Of the recorder alone: with it, less without it.
    cpu_secs_per_1000_frames: f64,
    cpu_cores: f64,
    /// From the end of publishing until all files were complete.
    finish_secs: f64,
}

/// One run over all streams.
#[derive(Debug, Clone, Copy)]
struct Run {
    frames: u64,
    cpu: Duration,
    length: Duration,
}

/// Runs the command.
///
/// # Errors
/// Wrong usage, a folder that cannot be written, or too little room on its disk.
pub(super) fn run(args: &RecordArgs) -> anyhow::Result<()> {
    let frame_bytes = (args.size * 1e3) as usize;
    let frames = Frames::of_size(frame_bytes).map_err(|error| terminal::usage("bench record", error))?;
    let folder = Folder::make(args.directory.as_deref())?;
    let wanted = f64::from(args.streams) * args.fps * frame_bytes as f64 * args.duration.as_secs_f64();
    folder.check_room(wanted as u64)?;
    let pool = pool(&frames, frame_bytes);
    let mut progress = Progress::new(Some(args.duration * 2));

    let without = publish(&hub(args.streams), args, &pool, &mut progress, Duration::ZERO)?;
    let hub = hub(args.streams);
    let recordings = Recordings::start(hub.clone(), config(args, &folder.path));
    let with = publish(&hub, args, &pool, &mut progress, args.duration)?;
    let finishing = Instant::now();
    hub.shut_down();
    recordings.shut_down(FINISH);
    let finished = finishing.elapsed();
    progress.end();

    let report = Report::new(args, frame_bytes, [without, with], recordings.totals(), finished);
    report::print(&report, args.json, Report::table)?;
    Ok(())
}

fn hub(streams: u32) -> Hub {
    let ring = RingLimits {
        frames: 30,
        history_bytes: 128 << 10,
        backlog_frames: 1024,
        backlog_bytes: BACKLOG_BYTES,
    };
    Hub::new(Limits { streams: streams as usize, viewers_per_stream: 1, ring })
}

fn config(args: &RecordArgs, directory: &Path) -> record::Config {
    record::Config {
        directory: directory.to_owned(),
        automatic: true,
        codec: args.codec,
        target_fps: 1000.0,
        ..server::config::Config::default().recording
    }
}

/// Frames one after the other, as many as make the caches useless.
fn pool(frames: &Frames, frame_bytes: usize) -> Vec<Bytes> {
    let count = (POOL_BYTES / frame_bytes).clamp(4, 4096) as u64;
    let frame = |seq| Bytes::from(frames.frame(&Stamp { run: 0, stream: 0, seq, sent_nanos: 0 }).concat());
    (0..count).map(frame).collect()
}

/// Publishes to all streams, evenly spread over each beat.
fn publish(
    hub: &Hub,
    args: &RecordArgs,
    pool: &[Bytes],
    progress: &mut Progress,
    before: Duration,
) -> anyhow::Result<Run> {
    let publishers = publishers(hub, args.streams)?;
    let size = wire::jpeg::probe(&pool[0]).context("the bench's own picture")?;
    let format = Format::jpeg(size.width.into(), size.height.into());
    let apart = Duration::from_secs_f64(1.0 / args.fps / f64::from(args.streams));
    let (start, cpu) = (Instant::now(), own_cpu());
    let mut frames: u64 = 0;
    while start.elapsed() < args.duration {
        // Those that are due by now, so that the sleep's own length does not matter.
        let due = (start.elapsed().as_secs_f64() / apart.as_secs_f64()) as u64;
        for number in frames..due {
            let publisher = &publishers[(number % u64::from(args.streams)) as usize];
            let frame = NewFrame::new(pool[(number % pool.len() as u64) as usize].clone(), format);
            publisher.publish(frame, Moment::now())?;
        }
        frames = frames.max(due);
        progress.show(before + start.elapsed(), || {
            if before.is_zero() { "publishing".to_owned() } else { "publishing and recording".to_owned() }
        });
        std::thread::sleep(apart.max(Duration::from_millis(1)));
    }
    Ok(Run { frames, cpu: own_cpu() - cpu, length: start.elapsed() })
}

fn publishers(hub: &Hub, count: u32) -> anyhow::Result<Vec<Publisher>> {
    let publisher = |number| {
        let name = format!("bench-{number}").parse()?;
        Ok(hub.publisher(&name, Claim::Exclusive, Moment::now())?)
    };
    (0..count).map(publisher).collect()
}

/// Where the bench writes, deleted at its end.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
}

impl Folder {
    pub(super) fn make(wanted: Option<&Path>) -> anyhow::Result<Folder> {
        let name = format!("framehub-bench-{}", std::process::id());
        let path = wanted.unwrap_or(Path::new(".")).join(name);
        std::fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Folder { path })
    }

    fn check_room(&self, bytes: u64) -> anyhow::Result<()> {
        let free = record::Store::new(&self.path).disk()?.free_bytes;
        if free < bytes + SPARE_BYTES {
            bail!(
                "{} has {} MB free, and this writes {} MB: use a shorter --duration, or another --directory",
                self.path.display(),
                free >> 20,
                bytes >> 20
            );
        }
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Its name says whose it is, should it stay.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

impl Report {
    fn new(
        args: &RecordArgs,
        frame_bytes: usize,
        [without, with]: [Run; 2],
        recorded: Totals,
        finish: Duration,
    ) -> Report {
        let secs = with.length.as_secs_f64();
        let cpu = with.cpu.as_secs_f64() / secs - without.cpu.as_secs_f64() / without.length.as_secs_f64();
        let frames_per_sec = with.frames as f64 / secs;
        Report {
            streams: args.streams,
            fps: args.fps,
            frame_bytes,
            codec: args.codec,
            seconds: round(secs, 1),
            frames_published: with.frames,
            frames_recorded: recorded.frames,
            frames_lost: recorded.frames_lost,
            megabytes_per_sec: round(recorded.bytes as f64 / 1e6 / secs, 1),
            cpu_secs_per_1000_frames: round(cpu / frames_per_sec * 1000.0, 4),
            cpu_cores: round(cpu, 3),
            finish_secs: round(finish.as_secs_f64(), 2),
        }
    }

    fn table(&self) -> String {
        format!(
            "offered    {} streams × {} fps × {} kB for {} s\n\
             recorded   {} of {} frames, {} lost; {} MB/s\n\
             it took    {} CPU s for 1000 frames, {} cores; files complete {} s after the last frame\n",
            self.streams,
            self.fps,
            self.frame_bytes as f64 / 1e3,
            self.seconds,
            self.frames_recorded,
            self.frames_published,
            self.frames_lost,
            self.megabytes_per_sec,
            self.cpu_secs_per_1000_frames,
            self.cpu_cores,
            self.finish_secs
        )
    }
}
