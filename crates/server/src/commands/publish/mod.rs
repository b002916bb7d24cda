//! `framehub publish`: plays a file, a folder, a pipe or a test pattern into a stream of a hub.
//!
//! A file with JPEG inside is sent as it is; anything else goes through ffmpeg. What the link cannot carry
//! is skipped and counted.

mod clip;
mod cutter;
mod ffmpeg;
mod live;
mod player;
mod schedule;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use bytes::Bytes;
use client::publish::{Metadata, Options, Reply};
use client::reconnect::{Reconnecting, Sent};
use client::{Endpoint, Target};
use media::container::JpegFile;
use tokio_util::sync::CancellationToken;

use self::clip::{Clip, Wishes};
use self::live::Live;
use self::player::{Outcome, Player, Position, Sink, Totals};
use super::terminal::{self, Notes, Progress, clock, number, rate, seconds};

const EXAMPLES: &str = "\
Examples:
  framehub publish testsrc --to http://localhost:5000/publish/test
  framehub publish talk.mp4 --to http://localhost:5000/publish/talk
  framehub publish pictures/ --fps 2 --to http://localhost:5000 --name slides
  framehub publish run.avi --no-loop --to http://robot:5000/publish/run
  ffmpeg -i INPUT -f mpjpeg - | framehub publish - --to http://localhost:5000/publish/cam1
  framehub publish rtsp://camera.lan/1 --to http://localhost:5000/publish/door   (through ffmpeg)

Video with JPEG inside (MJPEG in AVI, MP4, MOV or .mjpeg) is sent as it is; other video needs ffmpeg.
Frames are sent at the file's own times. Where the link is too slow, frames are skipped, never queued; while
the hub is away they are dropped, and the connection is opened again.

Exit codes: 0 done (also after Ctrl-C), 1 failed, 2 wrong usage.";

/// Send a video file, pictures, a pipe or a test pattern to a stream
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct PublishArgs {
    /// A video file, a folder of pictures, a URL for ffmpeg, - (stdin: JPEGs or mpjpeg) or testsrc
    #[arg(value_name = "SOURCE")]
    pub source: String,
    /// The stream's address, http://HOST:PORT/publish/NAME, or the hub's
    #[arg(long, value_name = "URL")]
    pub to: String,
    /// The stream, where --to is only the hub [default: after the source]
    #[arg(long, value_name = "STREAM")]
    pub name: Option<String>,
    /// Key for a hub that asks for one
    #[arg(long, value_name = "KEY", env = "FRAMEHUB_API_KEY", hide_env_values = true)]
    pub api_key: Option<String>,
    /// Frames a second: an upper limit for video; the pace of pictures (else 30) and of a pipe (else as it comes)
    #[arg(long, value_parser = |text: &str| number(text, 0.01, 1000.0))]
    pub fps: Option<f64>,
    /// Start again at the end, which is what happens anyway
    #[arg(long = "loop", overrides_with = "no_loop")]
    pub looping: bool,
    /// End with the file
    #[arg(long)]
    pub no_loop: bool,
    /// JPEG quality of what has to be encoded (test pattern, PNG, ffmpeg)
    #[arg(long, default_value_t = 85, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub quality: u8,
    /// Size of the test pattern
    #[arg(long, default_value = "1280x720", value_name = "WxH", value_parser = size)]
    pub size: (u32, u32),
    /// End after this many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub duration: Option<Duration>,
    /// Wait for a hub that is not up yet, instead of failing at once
    #[arg(long)]
    pub wait: bool,
    /// Take the stream over from a publisher that is connected to it
    #[arg(long)]
    pub takeover: bool,
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let sides =
        text.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    match sides {
        Some((width @ 16..=7680, height @ 16..=7680)) => Ok((width, height)),
        _ => Err("use WIDTHxHEIGHT, each from 16 to 7680, for example 640x480".to_owned()),
    }
}

/// Where frames come from.
enum Source {
    Clip(Arc<Clip>),
    /// `fps` is the pace at which frames are taken; `length` how long it plays, if that is known.
    Live {
        live: Live,
        fps: Option<f64>,
        length: Option<Duration>,
    },
}

/// Runs the command.
///
/// # Errors
/// Wrong usage, a source that cannot be read, a hub that refuses the stream.
pub fn run(args: PublishArgs) -> anyhow::Result<()> {
    let target = target(&args).map_err(|error| terminal::usage("publish", error))?;
    terminal::block_on(publish(args, target))
}

fn target(args: &PublishArgs) -> Result<Target, client::Error> {
    let named = Target::publish(&args.to, args.name.as_deref());
    let mut target = match named {
        // The address may be the hub's alone: then the source gives the name.
        Err(error) if args.name.is_none() => {
            Target::publish(&args.to, Some(&name_of(&args.source))).map_err(|_| error)
        }
        named => named,
    }?;
    target.endpoint = target.endpoint.with_api_key(args.api_key.as_deref())?;
    Ok(target)
}

/// A stream name for a source: a file's without its extension, as far as its characters are allowed.
fn name_of(source: &str) -> String {
    if source == "-" {
        return "stdin".to_owned();
    }
    let stem =
        Path::new(source).file_stem().map_or(String::new(), |stem| stem.to_string_lossy().into_owned());
    let allowed = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let name: String = stem.chars().map(allowed).take(64).collect();
    if name.is_empty() { "stream".to_owned() } else { name }
}

async fn publish(args: PublishArgs, target: Target) -> anyhow::Result<()> {
    let opened = {
        let args = args.clone();
        tokio::task::spawn_blocking(move || open(&args)).await??
    };
    let mut sink = HubSink::connect(&target, &args).await?;
    eprintln!("publishing {} to {}", args.source, target.url());
    let length = match &opened {
        Source::Clip(clip) => clip.schedule.round(),
        Source::Live { length, .. } => *length,
    };
    let mut display = Display::new(length, args.duration);
    sink.notes = display.progress.notes();
    let stop = stop_signal(args.duration);
    let started = Instant::now();
    let mut player = Player::new(sink, |totals: &Totals, at: &Position| display.show(totals, at), stop);
    let played = match opened {
        Source::Clip(clip) => player.play(clip).await,
        Source::Live { live, fps, .. } => player.relay(live, fps).await,
    };
    let Player { sink, totals, interrupted, .. } = player;
    let verdict = sink.end(&totals, interrupted).await;
    display.end(&summary(&totals, started.elapsed(), &verdict));
    played?;
    verdict.judge(&totals)
}

/// A token that is cancelled by Ctrl-C, by a supervisor, or after `duration`.
fn stop_signal(duration: Option<Duration>) -> CancellationToken {
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        let time_is_up = async {
            match duration {
                Some(duration) => tokio::time::sleep(duration).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = terminal::stop_requested() => {}
            () = time_is_up => {}
        }
        told.cancel();
    });
    stop
}

/// Opens the source. Reads files and starts programs: not for an async thread.
fn open(args: &PublishArgs) -> anyhow::Result<Source> {
    let wishes = Wishes { fps: args.fps, quality: args.quality, looping: !args.no_loop, size: args.size };
    let source = args.source.as_str();
    if source == "testsrc" {
        return Ok(Source::Clip(Arc::new(Clip::pattern("framehub publish testsrc", &wishes))));
    }
    if source == "-" {
        let fps = args.fps.or_else(|| stdin_is_file().then_some(clip::DEFAULT_FPS));
        let live = Live::reading(std::io::stdin(), player::keep_for(fps))?;
        return Ok(Source::Live { live, fps, length: None });
    }
    if source.contains("://") {
        let command = ffmpeg::command(ffmpeg::PROGRAM, ffmpeg::Input::Url(source), &wishes);
        return Ok(Source::Live { live: Live::running(command)?, fps: None, length: None });
    }
    let path = PathBuf::from(source);
    if path.is_dir() {
        return Ok(Source::Clip(Arc::new(Clip::folder(&path, &wishes)?)));
    }
    match JpegFile::open(&path) {
        Ok(file) => Ok(Source::Clip(Arc::new(Clip::file(file, &wishes)))),
        Err(media::Error::NotJpegInside { .. } | media::Error::UnknownContainer { .. }) => {
            let command = ffmpeg::command(ffmpeg::PROGRAM, ffmpeg::Input::File(&path), &wishes);
            Ok(Source::Live { live: Live::running(command)?, fps: None, length: ffmpeg::duration(&path) })
        }
        // Its text names the cause already.
        Err(error) => bail!("{error}"),
    }
}

/// A file does not come at its own pace, as a pipe may.
fn stdin_is_file() -> bool {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        let stdin = std::io::stdin().as_fd().try_clone_to_owned().map(std::fs::File::from);
        stdin.and_then(|stdin| stdin.metadata()).is_ok_and(|metadata| metadata.is_file())
    }
    #[cfg(not(unix))]
    false
}

/// The hub's side of the playing.
struct HubSink {
    link: Reconnecting,
    refused: Refused,
    notes: Notes,
}

/// Frames that the hub did not take, with its last words about one.
#[derive(Debug, Default)]
struct Refused {
    count: u64,
    taken: u64,
    last: String,
    told: Option<Instant>,
}

/// How it went, from the hub's side.
#[derive(Debug, Default)]
struct Verdict {
    refused: u64,
    taken: u64,
    why: String,
    reconnects: u64,
}

impl HubSink {
    async fn connect(target: &Target, args: &PublishArgs) -> anyhow::Result<HubSink> {
        let stream = target.stream.as_deref().context("the address names no stream")?;
        let query = target.query().map(str::to_owned);
        // Acks cost little, and without them a hub says nothing about frames that it does not take.
        let options = Options { acks: true, takeover: args.takeover, query };
        let link = if args.wait {
            Reconnecting::later(&target.endpoint, stream, options)
        } else {
            connect(&target.endpoint, stream, options).await?
        };
        Ok(HubSink { link, refused: Refused::default(), notes: Notes::default() })
    }

    fn hear(&mut self) {
        while let Some(reply) = self.link.try_reply() {
            match reply {
                Reply::Ack { .. } => self.refused.taken += 1,
                Reply::Error { error, .. } => self.refused.note(error, &self.notes),
            }
        }
    }

    /// Waits for the last acks and says farewell.
    async fn end(mut self, totals: &Totals, interrupted: bool) -> Verdict {
        self.hear();
        let reconnects = self.link.reconnects();
        let outstanding = |refused: &Refused| refused.taken + refused.count < totals.sent;
        // Frames that were on their way when a connection broke are never acknowledged.
        if !interrupted && reconnects == 0 {
            let deadline = tokio::time::Instant::now() + Duration::from_secs(1);
            while outstanding(&self.refused) {
                match tokio::time::timeout_at(deadline, self.link.reply()).await {
                    Ok(Some(Reply::Ack { .. })) => self.refused.taken += 1,
                    Ok(Some(Reply::Error { error, .. })) => self.refused.note(error, &self.notes),
                    Ok(None) | Err(_) => break,
                }
            }
        }
        if !interrupted {
            self.link.close().await;
        }
        let Refused { count, taken, last, .. } = self.refused;
        Verdict { refused: count, taken, why: last, reconnects }
    }
}

async fn connect(endpoint: &Endpoint, stream: &str, options: Options) -> anyhow::Result<Reconnecting> {
    Reconnecting::connect(endpoint, stream, options).await.map_err(|error| {
        let hint = match &error {
            client::Error::Connect { .. } => "is the hub running? (--wait waits for it)",
            client::Error::Refused { status: 409, .. } => "--takeover replaces the publisher that is there",
            client::Error::Refused { status: 401 | 403, .. } => {
                "give a key with --api-key or FRAMEHUB_API_KEY"
            }
            _ => return error.into(),
        };
        anyhow::anyhow!("{error}\n{hint}")
    })
}

impl Refused {
    /// Counts each, tells one a second.
    fn note(&mut self, error: String, notes: &Notes) {
        self.count += 1;
        if self.told.is_none_or(|told| told.elapsed() >= Duration::from_secs(1)) {
            self.told = Some(Instant::now());
            notes.say(&format!("the hub did not take a frame: {error}"));
        }
        self.last = error;
    }
}

impl Sink for HubSink {
    async fn send(&mut self, jpeg: Bytes, seq: u64, taken: SystemTime) -> anyhow::Result<Outcome> {
        let captured = taken.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs_f64());
        let meta = Metadata { captured, seq: Some(seq), rest: None };
        let was_away = self.link.away_for();
        let sent = self.link.send(jpeg, &meta).await?;
        self.hear();
        match sent {
            Sent::Yes => {
                if let Some(away) = was_away.filter(|away| *away > Duration::from_millis(1)) {
                    self.notes.say(&format!("connected again after {:.1} s", away.as_secs_f64()));
                }
                Ok(Outcome::Sent)
            }
            Sent::Lost { error, retry_in } => {
                self.notes.say(&format!("{error}; next try in {:.1} s", retry_in.as_secs_f64()));
                Ok(Outcome::Away)
            }
            Sent::Away => Ok(Outcome::Away),
        }
    }
}

impl Verdict {
    /// A playing of which the hub took nothing has failed, whatever the reason.
    fn judge(&self, totals: &Totals) -> anyhow::Result<()> {
        if self.taken == 0 && self.refused > 0 {
            bail!("the hub took none of {} frames: {}", totals.sent, self.why);
        }
        if totals.sent == 0 && totals.away > 0 {
            bail!("no frame was sent: the hub was away all the time");
        }
        Ok(())
    }
}

/// What is shown while it runs.
struct Display {
    progress: Progress,
    length: Option<Duration>,
    whole: Option<Duration>,
    started: Instant,
    last: Instant,
    last_totals: Totals,
    /// Frames and bytes a second, lately.
    fps: f64,
    bytes_per_sec: f64,
}

impl Display {
    fn new(length: Option<Duration>, whole: Option<Duration>) -> Display {
        let now = Instant::now();
        let progress = Progress::new(whole.or(length));
        let last_totals = Totals::default();
        Display {
            progress,
            length,
            whole,
            started: now,
            last: now,
            last_totals,
            fps: 0.0,
            bytes_per_sec: 0.0,
        }
    }

    fn show(&mut self, totals: &Totals, position: &Position) {
        let passed = self.last.elapsed().as_secs_f64();
        if passed >= 1.0 {
            self.fps = (totals.sent - self.last_totals.sent) as f64 / passed;
            self.bytes_per_sec = (totals.bytes - self.last_totals.bytes) as f64 / passed;
            self.last = Instant::now();
            self.last_totals = totals.clone();
        }
        let bar = if self.whole.is_some() { self.started.elapsed() } else { position.at };
        self.progress.show(bar, || line(totals, position, self.length, self.fps, self.bytes_per_sec));
    }

    fn end(self, text: &str) {
        self.progress.end();
        eprintln!("{text}");
    }
}

fn line(
    totals: &Totals,
    position: &Position,
    length: Option<Duration>,
    fps: f64,
    bytes_per_sec: f64,
) -> String {
    let mut line = clock(position.at);
    if let Some(length) = length {
        line.push_str(&format!(" of {}", clock(length)));
    }
    if position.round > 1 {
        line.push_str(&format!(" (round {})", position.round));
    }
    line.push_str(&format!("  {fps:.1} fps  {}  skipped {}", rate(bytes_per_sec), totals.skipped));
    if totals.away > 0 {
        line.push_str(&format!("  dropped while away {}", totals.away));
    }
    line
}

fn summary(totals: &Totals, passed: Duration, verdict: &Verdict) -> String {
    let mut text = format!("sent {} frames in {}", totals.sent, clock(passed));
    let secs = passed.as_secs_f64();
    // Over less than a second a rate says nothing.
    if secs >= 1.0 {
        let (fps, bytes_per_sec) = (totals.sent as f64 / secs, totals.bytes as f64 / secs);
        text.push_str(&format!(" ({fps:.1} fps, {})", rate(bytes_per_sec)));
    }
    text.push_str(&format!(", skipped {}", totals.skipped));
    for (count, what) in [
        (totals.away, "dropped while the hub was away"),
        (verdict.refused, "refused by the hub"),
        (verdict.reconnects, if verdict.reconnects == 1 { "reconnect" } else { "reconnects" }),
    ] {
        if count > 0 {
            text.push_str(&format!(", {count} {what}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: PublishArgs,
    }

    fn parse(line: &str) -> Result<PublishArgs, clap::Error> {
        Line::try_parse_from(std::iter::once("publish").chain(line.split_whitespace())).map(|line| line.args)
    }

    #[test]
    fn files_loop_unless_told_otherwise() {
        let no_loop = |line: &str| parse(line).unwrap().no_loop;
        assert!(!no_loop("a.mp4 --to h"));
        assert!(!no_loop("a.mp4 --to h --loop"));
        assert!(no_loop("a.mp4 --to h --no-loop"));
        assert!(!no_loop("a.mp4 --to h --no-loop --loop"));
        assert!(parse("a.mp4 --to h --fps 0").is_err());
        assert!(parse("a.mp4 --to h --size 10x10").is_err());
        assert!(parse("a.mp4").unwrap_err().to_string().contains("--to"));
    }

    #[test]
    fn the_stream_is_named_by_address_name_or_source() {
        let url = |line: &str| target(&parse(line).unwrap()).map(|target| target.url());
        assert_eq!(url("a.mp4 --to h:1/publish/x").unwrap(), "http://h:1/publish/x");
        assert_eq!(url("a.mp4 --to h:1 --name y").unwrap(), "http://h:1/publish/y");
        assert_eq!(url("/tmp/my.clip.mp4 --to h:1").unwrap(), "http://h:1/publish/my_clip");
        assert_eq!(url("- --to h:1").unwrap(), "http://h:1/publish/stdin");
        assert_eq!(url("testsrc --to h:1/publish").unwrap(), "http://h:1/publish/testsrc");
        assert!(url("a.mp4 --to https://h").unwrap_err().to_string().contains("TLS"));
        assert!(url("a.mp4 --to h:1/publish/x --name y").is_err());
    }

    #[test]
    fn what_is_shown_reads_well() {
        let totals = Totals { sent: 300, bytes: 30_000_000, skipped: 2, away: 0 };
        let at = Position { at: Duration::from_secs(12), round: 2 };
        let line = line(&totals, &at, Some(Duration::from_secs(60)), 30.0, 3.1e6);
        assert_eq!(line, "0:12 of 1:00 (round 2)  30.0 fps  3.1 MB/s  skipped 2");
        let verdict = Verdict { refused: 1, reconnects: 2, ..Verdict::default() };
        let text = summary(&totals, Duration::from_secs(10), &verdict);
        assert_eq!(
            text,
            "sent 300 frames in 0:10 (30.0 fps, 3.0 MB/s), skipped 2, 1 refused by the hub, 2 reconnects"
        );
    }

    #[test]
    fn a_playing_that_reached_nobody_has_failed() {
        let all_refused = Verdict { refused: 3, why: "too large".to_owned(), ..Verdict::default() };
        let totals = Totals { sent: 3, ..Totals::default() };
        assert!(all_refused.judge(&totals).unwrap_err().to_string().contains("too large"));
        assert!(Verdict { taken: 1, refused: 2, ..Verdict::default() }.judge(&totals).is_ok());
        assert!(Verdict::default().judge(&Totals { away: 5, ..Totals::default() }).is_err());
    }
}
