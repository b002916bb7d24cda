//! `framehub bench pose`: how many pictures a second does a pose model look at on this machine? No hub and no network: the
//! model runs in this process, as it does in a hub, and each measured time is that of the whole way from a decoded picture
//! to the people in it: letterbox, inference, decoding.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use media::{Picture, pattern::TestPattern};
use referee::pose::{Model, Settings, Source};
use serde::Serialize;

use super::histogram::Histogram;
use super::report;
use crate::terminal::{Progress, seconds};

/// Different pictures, so that none is still in a cache when its turn comes again.
const PICTURES: u64 = 8;
/// Looked at before the measured ones, while memory is taken and the processor's clock rises.
const WARMUP: usize = 3;
/// The least and the most pixels of a side of a picture.
const SIDES: std::ops::RangeInclusive<u32> = 16..=8192;

/// Measure how many pictures a second a pose model processes
#[derive(Clone, Debug, clap::Args)]
pub(super) struct PoseArgs {
    /// The pose model: `builtin`, or the path of an ONNX file
    #[arg(long, default_value = "builtin", value_name = "PATH|builtin", value_parser = model)]
    model: Source,
    /// Size of the pictures
    #[arg(long, default_value = "640x384", value_name = "WxH", value_parser = size)]
    size: (u32, u32),
    /// The longer side of what a model with free sides is given [default: what suits the model]
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(32..=4096))]
    input_size: Option<u32>,
    /// Threads that compute; 0 for one a core
    #[arg(long, default_value_t = 0, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=256))]
    threads: u16,
    /// Seconds measured
    #[arg(long, default_value = "10", value_name = "SECONDS", value_parser = seconds)]
    duration: Duration,
    /// Pictures measured, however long that takes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000), conflicts_with = "duration")]
    frames: Option<u64>,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

/// Sides in pixels, width and height.
#[derive(Debug, Serialize)]
struct Report {
    model: String,
    picture: [u32; 2],
    /// What the model is given.
    input: [u32; 2],
    threads: usize,
    frames: u64,
    seconds: f64,
    frames_per_sec: f64,
    median_millis: f64,
    p95_millis: f64,
    /// Before the first picture, the model's trial included.
    load_millis: f64,
}

/// Runs the command.
///
/// # Errors
/// A model that cannot be loaded, or gives up.
pub(super) fn run(args: &PoseArgs) -> anyhow::Result<()> {
    let settings =
        Settings { input_size: args.input_size, threads: usize::from(args.threads), ..Settings::default() };
    let loading = Instant::now();
    let model = Model::load(&args.model, &settings)?;
    let load = loading.elapsed();
    let pictures = pictures(args.size);
    for picture in pictures.iter().cycle().take(WARMUP) {
        model.run(picture)?;
    }
    let (times, took) = measure(&model, &pictures, args)?;
    let report = Report::of(args, &model.letterbox(&pictures[0]), &times, took, load);
    report::print(&report, args.json, Report::table)?;
    Ok(())
}

fn measure(model: &Model, pictures: &[Picture], args: &PoseArgs) -> anyhow::Result<(Histogram, Duration)> {
    let length = args.frames.is_none().then_some(args.duration);
    let mut progress = Progress::new(length);
    let mut times = Histogram::default();
    let start = Instant::now();
    for picture in pictures.iter().cycle() {
        let before = Instant::now();
        model.run(picture)?;
        times.record(before.elapsed());
        let is_done = match args.frames {
            Some(frames) => times.count() >= frames,
            None => start.elapsed() >= args.duration,
        };
        if is_done {
            break;
        }
        progress.show(start.elapsed(), || format!("{} pictures", times.count()));
    }
    let took = start.elapsed();
    progress.end();
    Ok((times, took))
}

fn pictures((width, height): (u32, u32)) -> Vec<Picture> {
    let mut pattern = TestPattern::new(width, height);
    (0..PICTURES).map(|seq| pattern.draw(seq, "", "framehub bench").clone()).collect()
}

impl Report {
    fn of(
        args: &PoseArgs,
        letterbox: &referee::pose::Letterbox,
        times: &Histogram,
        took: Duration,
        load: Duration,
    ) -> Report {
        let rounded = |value| report::round(value, 2);
        let quantile = |share| rounded(times.quantile_millis(share).unwrap_or_default());
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        Report {
            model: args.model.to_string(),
            picture: args.size.into(),
            input: [letterbox.width, letterbox.height],
            threads: if args.threads == 0 { cores() } else { usize::from(args.threads) },
            frames: times.count(),
            seconds: rounded(took.as_secs_f64()),
            frames_per_sec: rounded(times.count() as f64 / took.as_secs_f64().max(1e-6)),
            median_millis: quantile(0.5),
            p95_millis: quantile(0.95),
            load_millis: rounded(load.as_secs_f64() * 1e3),
        }
    }

    fn table(&self) -> String {
        let ([width, height], [input_width, input_height]) = (self.picture, self.input);
        format!(
            "{model}, pictures of {width}×{height}, input {input_width}×{input_height}, {threads} thread(s)\n  \
             {frames} pictures in {seconds:.1} s: {rate:.1} frames/s\n  \
             a picture   {median:.1} ms (median), {p95:.1} ms (95 %)\n  \
             loading     {load:.0} ms\n",
            model = self.model,
            threads = self.threads,
            frames = self.frames,
            seconds = self.seconds,
            rate = self.frames_per_sec,
            median = self.median_millis,
            p95 = self.p95_millis,
            load = self.load_millis,
        )
    }
}

/// Any text names a model; whether it is one shows when it is loaded.
#[expect(clippy::unnecessary_wraps, reason = "clap asks for a result")]
fn model(text: &str) -> Result<Source, Infallible> {
    Ok(Source::named(text))
}

/// Reads `640x384`.
fn size(text: &str) -> Result<(u32, u32), String> {
    let (least, most) = SIDES.into_inner();
    let side = |text: &str| text.parse().ok().filter(|side| (least..=most).contains(side));
    text.split_once(['x', 'X', '×'])
        .and_then(|(width, height)| Some((side(width)?, side(height)?)))
        .ok_or_else(|| format!("use WIDTHxHEIGHT, such as 640x384, each from {least} to {most}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        assert_eq!(size("1280x720"), Ok((1280, 720)));
        for text in ["", "640", "x", "640x", "640x8", "640x-1", "9000x100", "640x384x2", "a×b"] {
            assert!(size(text).is_err_and(|error| error.contains("640x384")), "{text}");
        }
    }

    #[test]
    fn the_report_adds_up() {
        let args = PoseArgs {
            model: Source::Builtin,
            size: (64, 48),
            input_size: Some(32),
            threads: 3,
            duration: Duration::from_secs(1),
            frames: None,
            json: false,
        };
        let mut times = Histogram::default();
        for millis in [10, 10, 30] {
            times.record(Duration::from_millis(millis));
        }
        let model =
            Model::load(&args.model, &Settings { threads: 1, input_size: Some(32), ..Settings::default() });
        let Ok(letterbox) = model.map(|model| model.letterbox(&Picture::filled(64, 48, [0; 3]))) else {
            panic!("the built-in model does not load");
        };
        let report =
            Report::of(&args, &letterbox, &times, Duration::from_millis(100), Duration::from_millis(7));
        assert_eq!((report.frames, report.frames_per_sec, report.load_millis), (3, 30.0, 7.0));
        assert_eq!((report.input, report.threads), ([32, 32], 3));
        assert!((report.median_millis - 10.0).abs() < 0.2 && (report.p95_millis - 30.0).abs() < 0.5);
        assert!(report.table().contains("builtin:fencer-pose, pictures of 64×48"));
    }
}
