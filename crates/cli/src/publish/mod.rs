//! `framehub publish`: plays a file, a folder, a pipe, a camera's URL or a test pattern into a stream of a hub.
//!
//! The source is one of those that a hub opens itself, played into a hub inside this process; a link carries on from
//! there. What the link cannot carry is skipped and counted.

mod display;
mod link;
mod player;
mod totals;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use client::Target;
use hub::{Hub, Limits, RingLimits, Rule, StreamName};
use ingest::Admission;
use sources::{Kind, Playback, Spec};
use tokio_util::sync::CancellationToken;

use self::display::Display;
use self::link::Link;
use self::player::Player;
use self::totals::Totals;
use crate::terminal::{self, number, seconds};

const EXAMPLES: &str = "\
Examples:
  framehub publish testsrc                                  to the hub of this machine
  framehub publish talk.mp4 --to robot.local                as the stream talk, port 5000
  framehub publish pictures/ --fps 2 --to http://localhost:5000 --name slides
  framehub publish run.avi --no-loop --to http://robot:5000/publish/run
  ffmpeg -i INPUT -f mpjpeg - | framehub publish - --to http://localhost:5000/publish/cam1
  framehub publish rtsp://camera.lan/1 --to http://localhost:5000/publish/door

Video with JPEG inside (MJPEG in AVI, MP4, MOV or .mjpeg) is sent as it is; other video needs ffmpeg. \
Frames are sent at the file's own times. Where the link is too slow, frames are skipped, never queued; while \
the hub is away they are dropped, and the connection is opened again.

Exit codes: 0 done (also after Ctrl-C), 1 failed, 2 wrong usage.";

/// Send a video file, pictures, a pipe or a test pattern to a stream
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PublishArgs {
    /// A video file, a folder of pictures, rtsp://, another URL for ffmpeg, - (stdin: JPEGs or mpjpeg) or testsrc
    #[arg(value_name = "SOURCE")]
    pub(crate) source: String,
    /// The stream's address, http://HOST:PORT/publish/NAME, or the hub's; a host alone is enough
    #[arg(long, value_name = "URL", default_value = "http://localhost:5000")]
    pub(crate) to: String,
    /// The stream, where --to is only the hub [default: after the source]
    #[arg(long, value_name = "STREAM")]
    pub(crate) name: Option<String>,
    /// Key for a hub that asks for one
    #[arg(long, value_name = "KEY", env = "FRAMEHUB_API_KEY", hide_env_values = true)]
    pub(crate) api_key: Option<String>,
    /// Frames a second: an upper limit for video; the pace of pictures (else 30) and of a pipe (else as it comes)
    #[arg(long, value_parser = |text: &str| number(text, 0.01, 1000.0))]
    pub(crate) fps: Option<f64>,
    /// Start again at the end (the default)
    #[arg(long = "loop", overrides_with = "no_loop")]
    pub(crate) looping: bool,
    /// End with the file
    #[arg(long)]
    pub(crate) no_loop: bool,
    /// JPEG quality of what has to be encoded (test pattern, PNG, ffmpeg)
    #[arg(long, default_value_t = 85, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub(crate) quality: u8,
    /// Size of the test pattern
    #[arg(long, default_value = "1280x720", value_name = "WxH", value_parser = size)]
    pub(crate) size: (u32, u32),
    /// End after this many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) duration: Option<Duration>,
    /// Wait for a hub that is not up yet, instead of failing at once
    #[arg(long)]
    pub(crate) wait: bool,
    /// Take the stream over from a publisher that is connected to it
    #[arg(long)]
    pub(crate) takeover: bool,
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let sides =
        text.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    match sides {
        Some((width @ 16..=7680, height @ 16..=7680)) => Ok((width, height)),
        _ => Err("use WIDTHxHEIGHT, each from 16 to 7680, for example 640x480".to_owned()),
    }
}

/// The largest picture that is sent; what a hub takes is usually less.
const LONGEST_FRAME_BYTES: usize = 64 * 1024 * 1024;
/// A pipe with a pace loses nothing while the link is behind by less than this.
const BACKLOG_FRAMES: usize = 30;
const BACKLOG_BYTES: usize = 256 * 1024 * 1024;

/// Runs the command.
///
/// # Errors
/// Wrong usage, a source that cannot be read, a hub that refuses the stream.
pub(crate) fn run(args: PublishArgs) -> anyhow::Result<()> {
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

/// A source as it is printed: a URL without its secrets, or the path.
fn shown(source: &str) -> String {
    if source.contains("://") { wire::address::redacted(source) } else { source.to_owned() }
}

/// A stream name for a source: a file's without its extension, as far as its characters are allowed.
fn name_of(source: &str) -> String {
    if source == "-" {
        return "stdin".to_owned();
    }
    let shown = shown(source);
    // The name is seen by everyone.
    let public =
        if source.contains("://") { shown.trim_end_matches("?…").rsplit('@').next() } else { None };
    let path = Path::new(public.unwrap_or(&shown));
    let stem = path.file_stem().map_or(String::new(), |stem| stem.to_string_lossy().into_owned());
    let allowed = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let name: String = stem.chars().map(allowed).take(64).collect();
    if name.is_empty() { "stream".to_owned() } else { name }
}

async fn publish(args: PublishArgs, target: Target) -> anyhow::Result<()> {
    let (hub, admission) = own_hub(BACKLOG_FRAMES, args.quality);
    let playback = Playback::open(&hub, spec(&args, &target)?, &admission).await?;
    let mut link = Link::connect(&target, args.takeover, args.wait).await?;
    eprintln!("publishing {} to {}", shown(&args.source), target.url());
    let mut display = Display::new(playback.length(), args.duration);
    link.notes = display.progress.notes();
    let stop = stop_signal(args.duration);
    let started = Instant::now();
    let mut player = Player::new(link, |totals: &Totals, at| display.show(totals, at), stop);
    let played = player.play(&playback, rule(&args)).await;
    let Player { link, totals, interrupted, .. } = player;
    let verdict = link.end(&totals, interrupted).await;
    display.end(&display::summary(&totals, started.elapsed(), &verdict));
    played?;
    verdict.judge(&totals)
}

/// A hub inside this process, of one stream, and what a picture must be to get into it.
pub(crate) fn own_hub(backlog_frames: usize, quality: u8) -> (Hub, Admission) {
    let ring = RingLimits {
        frames: 1,
        history_bytes: LONGEST_FRAME_BYTES,
        backlog_frames,
        backlog_bytes: BACKLOG_BYTES,
    };
    let limits = wire::image::Limits { max_bytes: LONGEST_FRAME_BYTES, setting: "the limit of this program" };
    (Hub::new(Limits { streams: 1, viewers_per_stream: 1, ring }), Admission::new(limits, quality))
}

/// Live pictures do not wait; a pipe that is given a pace does.
fn rule(args: &PublishArgs) -> Rule {
    if args.source == "-" && args.fps.is_some() { Rule::InOrder } else { Rule::Latest }
}

fn spec(args: &PublishArgs, target: &Target) -> anyhow::Result<Spec> {
    let name: StreamName = target.stream.as_deref().context("the address names no stream")?.parse()?;
    let is_rtsp = args.source.starts_with("rtsp://") || args.source.starts_with("rtsps://");
    let mut spec = if is_rtsp {
        Spec::parse(&format!("{name}={}", args.source))?
    } else {
        Spec::of_argument(name, &args.source)
    };
    match &mut spec.kind {
        Kind::File { looping, .. } => *looping = !args.no_loop,
        Kind::Test { width, height } => (*width, *height) = args.size,
        _ => {}
    }
    spec.on_demand = false;
    spec.fps = args.fps;
    spec.quality = Some(args.quality);
    Ok(spec)
}

/// A token that is cancelled by Ctrl-C, by a supervisor, or after `duration`.
fn stop_signal(duration: Option<Duration>) -> CancellationToken {
    let stop = CancellationToken::new();
    let cancel = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = terminal::stop_requested() => {}
            () = terminal::reached(duration.map(|duration| tokio::time::Instant::now() + duration)) => {}
        }
        cancel.cancel();
    });
    stop
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
    }

    #[test]
    fn the_stream_is_named_by_address_name_or_source() {
        let url = |line: &str| target(&parse(line).unwrap()).map(|target| target.url());
        assert_eq!(url("a.mp4 --to h:1/publish/x").unwrap(), "http://h:1/publish/x");
        assert_eq!(url("a.mp4 --to h:1 --name y").unwrap(), "http://h:1/publish/y");
        assert_eq!(url("/tmp/my.clip.mp4 --to h:1").unwrap(), "http://h:1/publish/my_clip");
        assert_eq!(url("- --to h:1").unwrap(), "http://h:1/publish/stdin");
        assert_eq!(url("testsrc --to h:1/publish").unwrap(), "http://h:1/publish/testsrc");
        assert_eq!(shown("rtsp://me:secret@cam/1?key=secret"), "rtsp://…@cam/1?…");
        assert_eq!(shown("a@b.mp4"), "a@b.mp4");
        for source in ["rtsp://me:secret@cam", "http://cam/1?key=secret", "http://me:secret#2@cam/x"] {
            assert!(!name_of(source).contains("secret"), "{source}");
        }
        assert_eq!(url("a.mp4 --to https://h").unwrap(), "https://h:443/publish/a");
        assert_eq!(url("a.mp4 --to localhost").unwrap(), "http://localhost:5000/publish/a");
        assert_eq!(url("a.mp4").unwrap(), "http://localhost:5000/publish/a");
        assert!(url("a.mp4 --to h:1/publish/x --name y").is_err());
    }
}
