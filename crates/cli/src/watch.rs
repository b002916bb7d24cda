//! `framehub watch`: looks at a stream as a viewer does and says how well it arrives; with `--save`, keeps
//! the frames. Any MJPEG address will do, not only a hub's.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use client::Target;
use client::watch::{Options, Received, Watcher};
use serde::Serialize;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::terminal::{self, rate, reached, seconds};

const EXAMPLES: &str = "\
Examples:
  framehub watch http://localhost:5000/stream/cam1
  framehub watch http://localhost:5000                      the default stream
  framehub watch http://localhost:5000 --name cam1 --duration 10 --json
  framehub watch http://localhost:5000/stream/cam1 --save frames --count 100
  framehub watch http://camera.lan/video.mjpg               any MJPEG source
  framehub watch http://localhost:5000/stream/cam1 --count 1 --timeout 5   is anything coming?

Columns: frames a second; bytes a second; the age of the frames when their last byte arrived, as this \
machine's clock minus the frame's X-Timestamp (when it was taken, else when the hub got it), median and 99th \
percentile; frames skipped, as holes in X-Frame-Seq. The age is only as true as the two clocks agree: on one \
machine it is exact, between machines their difference is in it.

Exit codes: 0 done (also after Ctrl-C), 1 the stream failed or ended too early, 2 wrong usage.";

/// Watch a stream and print how well it arrives
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct WatchArgs {
    /// A stream, a hub (its default stream), or any MJPEG address
    #[arg(value_name = "URL")]
    pub(crate) url: String,
    /// The stream, where URL is only the hub
    #[arg(long, value_name = "STREAM")]
    pub(crate) name: Option<String>,
    /// Key for a hub that asks for one
    #[arg(long, value_name = "KEY", env = "FRAMEHUB_API_KEY", hide_env_values = true)]
    pub(crate) api_key: Option<String>,
    /// Write each frame to DIR/STREAM_SEQ.jpg; DIR is made
    #[arg(long, value_name = "DIR")]
    pub(crate) save: Option<PathBuf>,
    /// End after this many frames
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
    /// End after this many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) duration: Option<Duration>,
    /// Fail when no frame comes for this many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<Duration>,
    /// Print a JSON object a second, and one with the totals
    #[arg(long)]
    pub(crate) json: bool,
}

/// Over less a rate says nothing.
const SHORTEST_SPAN: Duration = Duration::from_millis(500);

/// Runs the command.
///
/// # Errors
/// Wrong usage, a stream that cannot be watched, a folder that cannot be written.
pub(crate) fn run(args: WatchArgs) -> anyhow::Result<()> {
    let wrong = |error| terminal::usage("watch", error);
    let mut target = Target::watch(&args.url, args.name.as_deref()).map_err(wrong)?;
    target.endpoint = target.endpoint.with_api_key(args.api_key.as_deref()).map_err(wrong)?;
    if let Some(folder) = &args.save {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    terminal::block_on(watch(args, target))
}

async fn watch(args: WatchArgs, target: Target) -> anyhow::Result<()> {
    let mut watcher = Watcher::connect(&target, &Options::default()).await?;
    let started = Instant::now();
    let mut second = Tally::default();
    let mut total = Tally::default();
    let mut last_frame = started;
    let mut ticks = interval_at(started + Duration::from_secs(1), Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let end = args.duration.map(|duration| started + duration);
    let stop = terminal::stop_requested();
    tokio::pin!(stop);
    eprintln!("watching {}", target.url());
    let ended = loop {
        tokio::select! {
            biased;
            () = &mut stop => break Ok(()),
            () = reached(end) => break Ok(()),
            () = reached(args.timeout.map(|timeout| last_frame + timeout)) => {
                break Err(anyhow::anyhow!("no frame for {:?}", args.timeout.unwrap_or_default()));
            }
            _ = ticks.tick() => {
                let passed = Instant::now() - second.since.unwrap_or(started);
                let line = Line::of("second", &mut second, passed, started.elapsed());
                second = Tally { since: Some(Instant::now()), last_seq: second.last_seq, ..Tally::default() };
                if !print(&line, args.json)? {
                    break Ok(());
                }
            }
            frame = watcher.next() => {
                let frame = match frame {
                    Ok(Some(frame)) => frame,
                    Ok(None) => break too_early(&args, total.frames),
                    Err(error) => break Err(error.into()),
                };
                last_frame = Instant::now();
                let age = age_millis(&frame);
                second.take(&frame, age);
                total.take(&frame, age);
                if let Some(folder) = &args.save {
                    save(folder, &target, total.frames, frame).await?;
                }
                if args.count.is_some_and(|count| total.frames >= count) {
                    break Ok(());
                }
            }
        }
    };
    let passed = started.elapsed();
    let line = Line::of("total", &mut total, passed, passed);
    if args.json {
        print(&line, true)?;
    } else {
        eprintln!("total {line}");
    }
    ended
}

/// The hub ended the stream in order: good, unless more was asked for.
fn too_early(args: &WatchArgs, frames: u64) -> anyhow::Result<()> {
    match args.count {
        Some(count) => bail!("the stream ended after {frames} of {count} frames"),
        None if frames == 0 => bail!("the stream ended without a frame"),
        None => {
            eprintln!("the hub ended the stream");
            Ok(())
        }
    }
}

/// How old a frame is by this machine's clock; negative where the clocks disagree.
fn age_millis(frame: &Received) -> Option<f64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs_f64();
    let parsed_ago = frame.at.elapsed().as_secs_f64();
    Some((now - parsed_ago - frame.timestamp?) * 1e3)
}

async fn save(folder: &std::path::Path, target: &Target, number: u64, frame: Received) -> anyhow::Result<()> {
    let stream = target.stream.as_deref().unwrap_or("stream");
    let path = folder.join(format!("{stream}_{:06}.jpg", frame.seq.unwrap_or(number)));
    let shown = path.display().to_string();
    // While the disk is at work the hub skips frames for us: nothing piles up.
    tokio::task::spawn_blocking(move || std::fs::write(path, frame.payload))
        .await?
        .with_context(|| format!("cannot write {shown}"))
}

/// What came in some span of time.
#[derive(Debug, Default)]
struct Tally {
    since: Option<Instant>,
    frames: u64,
    bytes: u64,
    skipped: u64,
    last_seq: Option<u64>,
    ages: Ages,
}

impl Tally {
    fn take(&mut self, frame: &Received, age_millis: Option<f64>) {
        self.frames += 1;
        self.bytes += frame.payload.len() as u64;
        if let (Some(last), Some(seq)) = (self.last_seq, frame.seq) {
            // A number that went back is a stream that began anew.
            self.skipped += seq.saturating_sub(last.saturating_add(1));
        }
        self.last_seq = frame.seq.or(self.last_seq);
        if let Some(age) = age_millis {
            self.ages.add(age);
        }
    }
}

/// Ages in milliseconds. Over a long time only every second, fourth, … is kept: a sample that stays below
/// [`Ages::MOST`], evenly spread over all that came.
#[derive(Debug, Default)]
struct Ages {
    kept: Vec<f64>,
    /// One in two to the power of this is kept.
    halvings: u32,
    seen: u64,
}

impl Ages {
    const MOST: usize = 100_000;

    fn add(&mut self, age: f64) {
        if self.seen.is_multiple_of(1 << self.halvings) {
            self.kept.push(age);
            if self.kept.len() >= Ages::MOST {
                let mut keep = false;
                self.kept.retain(|_| {
                    keep = !keep;
                    keep
                });
                self.halvings += 1;
            }
        }
        self.seen += 1;
    }

    /// The age under which `share` (0 to 1) of all lie.
    fn quantile(&mut self, share: f64) -> Option<f64> {
        let last = self.kept.len().checked_sub(1)?;
        let place = (last as f64 * share).round() as usize;
        let (_, age, _) = self.kept.select_nth_unstable_by(place, f64::total_cmp);
        Some((*age * 100.0).round() / 100.0)
    }
}

/// One line of output.
#[derive(Debug, Serialize)]
struct Line {
    #[serde(rename = "type")]
    kind: &'static str,
    /// Since the connection was opened.
    seconds: f64,
    frames: u64,
    /// `None` over so short a time that a rate says nothing.
    fps: Option<f64>,
    bytes_per_second: Option<f64>,
    age_p50_ms: Option<f64>,
    age_p99_ms: Option<f64>,
    skipped: u64,
    last_seq: Option<u64>,
}

impl Line {
    fn of(kind: &'static str, tally: &mut Tally, span: Duration, since_start: Duration) -> Line {
        let rate = |amount: f64| (span >= SHORTEST_SPAN).then(|| amount / span.as_secs_f64());
        Line {
            kind,
            seconds: (since_start.as_secs_f64() * 1e3).round() / 1e3,
            frames: tally.frames,
            fps: rate(tally.frames as f64).map(|fps| (fps * 100.0).round() / 100.0),
            bytes_per_second: rate(tally.bytes as f64).map(f64::round),
            age_p50_ms: tally.ages.quantile(0.5),
            age_p99_ms: tally.ages.quantile(0.99),
            skipped: tally.skipped,
            last_seq: tally.last_seq,
        }
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let or_unknown = |text: Option<String>| text.unwrap_or_else(|| "unknown".to_owned());
        // What is rounded to zero has no sign.
        let unsigned = |age: f64| if age.abs() < 0.05 { age.abs() } else { age };
        let age = |age: Option<f64>| or_unknown(age.map(|age| format!("{:.1} ms", unsigned(age))));
        let fps = or_unknown(self.fps.map(|fps| format!("{fps:.1}")));
        write!(
            f,
            "{:>6.0} s  {:>6} fps  {:>10}  age p50 {:>9}  p99 {:>9}  skipped {}",
            self.seconds,
            fps,
            or_unknown(self.bytes_per_second.map(rate)),
            age(self.age_p50_ms),
            age(self.age_p99_ms),
            self.skipped
        )?;
        match self.last_seq {
            Some(seq) => write!(f, "  frame {seq}"),
            None => Ok(()),
        }
    }
}

/// `false` once the reader has closed stdout (`| head`).
fn print(line: &Line, json: bool) -> anyhow::Result<bool> {
    let text = if json { serde_json::to_string(line)? } else { line.to_string() };
    terminal::print(&format!("{text}\n")).context("cannot write to stdout")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(seq: u64) -> Received {
        let payload = bytes::Bytes::from_static(b"0123456789");
        Received { payload, seq: Some(seq), timestamp: None, at: std::time::Instant::now() }
    }

    #[test]
    fn holes_in_the_numbers_are_skipped_frames() {
        let mut tally = Tally::default();
        for seq in [5, 6, 9, 2, 3] {
            tally.take(&frame(seq), Some(seq as f64));
        }
        let line = Line::of("total", &mut tally, Duration::from_secs(2), Duration::from_secs(2));
        assert_eq!((line.frames, line.skipped, line.last_seq), (5, 2, Some(3)));
        assert_eq!((line.fps, line.bytes_per_second), (Some(2.5), Some(25.0)));
        let line = Line::of("total", &mut tally, Duration::from_millis(1), Duration::from_millis(1));
        assert_eq!((line.fps, line.bytes_per_second), (None, None), "not 5000 a second");
        assert!(line.to_string().contains("unknown fps"), "{line}");
        assert_eq!((line.age_p50_ms, line.age_p99_ms), (Some(5.0), Some(9.0)));
    }

    #[test]
    fn a_line_reads_well_with_and_without_what_may_be_missing() {
        let mut tally = Tally::default();
        let empty = Line::of("second", &mut tally, Duration::from_secs(1), Duration::from_secs(1));
        insta::assert_snapshot!(empty, @"     1 s     0.0 fps      0 kB/s  age p50   unknown  p99   unknown  skipped 0");
        tally.take(&frame(7), Some(1.25));
        let one = Line::of("second", &mut tally, Duration::from_secs(1), Duration::from_secs(61));
        assert!(Line { age_p50_ms: Some(-0.04), ..one }.to_string().contains(" 0.0 ms"));
        let one = Line::of("second", &mut tally, Duration::from_secs(1), Duration::from_secs(61));
        insta::assert_snapshot!(one, @"    61 s     1.0 fps      0 kB/s  age p50    1.2 ms  p99    1.2 ms  skipped 0  frame 7");
    }

    #[test]
    fn a_day_of_ages_stays_small_and_true() {
        let mut ages = Ages::default();
        for i in 0..1_000_000 {
            ages.add(f64::from(i % 1000));
        }
        assert!(ages.kept.len() < Ages::MOST);
        let median = ages.quantile(0.5).unwrap_or_default();
        assert!((median - 500.0).abs() < 5.0, "{median}");
    }
}
