//! The command lines of ffmpeg and ffprobe, for what this program does not read itself: H.264 and other codecs, other
//! containers, cameras behind URLs. ffmpeg decodes, reads a file at its own pace, and writes JPEGs.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::PlayOptions;

pub const PROGRAM: &str = "ffmpeg";
const PROBE: &str = "ffprobe";

/// A file, or a URL that ffmpeg opens.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    File(&'a Path),
    Url(&'a str),
}

impl Input<'_> {
    fn argument(&self) -> OsString {
        match self {
            // Without the scheme, ffmpeg would read `a:b.mp4` as a protocol and `-a.mp4` as an option.
            Input::File(path) => {
                let mut argument = OsString::from("file:");
                argument.push(path);
                argument
            }
            Input::Url(url) => url.into(),
        }
    }
}

/// The command that writes `input` as an MJPEG stream to its stdout, as fast as it is to be shown.
pub fn command(program: &str, input: Input<'_>, options: &PlayOptions) -> Command {
    let mut command = Command::new(program);
    command.args(["-hide_banner", "-loglevel", "error", "-nostdin"]);
    if matches!(input, Input::File(_)) {
        command.arg("-re");
        if options.looping {
            command.args(["-stream_loop", "-1"]);
        }
    }
    command.arg("-i").arg(input.argument()).args(["-map", "0:v:0"]);
    if let Some(fps) = options.fps {
        command.args(["-vf", &format!("fps=min(source_fps\\,{fps})")]);
    }
    command.args(["-f", "mpjpeg", "-q:v", &scale(options.quality).to_string(), "-"]);
    command
}

/// The command that writes all pictures of a file to its stdout, in full ([`media::ppm`]) and as fast as they are
/// taken; with `fps`, at most so many a second.
pub fn pictures(program: &str, path: &Path, fps: Option<f64>) -> Command {
    let mut command = Command::new(program);
    command.args(["-hide_banner", "-loglevel", "error", "-nostdin", "-i"]);
    command.arg(Input::File(path).argument()).args(["-map", "0:v:0"]);
    if let Some(fps) = fps {
        command.args(["-vf", &format!("fps=min(source_fps\\,{fps})")]);
    }
    // Each picture once, whatever its time.
    command.args(["-fps_mode", "passthrough", "-f", "image2pipe", "-c:v", "ppm", "-pix_fmt", "rgb24", "-"]);
    command
}

/// The command that writes every frame of a file as an MJPEG stream to its stdout, as fast as it can.
pub fn decoding(program: &str, path: &Path, quality: u8) -> Command {
    let mut command = Command::new(program);
    command.args(["-hide_banner", "-loglevel", "error", "-nostdin", "-i"]).arg(Input::File(path).argument());
    // Each frame once: none doubled or dropped to make the rate even.
    command.args(["-map", "0:v:0", "-fps_mode", "passthrough", "-f", "mpjpeg"]);
    command.args(["-q:v", &scale(quality).to_string(), "-"]);
    command
}

/// ffmpeg's scale for JPEG goes from 2 (best) to 31; ours from 100 to 1.
fn scale(quality: u8) -> u8 {
    let worse = 100 - quality.clamp(1, 100);
    2 + (f64::from(worse) / 99.0 * 29.0).round() as u8
}

/// How long a file plays; `None` where ffprobe is missing or does not know.
pub fn duration(path: &Path) -> Option<Duration> {
    let secs: f64 =
        probe(path, &["-show_entries", "format=duration", "-of", "csv=p=0"])?.trim().parse().ok()?;
    Duration::try_from_secs_f64(secs).ok().filter(|duration| !duration.is_zero())
}

/// The video of a file, as its container describes it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct About {
    /// Frames a second, on average.
    pub fps: Option<f64>,
    pub frames: Option<u64>,
}

/// Asks ffprobe; without it, nothing is known.
pub fn about(path: &Path) -> About {
    let entries = ["-select_streams", "v:0", "-show_entries", "stream=avg_frame_rate,nb_frames"];
    let said = probe(path, &[&entries[..], &["-of", "default=noprint_wrappers=1"]].concat());
    said.map(|said| parse_probe(&said)).unwrap_or_default()
}

/// What ffprobe says of a file; `None` where there is no ffprobe.
fn probe(path: &Path, options: &[&str]) -> Option<String> {
    let mut command = Command::new(PROBE);
    command.args(["-v", "error"]).args(options).arg("-i").arg(Input::File(path).argument());
    let output = command.stdin(Stdio::null()).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Reads lines such as `avg_frame_rate=30000/1001` and `nb_frames=N/A`.
fn parse_probe(text: &str) -> About {
    let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    let rate = value("avg_frame_rate").and_then(|rate| {
        let (frames, secs) = rate.split_once('/')?;
        Some(frames.parse::<f64>().ok()? / secs.parse::<f64>().ok()?)
    });
    About {
        fps: rate.filter(|fps| (0.01..=1000.0).contains(fps)),
        frames: value("nb_frames").and_then(|frames| frames.parse().ok()).filter(|frames| *frames > 0),
    }
}

/// The error where there is no ffmpeg.
pub fn missing(program: &str) -> String {
    format!(
        "this video needs ffmpeg to be decoded, and '{program}' was not found; install it (Debian, Ubuntu: apt \
         install ffmpeg; macOS: brew install ffmpeg; Windows: winget install ffmpeg), or give a file with \
         JPEG inside (MJPEG in AVI, MP4 or .mjpeg)"
    )
}

#[cfg(test)]
mod tests;
