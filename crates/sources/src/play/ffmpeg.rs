//! The command lines of ffmpeg and ffprobe, for what this program does not read itself: H.264 and other codecs, other
//! containers, cameras behind URLs. ffmpeg decodes, reads a file at its own pace, and writes JPEGs.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::PlayOptions;

pub const PROGRAM: &str = "ffmpeg";
const PROBE: &str = "ffprobe";

/// Where the bytes come from, which decides what ffmpeg may make of them.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// A file that a client has sent.
    Upload(&'a Path),
    /// A file that the operator names.
    File(&'a Path),
    /// An address that the operator names.
    Url(&'a str),
}

/// Containers that hold all that they show. Others (playlists, `concat`, `sdp`, `image2`, `vobsub`) name further files
/// and addresses, which ffmpeg would open with this program's rights: a film from the net or a client would choose what
/// is read.
const CONTAINERS: &str = "mov,matroska,avi,mpegts,mpeg,mpegvideo,flv,ogg,asf,mxf,ivf,nut,dv,gif,mjpeg,mpjpeg,h264,hevc,m4v,\
                          obu,yuv4mpegpipe,apng,webp_pipe,bmp_pipe,tiff_pipe";
/// A live address may answer with a playlist, and its sound may lie beside the pictures.
const LIVE_FORMATS: &str = "hls,dash,rtsp,rtp,sdp,live_flv,aac,ac3,mp3,webvtt";
/// Whatever a playlist names, it is no file and no program of this machine.
const NETWORK: &str = "http,https,httpproxy,tls,tcp,udp,udplite,rtp,srtp,rtmp,rtmps,rtmpt,rtmpts,ffrtmphttp,srt,rist,\
                       mmsh,mmst,ftp,sftp,hls,crypto,data";
/// A picture of more than 8K would take the machine's memory.
const MOST_PIXELS: u32 = 7680 * 4320;

impl Input<'_> {
    fn argument(&self) -> OsString {
        match self {
            // Without the scheme, ffmpeg would read `a:b.mp4` as a protocol and `-a.mp4` as an option.
            Input::Upload(path) | Input::File(path) => {
                let mut argument = OsString::from("file:");
                argument.push(path);
                argument
            }
            Input::Url(url) => url.into(),
        }
    }

    /// The options that open it. What they do not name, ffmpeg and ffprobe refuse.
    fn open(&self, command: &mut Command) {
        let (protocols, formats) = match self {
            Input::Upload(_) | Input::File(_) => ("file", CONTAINERS.to_owned()),
            Input::Url(_) => (NETWORK, format!("{CONTAINERS},{LIVE_FORMATS}")),
        };
        command.args(["-protocol_whitelist", protocols, "-format_whitelist", &formats]);
        if let Input::Upload(_) = self {
            command.args(["-max_pixels", &MOST_PIXELS.to_string()]);
        }
        command.arg("-i").arg(self.argument());
    }
}

/// The beginning of each command, up to its input: the only place where ffmpeg is named to the system.
fn reading(input: Input<'_>, before: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(["-hide_banner", "-loglevel", "error", "-nostdin"]).args(before);
    input.open(&mut command);
    command.args(["-map", "0:v:0"]);
    command
}

/// The command that writes `input` as an MJPEG stream to its stdout, as fast as it is to be shown.
pub fn playing(input: Input<'_>, options: &PlayOptions) -> Command {
    let before: &[&str] = match input {
        Input::Url(_) => &[],
        _ if options.looping => &["-re", "-stream_loop", "-1"],
        _ => &["-re"],
    };
    let mut command = reading(input, before);
    limit_rate(&mut command, options.fps);
    command.args(["-f", "mpjpeg", "-q:v", &scale(options.quality).to_string(), "-"]);
    command
}

/// The command that writes all pictures of a file to its stdout, in full ([`media::ppm`]) and as fast as they are
/// taken; with `fps`, at most so many a second.
pub fn pictures(path: &Path, fps: Option<f64>) -> Command {
    let mut command = reading(Input::File(path), &[]);
    limit_rate(&mut command, fps);
    // Each picture once, whatever its time.
    command.args(["-fps_mode", "passthrough", "-f", "image2pipe", "-c:v", "ppm", "-pix_fmt", "rgb24", "-"]);
    command
}

/// The command that writes every frame of a client's file as an MJPEG stream to its stdout, as fast as it can.
pub fn decoding(path: &Path, quality: u8) -> Command {
    let mut command = reading(Input::Upload(path), &[]);
    // Each frame once: none doubled or dropped to make the rate even.
    command.args(["-fps_mode", "passthrough", "-f", "mpjpeg"]);
    command.args(["-q:v", &scale(quality).to_string(), "-"]);
    command
}

fn limit_rate(command: &mut Command, fps: Option<f64>) {
    if let Some(fps) = fps {
        command.args(["-vf", &format!("fps=min(source_fps\\,{fps})")]);
    }
}

/// ffmpeg's scale for JPEG goes from 2 (best) to 31; ours from 100 to 1.
fn scale(quality: u8) -> u8 {
    let worse = 100 - quality.clamp(1, 100);
    2 + (f64::from(worse) / 99.0 * 29.0).round() as u8
}

/// How long a file plays; `None` where ffprobe is missing or does not know.
pub fn duration(path: &Path) -> Option<Duration> {
    let secs: f64 = probe(Input::File(path), &["-show_entries", "format=duration", "-of", "csv=p=0"])?
        .trim()
        .parse()
        .ok()?;
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
pub fn about(input: Input<'_>) -> About {
    let entries = ["-select_streams", "v:0", "-show_entries", "stream=avg_frame_rate,nb_frames"];
    let said = probe(input, &[&entries[..], &["-of", "default=noprint_wrappers=1"]].concat());
    said.map(|said| parse_probe(&said)).unwrap_or_default()
}

/// What ffprobe says of a file; `None` where there is no ffprobe.
fn probe(input: Input<'_>, options: &[&str]) -> Option<String> {
    let mut command = Command::new(PROBE);
    command.args(["-v", "error"]).args(options);
    input.open(&mut command);
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
pub fn missing() -> String {
    format!(
        "this video needs ffmpeg to be decoded, and '{PROGRAM}' was not found; install it (Debian, Ubuntu: apt \
         install ffmpeg; macOS: brew install ffmpeg; Windows: winget install ffmpeg), or give a file with \
         JPEG inside (MJPEG in AVI, MP4 or .mjpeg)"
    )
}

#[cfg(test)]
mod tests;
