//! `framehub bench`: what does a hub do under load? Publishers and viewers of a measured kind, all in this
//! process, against a hub that runs already or one started for the occasion.
//!
//! Every frame is a valid JPEG that carries when it was sent (see `frames`), so a viewer knows its age to
//! the microsecond without any clock but this process's own. What happens before the measured window, while
//! connections open and buffers fill, is not counted.

mod frames;
mod histogram;
mod hub;
mod pose;
mod publishers;
mod record;
mod report;
mod run;
mod upload;
mod viewers;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use client::{Endpoint, Error};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use self::frames::Frames;
use self::hub::Hub;
use self::publishers::Published;
use self::report::{HubReport, PublishReport, Report, ViewerReport, round};
use self::run::{Mode, Plan, Run, Window, own_cpu};
use self::viewers::Viewed;
use crate::terminal::{self, Progress, number, seconds};

/// All publishers' first frames, or all viewers', must be through by then.
const READY_TIMEOUT: Duration = Duration::from_secs(20);

/// The tasks end at the token's signal; one that does not is left behind.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// Nothing runs longer than this.
const LONGEST: Duration = Duration::from_secs(3600);

const EXAMPLES: &str = "\
Examples:
  framehub bench                                      one stream, ten viewers, a hub of its own
  framehub bench --viewers 200 --size 100             a crowd
  framehub bench --streams 50 --viewers 50 --size 50  fifty cameras, one viewer each
  framehub bench --viewers 20 --slow 5                do five viewers on thin links disturb the others?
  framehub bench --url http://robot:5000 --min-fps 29 --json
  framehub bench record --streams 50 --size 50        does the disk keep up with fifty cameras?
  framehub bench upload --frames 10000                how fast are the frames of a phrase taken?
  framehub bench pose --size 1280x720                 how many pictures a second does the pose model process?

Sender, viewers and (unless --url names another machine) the hub share this machine: when the last line of \
the report comes near its number of cores, the measurement itself is the limit.

Exit codes: 0 measured, 1 a viewer fell under --min-fps or the run failed, 2 wrong usage.";

/// Measure how many viewers and streams a hub carries, and how old its frames are
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct BenchArgs {
    #[command(subcommand)]
    what: Option<What>,
    /// The hub to measure [default: one that is started for this, and stopped]
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Key for the hub at --url, if it asks for one
    #[arg(long, value_name = "KEY", env = "FRAMEHUB_API_KEY", hide_env_values = true)]
    pub(crate) api_key: Option<String>,
    /// Streams published
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) streams: u32,
    /// Frames a second in each stream
    #[arg(long, default_value_t = 30.0, value_parser = |text: &str| number(text, 0.1, 1000.0))]
    pub(crate) fps: f64,
    /// Size of a frame in kB (1 kB = 1000 bytes)
    #[arg(long, default_value_t = 100.0, value_name = "KB", value_parser = |text: &str| number(text, 1.0, 50_000.0))]
    pub(crate) size: f64,
    /// Viewers in all, spread evenly over the streams
    #[arg(long, default_value_t = 10, value_name = "M", value_parser = clap::value_parser!(u32).range(0..=20_000))]
    pub(crate) viewers: u32,
    /// How many of the viewers are slow
    #[arg(long, default_value_t = 0, value_name = "K")]
    pub(crate) slow: u32,
    /// What a slow viewer reads, in kB a second
    #[arg(long, default_value_t = 200.0, value_name = "KB", value_parser = |text: &str| number(text, 1.0, 1e6))]
    pub(crate) slow_kbps: f64,
    /// Seconds measured
    #[arg(long, default_value = "10", value_name = "SECONDS", value_parser = seconds)]
    pub(crate) duration: Duration,
    /// Seconds before the measured ones
    #[arg(long, default_value = "2", value_name = "SECONDS", value_parser = seconds)]
    pub(crate) warmup: Duration,
    /// How frames are sent
    #[arg(long, value_enum, default_value_t = Mode::Multipart)]
    pub(crate) mode: Mode,
    /// Fail (exit code 1) if a viewer that is not slow gets fewer frames a second
    #[arg(long, value_name = "X", value_parser = |text: &str| number(text, 0.0, 1000.0))]
    pub(crate) min_fps: Option<f64>,
    /// Print one JSON object instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

/// What else can be measured.
#[derive(Clone, Debug, clap::Subcommand)]
enum What {
    Record(record::RecordArgs),
    Upload(upload::UploadArgs),
    Pose(pose::PoseArgs),
}

impl Plan {
    fn of(args: &BenchArgs) -> anyhow::Result<Plan> {
        if args.slow > args.viewers {
            bail!("--slow {} is more than all viewers (--viewers {})", args.slow, args.viewers);
        }
        if args.warmup + args.duration > LONGEST {
            bail!("--warmup and --duration together may take {} seconds", LONGEST.as_secs());
        }
        Ok(Plan {
            streams: args.streams,
            fps: args.fps,
            frame_bytes: (args.size * 1e3) as usize,
            viewers: args.viewers,
            slow: args.slow,
            slow_kbps: args.slow_kbps,
            mode: args.mode,
            warmup: args.warmup,
            duration: args.duration,
        })
    }
}

/// Runs the command.
///
/// # Errors
/// Wrong usage, a hub that cannot be reached or started, or a viewer under `--min-fps`.
pub(crate) fn run(args: BenchArgs) -> anyhow::Result<()> {
    match &args.what {
        Some(What::Record(args)) => return record::run(args),
        Some(What::Pose(args)) => return pose::run(args),
        Some(What::Upload(args)) => return terminal::block_on(upload::run(args.clone())),
        None => {}
    }
    let plan = Plan::of(&args).map_err(|error| terminal::usage("bench", error))?;
    let frames = Frames::of_size(plan.frame_bytes).map_err(|error| terminal::usage("bench", error))?;
    let endpoint = args.url.as_deref().map(Endpoint::parse).transpose();
    let endpoint = endpoint.map_err(|error| terminal::usage("bench", error))?;
    let endpoint = endpoint.map(|it| it.with_api_key(args.api_key.as_deref())).transpose();
    let endpoint = endpoint.map_err(|error| terminal::usage("bench", error))?;
    allow_open_files(&plan);
    terminal::block_on(async {
        let hub = match endpoint {
            Some(endpoint) => Hub::running(endpoint).await?,
            None => Hub::start(hub::settings(&plan)).await?,
        };
        let measured = measure(Run::new(plan), frames, &hub).await;
        hub.stop().await;
        let report = measured?;
        report::print(&report, args.json, Report::table)?;
        verdict(&report, args.min_fps)
    })
}

/// Each viewer and publisher is a socket here, and another one in a hub that inherits the limit. More than
/// the system allows cannot be had; the connection that fails then says so.
fn allow_open_files(plan: &Plan) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let wanted = u64::from(plan.viewers + plan.streams) * 3 + 256;
    let now = getrlimit(Resource::Nofile);
    if now.current.is_some_and(|current| current < wanted) {
        let current = now.maximum.map_or(wanted, |most| most.min(wanted));
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(current), maximum: now.maximum });
    }
}

/// The whole measurement: start, warm up, measure, stop, add up.
async fn measure(run: Run, frames: Frames, hub: &Hub) -> anyhow::Result<Report> {
    let run = Arc::new(run);
    let frames = Arc::new(frames);
    let mut publishers = JoinSet::new();
    let mut viewers = JoinSet::new();
    let ran = tokio::select! {
        ran = drive(&run, &frames, hub, &mut publishers, &mut viewers) => ran,
        () = terminal::stop_requested() => bail!("stopped before the measurement was done"),
    };
    run.stop.cancel();
    let published: Vec<Published> = joined(publishers).await;
    let viewed: Vec<Viewed> = joined(viewers).await;
    for number in 0..run.plan.streams {
        // The hub removes them after a while by itself; until then they would only clutter its pages.
        let path = format!("/api/streams/{}", run.stream_name(number));
        if hub.is_ours() || client::http::delete(&hub.endpoint, &path).await.is_err() {
            break;
        }
    }
    let mut report = add_up(&run.plan, hub, &ran?, &published, &viewed);
    report.problems = problems(&report, &viewed);
    Ok(report)
}

/// What is measured from outside at both ends of the window.
#[derive(Clone, Copy, Debug)]
struct Look {
    at: Instant,
    hub: Option<hub::Usage>,
    client_cpu: Duration,
}

impl Look {
    async fn at(hub: &Hub) -> Look {
        Look { at: Instant::now(), hub: hub.usage().await, client_cpu: own_cpu() }
    }
}

async fn drive(
    run: &Arc<Run>,
    frames: &Arc<Frames>,
    hub: &Hub,
    publishers: &mut JoinSet<Published>,
    viewers: &mut JoinSet<Viewed>,
) -> anyhow::Result<[Look; 2]> {
    let plan = &run.plan;
    let mut progress = Progress::new(Some(plan.warmup + plan.duration));
    let (ready, heard) = mpsc::channel(64);
    for number in 0..plan.streams {
        let (run, frames, endpoint) = (run.clone(), frames.clone(), hub.endpoint.clone());
        publishers.spawn(publishers::publish(run, frames, endpoint, number, ready.clone()));
    }
    drop(ready);
    all_ready(heard, plan.streams, "publisher").await?;
    let (ready, heard) = mpsc::channel(64);
    for number in 0..plan.viewers {
        viewers.spawn(viewers::view(run.clone(), hub.endpoint.clone(), number, ready.clone()));
    }
    drop(ready);
    all_ready(heard, plan.viewers, "viewer").await?;
    pass(&mut progress, Duration::ZERO, plan.warmup, "warming up").await;
    let before = Look::at(hub).await;
    let start = Instant::now();
    // It is set only here.
    let _ = run.window.set(Window { start, end: start + plan.duration });
    pass(&mut progress, plan.warmup, plan.duration, "measuring").await;
    let after = Look::at(hub).await;
    progress.end();
    Ok([before, after])
}

async fn all_ready(
    mut heard: mpsc::Receiver<Result<(), Error>>,
    count: u32,
    who: &str,
) -> anyhow::Result<()> {
    let deadline = tokio::time::Instant::now() + READY_TIMEOUT;
    for number in 0..count {
        match tokio::time::timeout_at(deadline, heard.recv()).await {
            Ok(Some(Ok(()))) => {}
            Ok(Some(Err(error))) => return Err(error).context(format!("a {who} could not begin")),
            Ok(None) => bail!("a {who} ended before it began"),
            Err(_) => bail!("only {number} of {count} {who}s began within {READY_TIMEOUT:?}"),
        }
    }
    Ok(())
}

/// Lets time pass, and shows it.
async fn pass(progress: &mut Progress, before: Duration, length: Duration, what: &str) {
    let start = tokio::time::Instant::now();
    let mut beat = tokio::time::interval(Duration::from_millis(200));
    let end = tokio::time::sleep_until(start + length);
    tokio::pin!(end);
    loop {
        tokio::select! {
            () = &mut end => return,
            _ = beat.tick() => {
                let passed = start.elapsed().min(length);
                progress.show(before + passed, || {
                    format!("{what}, {} of {}", terminal::clock(passed), terminal::clock(length))
                });
            }
        }
    }
}

/// The results of the tasks that end in time. One that panicked has none; its viewer or stream is missing
/// from the report's count.
async fn joined<T: 'static>(mut tasks: JoinSet<T>) -> Vec<T> {
    let mut results = Vec::new();
    let all = async {
        while let Some(ended) = tasks.join_next().await {
            results.extend(ended);
        }
    };
    let _ = timeout(END_TIMEOUT, all).await;
    results
}

fn add_up(plan: &Plan, hub: &Hub, looks: &[Look; 2], published: &[Published], viewed: &[Viewed]) -> Report {
    let [before, after] = looks;
    let apart = after.at - before.at;
    let delivered = viewed.iter().map(|one| one.bytes).sum();
    let cpu = (after.client_cpu - before.client_cpu).as_secs_f64() / apart.as_secs_f64();
    Report {
        hub: HubReport::of(hub, [before.hub, after.hub], apart, delivered),
        setup: plan.clone(),
        publish: PublishReport::of(published, plan.duration),
        viewers: ViewerReport::of(viewed.iter().filter(|one| !one.slow), plan.duration),
        slow_viewers: ViewerReport::of(viewed.iter().filter(|one| one.slow), plan.duration),
        client_cpu_cores: round(cpu, 2),
        problems: Vec::new(),
    }
}

fn problems(report: &Report, viewed: &[Viewed]) -> Vec<String> {
    let mut problems = report.errors();
    let foreign: u64 = viewed.iter().map(|one| one.foreign).sum();
    if foreign > 0 {
        problems
            .push(format!("{foreign} frames received were not those sent; does the hub change pictures?"));
    }
    let cores = std::thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64);
    let used = report.client_cpu_cores + report.hub.cpu_cores.unwrap_or(0.0);
    if used > 0.85 * cores {
        problems.push(format!("{used:.1} of {cores} cores were in use: the machine is the limit"));
    }
    if cfg!(debug_assertions) {
        problems.push("this program was built without optimisation: its figures say little".to_owned());
    }
    problems
}

fn verdict(report: &Report, min_fps: Option<f64>) -> anyhow::Result<()> {
    if report.hub.lost {
        bail!("the hub stopped answering while it was measured");
    }
    let (Some(wanted), Some(viewers)) = (min_fps, &report.viewers) else { return Ok(()) };
    if viewers.fps_min < wanted {
        bail!("a viewer got {} frames a second, fewer than --min-fps {wanted}", viewers.fps_min);
    }
    Ok(())
}
