//! `framehub analyze`: uploads a video or a camera's pictures with the scoring apparatus's log, waits for the analysis,
//! and prints its result as JSON.
//!
//! stdout carries the result and nothing else; all words go to stderr.

mod camera;
mod display;
mod encode;
mod process;
mod source;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, anyhow, bail};
use bytes::Bytes;
use client::Endpoint;
use client::upload::{Encoding, Frame, SessionStart, Upload};
use net::Lock;
use serde_json::{Map, Value};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use self::camera::Camera;
use self::display::Display;
use self::encode::{Encode, encode};
use self::process::on_thread;
use self::source::{About, DEFAULT_QUALITY, Footage};
use crate::terminal::{self, number, seconds};

const DEFAULT_CAMERA_FPS: f64 = 30.0;
const DEFAULT_CAMERA_SECS: Duration = Duration::from_secs(60);
/// The analysis that needs a signal log.
const REFEREE: &str = "referee";
/// Frames that are read and encoded ahead of the sending.
const AHEAD: usize = 4;

const EXAMPLES: &str = "\
Examples:
  framehub analyze http://localhost:5000 --video phrase.avi --signal phrase.txt
  framehub analyze http://localhost:5000 --camera 0 --signal phrase.txt --duration 20
  framehub analyze http://localhost:5000 --video talk.mp4 --pipeline pose --output poses.json

Every frame is acknowledged; up to 64 are under way at once. A lost connection is opened again, and what the hub has \
not got is sent again. Video with JPEG inside (MJPEG in AVI, MP4, MOV or .mjpeg) is sent as it is, unless --encoding or \
--jpeg-quality asks for something else; other video needs ffmpeg.

The signal file has to be there at the start, and is read when the last frame was sent: with --camera it may still \
grow meanwhile.

Exit codes: 0 done, 1 failed (also after Ctrl-C, which makes the hub forget the session), 2 wrong usage.";

/// Upload a video frame by frame, have it analysed, and print the result
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[command(group(clap::ArgGroup::new("source").required(true)))]
pub(crate) struct AnalyzeArgs {
    /// The hub's address, http://HOST:PORT
    #[arg(value_name = "SERVER")]
    pub(crate) server: String,
    /// A video file, or a folder of pictures
    #[arg(long, value_name = "FILE", group = "source")]
    pub(crate) video: Option<PathBuf>,
    /// A camera of this machine by its number: 0 is /dev/video0
    #[arg(long, value_name = "N", group = "source")]
    pub(crate) camera: Option<u32>,
    /// The scoring apparatus's text log; only an analysis other than the referee's does without
    #[arg(long, value_name = "FILE", required_unless_present = "pipeline")]
    pub(crate) signal: Option<PathBuf>,
    /// End after this many seconds of video [default: 60 with --camera]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) duration: Option<Duration>,
    /// 1 to 56 letters, digits, '_' or '-' [default: phrase_ with date, time and four random digits]
    #[arg(long, value_name = "ID")]
    pub(crate) session_id: Option<String>,
    /// How frames are sent: jpeg, png or raw
    #[arg(long, value_name = "ENCODING", default_value = "jpeg")]
    pub(crate) encoding: Encoding,
    /// JPEG quality, 1 to 100 [default: 85 for what has to be encoded]
    #[arg(long, value_name = "Q", value_parser = clap::value_parser!(u8).range(1..=100))]
    pub(crate) jpeg_quality: Option<u8>,
    /// The most frames a second [default: the video's, 30 for a camera]
    #[arg(long, value_parser = |text: &str| number(text, 0.01, 1000.0))]
    pub(crate) fps: Option<f64>,
    /// Save the result here, too
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Print everything that happens to stderr
    #[arg(long)]
    pub(crate) verbose: bool,
    /// Key for a hub that asks for one
    #[arg(long, value_name = "KEY", env = "FRAMEHUB_API_KEY", hide_env_values = true)]
    pub(crate) api_key: Option<String>,
    /// Which analysis, of those that the hub has [default: referee]
    #[arg(long, value_name = "NAME")]
    pub(crate) pipeline: Option<String>,
    /// Put the key points into the result
    #[arg(long)]
    pub(crate) include_keypoints: bool,
    /// Whether the hub makes a video with the analysis drawn into it [default: true]
    #[arg(long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true")]
    pub(crate) save_overlay: Option<bool>,
}

/// Runs the command.
///
/// # Errors
/// Wrong usage, a source that cannot be read, a hub that does not take it, an analysis that failed.
pub(crate) fn run(args: AnalyzeArgs) -> anyhow::Result<()> {
    let endpoint = endpoint(&args).map_err(|error| terminal::usage("analyze", error))?;
    check(&args)?;
    terminal::block_on(analyze(args, endpoint))
}

fn endpoint(args: &AnalyzeArgs) -> Result<Endpoint, client::Error> {
    Endpoint::parse(&args.server)?.with_api_key(args.api_key.as_deref())
}

/// What would only show at the end, looked at before anything is sent.
fn check(args: &AnalyzeArgs) -> anyhow::Result<()> {
    let is_referee = args.pipeline.as_deref().is_none_or(|name| name == REFEREE);
    match &args.signal {
        Some(path) => {
            let bytes = read_signal(path)?;
            // A camera's phrase may still have to begin.
            if args.camera.is_none() {
                check_signal(path, &bytes)?;
            }
        }
        None if is_referee => {
            return Err(terminal::usage("analyze", "the referee needs the apparatus's log: --signal FILE"));
        }
        None => {}
    }
    if let Some(id) = &args.session_id {
        client::endpoint::check_name(id)
            .map_err(|reason| terminal::usage("analyze", format!("--session-id: {reason}")))?;
    }
    let folder = args.output.as_deref().and_then(Path::parent).filter(|it| !it.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        bail!("--output: there is no folder {}; make it first", folder.display());
    }
    Ok(())
}

fn read_signal(path: &Path) -> anyhow::Result<Bytes> {
    let shown = path.display();
    let read = std::fs::read(path);
    Ok(read.with_context(|| format!("the signal file {shown} cannot be read (--signal)"))?.into())
}

fn check_signal(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if bytes.is_empty() {
        bail!("the signal file {} is empty; give the apparatus's log of this phrase", path.display());
    }
    Ok(())
}

async fn analyze(args: AnalyzeArgs, endpoint: Endpoint) -> anyhow::Result<()> {
    let footage = {
        let (args, runtime) = (args.clone(), Handle::current());
        tokio::task::spawn_blocking(move || open(&args, runtime)).await??
    };
    let about = footage.about;
    let start = session(&args, &about)?;
    eprintln!(
        "analyzing {}: {} × {}, {:.2} frames a second, as session {} of {endpoint}",
        shown(&args),
        about.width,
        about.height,
        about.fps,
        start.session_id
    );
    let page = endpoint.url(&format!("/analyses/{}", start.session_id));
    let display = Arc::new(Lock::new(Display::new(about.frames, args.verbose)));
    let shown = display.clone();
    let begun = Upload::begin(&endpoint, start, move |event| shown.lock().take(&event)).await;
    let mut upload = begun.map_err(with_hint)?;
    let frames = frames(footage, Encode { encoding: args.encoding, quality: args.jpeg_quality })?;
    let result = tokio::select! {
        result = send(&mut upload, frames, &args, &display) => result,
        () = terminal::stop_requested() => Err(anyhow!("stopped; the hub drops the session")),
    };
    display.lock().end();
    match result {
        Ok(result) => {
            upload.close().await;
            eprintln!("the analysis with its video: {page}");
            give(&result, args.output.as_deref())
        }
        Err(error) => {
            upload.abort().await;
            Err(error)
        }
    }
}

fn open(args: &AnalyzeArgs, runtime: Handle) -> anyhow::Result<Footage> {
    match (&args.video, args.camera) {
        (Some(path), _) => Footage::file(path, args.fps, args.duration.map(|it| it.as_secs_f64())),
        (None, Some(index)) => {
            let fps = args.fps.unwrap_or(DEFAULT_CAMERA_FPS);
            let camera = Camera::open(index, fps, args.jpeg_quality.unwrap_or(DEFAULT_QUALITY), runtime)?;
            let longest = args.duration.unwrap_or(DEFAULT_CAMERA_SECS).as_secs_f64();
            Footage::camera(camera, fps, longest).with_context(|| format!("camera {index}"))
        }
        (None, None) => Err(terminal::usage("analyze", "give --video or --camera")),
    }
}

fn shown(args: &AnalyzeArgs) -> String {
    match (&args.video, args.camera) {
        (Some(path), _) => path.display().to_string(),
        (None, camera) => format!("camera {}", camera.unwrap_or_default()),
    }
}

fn session(args: &AnalyzeArgs, about: &About) -> anyhow::Result<SessionStart> {
    let session_id = match &args.session_id {
        Some(id) => id.clone(),
        None => invented_id()?,
    };
    Ok(SessionStart {
        session_id,
        fps: Some(about.fps),
        width: Some(about.width),
        height: Some(about.height),
        expected_frames: about.frames,
        video_format: Some("bgr24".to_owned()),
        pipeline: args.pipeline.clone(),
        include_keypoints: args.include_keypoints,
        save_overlay: args.save_overlay,
        resume: false,
    })
}

/// `phrase_20251106_123045_9f3a`: of two that begin in one second, each has its own.
fn invented_id() -> anyhow::Result<String> {
    let now = jiff::Timestamp::try_from(SystemTime::now()).context("the clock is off")?;
    let random = getrandom::u32().context("the system gives no random numbers")? & 0xFFFF;
    Ok(format!("phrase_{}_{random:04x}", now.strftime("%Y%m%d_%H%M%S")))
}

/// All frames, then the signal; waits for the result.
async fn send(
    upload: &mut Upload,
    mut frames: Frames,
    args: &AnalyzeArgs,
    display: &Lock<Display>,
) -> anyhow::Result<Map<String, Value>> {
    let mut skipped = 0;
    while let Some(next) = frames.recv().await {
        let Next { frame, skipped: left_out } = next?;
        skipped += left_out;
        upload.frame(frame).await.map_err(with_hint)?;
    }
    let validation = upload.end().await.map_err(with_hint)?;
    display.lock().all_sent();
    if skipped > 0 {
        display
            .lock()
            .say(&format!("the upload was too slow for the camera: {skipped} pictures are missing"));
    }
    for issue in &validation.issues {
        display.lock().say(&format!("the hub notes: {issue}"));
    }
    let (name, bytes) = match &args.signal {
        Some(path) => {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let bytes = read_signal(path)?;
            check_signal(path, &bytes)?;
            (name, bytes)
        }
        // Its coming is what lets the analysis be finished.
        None => ("none.txt".to_owned(), Bytes::new()),
    };
    upload.signal(&name, bytes).await.map_err(with_hint)?;
    upload.result().await.map_err(with_hint)
}

fn give(result: &Map<String, Value>, output: Option<&Path>) -> anyhow::Result<()> {
    let text = format!("{}\n", serde_json::to_string_pretty(result)?);
    if let Some(path) = output {
        // Printed all the same: it took a while to get it.
        let written = std::fs::write(path, &text);
        terminal::print(&text)?;
        return written.with_context(|| format!("the result cannot be saved as {}", path.display()));
    }
    terminal::print(&text)?;
    Ok(())
}

/// What a user can do about an error.
fn with_hint(error: client::Error) -> anyhow::Error {
    let hint = match &error {
        client::Error::Connect { .. } => "is the hub running?",
        client::Error::Refused { status: 401 | 403, .. } => "give a key with --api-key or FRAMEHUB_API_KEY",
        client::Error::Refused { status: 400 | 404 | 405 | 426 | 501, .. }
        | client::Error::BadReply { .. } => {
            "this server takes no frame uploads (a WebSocket at /stream); is the address a Framehub's?"
        }
        _ => return error.into(),
    };
    anyhow!("{error}\n{hint}")
}

/// Frames ready to be sent, read and encoded on a thread of their own.
type Frames = mpsc::Receiver<anyhow::Result<Next>>;

struct Next {
    frame: Frame,
    /// Pictures before it that could not be kept.
    skipped: u64,
}

fn frames(mut footage: Footage, options: Encode) -> anyhow::Result<Frames> {
    let (give, ready) = mpsc::channel(AHEAD);
    on_thread("source", move || {
        let mut number = 0;
        while let Some(next) = next(&mut footage, number, options).transpose() {
            let has_failed = next.is_err();
            if give.blocking_send(next).is_err() || has_failed {
                break;
            }
            number += 1;
        }
        Ok(())
    })?;
    Ok(ready)
}

fn next(footage: &mut Footage, number: u64, options: Encode) -> anyhow::Result<Option<Next>> {
    let Some(taken) = footage.next().with_context(|| format!("picture {number}"))? else { return Ok(None) };
    let (bytes, quality) = encode(taken.still, options).with_context(|| format!("picture {number}"))?;
    let frame = Frame { number, timestamp: taken.timestamp, encoding: options.encoding, quality, bytes };
    Ok(Some(Next { frame, skipped: taken.skipped }))
}
