//! The description of a source: the parsed form of one line, `NAME=URL#options`.
//!
//! Nothing is opened or looked up here. The name is optional, and then made from the URL; the options follow a `#`, as in
//! a query: `fps=10&on_demand=false`.
//!
//! ```
//! let spec = sources::Spec::parse("door=http://10.0.0.7/video.mjpg#fps=10").unwrap();
//! assert_eq!(spec.name.as_str(), "door");
//! ```

mod error;
#[cfg(test)]
mod tests;

use std::{fmt, path::PathBuf, time::Duration};

use hub::{InvalidName, StreamName};
use url::Url;
use wire::{
    address::{self, redacted},
    options::{self, Options},
};

pub use error::SpecError;

/// One source and its stream.
#[derive(Clone, PartialEq)]
pub struct Spec {
    pub name: StreamName,
    pub kind: Kind,
    /// Opened with the stream's first viewer, and closed some seconds after the last has left.
    pub on_demand: bool,
    /// Most frames a second; `None`: all that the source has.
    pub fps: Option<f64>,
    /// JPEG quality of what has to be encoded, 1 to 100; `None`: the hub's setting.
    pub quality: Option<u8>,
    /// Without a picture for so long, the source is opened anew.
    pub timeout: Duration,
}

/// What is opened.
#[derive(Clone, PartialEq)]
pub enum Kind {
    /// A moving test picture, drawn here.
    Test { width: u32, height: u32 },
    /// A video, a picture or a folder of pictures, once or without end.
    File { path: PathBuf, looping: bool },
    /// Anything that ffmpeg opens by a URL.
    Ffmpeg(String),
    /// JPEGs or MJPEG from this process's stdin.
    Stdin,
    /// MJPEG, or a single picture that is asked for every `interval`.
    Http { url: Url, interval: Duration },
    /// A picture a message.
    WebSocket(Url),
    /// A camera that speaks RTSP.
    Rtsp { url: Url, transport: Transport },
    /// A camera of this machine.
    Camera { device: PathBuf, width: Option<u32>, height: Option<u32> },
    /// A command that writes MJPEG to its stdout, run by `sh -c`.
    Command(String),
}

/// How RTP is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transport {
    /// Inside the RTSP connection, which passes every router.
    #[default]
    Tcp,
    Udp,
}

impl Kind {
    /// One word for statistics and messages.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Test { .. } => "testsrc",
            Self::File { .. } => "file",
            Self::Ffmpeg(_) => "ffmpeg",
            Self::Stdin => "stdin",
            Self::Http { .. } => "http",
            Self::WebSocket(_) => "ws",
            Self::Rtsp { .. } => "rtsp",
            Self::Camera { .. } => "v4l2",
            Self::Command(_) => "exec",
        }
    }

    /// Cameras are recorded, so they run; other sources cost nothing without viewers.
    fn rests(&self) -> bool {
        !matches!(self, Self::Camera { .. })
    }
}

/// Cameras may need some seconds to their next key frame.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(15);
/// Between two requests for a picture.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(1);
const DEFAULT_SIZE: (u32, u32) = (1280, 720);

impl Spec {
    /// Reads one line.
    ///
    /// # Errors
    /// [`SpecError`], with the text in question and what would be right; secrets in it are not repeated.
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        let text = text.trim();
        let (name, address) = split_name(text)?;
        if is_network(address) && address::has_stray_at(address) {
            return Err(SpecError::StrayAt { url: redacted(address) });
        }
        let (address, fragment) = match address.split_once('#') {
            // A command keeps its `#`, which is a comment or a pattern in a shell.
            Some((address, fragment)) if !address.starts_with("exec:") => (address, fragment),
            _ => (address, ""),
        };
        let mut options = Options::parse(fragment)?;
        let kind = kind(address, &mut options)?;
        let name = match name {
            Some(name) => name.parse()?,
            None => invented_name(&kind)?,
        };
        let encodes = !matches!(kind, Kind::Command(_));
        let spec = Self {
            name,
            on_demand: options.flag("on_demand")?.unwrap_or_else(|| kind.rests()),
            fps: options.number("fps", 0.01..=1000.0)?,
            quality: if encodes { options.whole("quality", 1..=100)?.map(|it| it as u8) } else { None },
            timeout: options.seconds("timeout", 1.0..=86_400.0)?.unwrap_or(DEFAULT_TIMEOUT),
            kind,
        };
        options.finish(spec.kind.word())?;
        Ok(spec)
    }

    /// The test picture.
    pub fn test(name: StreamName, width: u32, height: u32, fps: f64, quality: u8) -> Self {
        let (kind, fps, quality) = (Kind::Test { width, height }, Some(fps), Some(quality));
        Self { name, kind, on_demand: true, fps, quality, timeout: DEFAULT_TIMEOUT }
    }

    /// What a command's argument names: `-` (stdin), `testsrc`, a URL (for ffmpeg), else a file or a folder, which is
    /// played without end unless its [`Kind`] says otherwise.
    pub fn of_argument(name: StreamName, argument: &str) -> Self {
        let kind = match argument {
            "-" => Kind::Stdin,
            "testsrc" => Kind::Test { width: DEFAULT_SIZE.0, height: DEFAULT_SIZE.1 },
            file if file.starts_with("file:/") => Kind::File { path: path(&file[5..]).into(), looping: true },
            url if url.contains("://") => Kind::Ffmpeg(url.to_owned()),
            path => Kind::File { path: path.into(), looping: true },
        };
        Self { name, kind, on_demand: false, fps: None, quality: None, timeout: DEFAULT_TIMEOUT }
    }

    /// Camera number `index` of this machine, `/dev/videoINDEX`.
    pub fn camera(name: StreamName, index: u32, width: u32, height: u32, fps: f64) -> Self {
        let device = PathBuf::from(format!("/dev/video{index}"));
        let kind = Kind::Camera { device, width: Some(width), height: Some(height) };
        Self { name, kind, on_demand: false, fps: Some(fps), quality: None, timeout: DEFAULT_TIMEOUT }
    }
}

/// `NAME=` in front of an address. An equals sign further back belongs to the address.
fn split_name(text: &str) -> Result<(Option<&str>, &str), SpecError> {
    let colon = text.find(':');
    let Some(equals) = text.find('=').filter(|at| colon.is_none_or(|colon| *at < colon)) else {
        return Ok((None, text));
    };
    if colon.is_none() {
        return Err(SpecError::NoScheme);
    }
    Ok((Some(text[..equals].trim()), text[equals + 1..].trim()))
}

fn kind(address: &str, options: &mut Options) -> Result<Kind, SpecError> {
    let (scheme, rest) = address.split_once(':').ok_or(SpecError::NoScheme)?;
    let missing = |what| Err(SpecError::Empty { scheme: scheme.to_owned(), what });
    Ok(match scheme.to_ascii_lowercase().as_str() {
        "testsrc" if !rest.is_empty() => return Err(SpecError::TestTakesOptions),
        "testsrc" => {
            let width = options.whole("width", 16..=7680)?.unwrap_or(DEFAULT_SIZE.0);
            let height = options.whole("height", 16..=4320)?.unwrap_or(DEFAULT_SIZE.1);
            Kind::Test { width, height }
        }
        "file" if path(rest).is_empty() => return missing("a path: file:/videos/clip.mp4"),
        "file" => Kind::File { path: path(rest).into(), looping: true },
        "v4l2" if rest.is_empty() => return missing("a number or a device: v4l2:0 or v4l2:/dev/video0"),
        "v4l2" => Kind::Camera {
            device: device(rest)?,
            width: options.whole("width", 16..=15_360)?,
            height: options.whole("height", 16..=8640)?,
        },
        "exec" if rest.trim().is_empty() => return missing("a command: exec:ffmpeg … -f mjpeg -"),
        "exec" => Kind::Command(rest.trim().to_owned()),
        "http" | "https" => Kind::Http {
            url: url(address)?,
            interval: options.seconds("interval", 0.01..=86_400.0)?.unwrap_or(DEFAULT_INTERVAL),
        },
        "ws" | "wss" => Kind::WebSocket(url(address)?),
        "rtsp" => Kind::Rtsp { url: url(address)?, transport: transport(options)?.unwrap_or_default() },
        // It may be a user or a password, without a scheme before it.
        _ if rest.contains('@') && !rest.starts_with('/') => return Err(SpecError::NoScheme),
        _ => return Err(SpecError::UnknownScheme { scheme: scheme.chars().take(40).collect() }),
    })
}

/// Whether a user and a password may stand in it.
fn is_network(address: &str) -> bool {
    let scheme = address.split_once(':').map_or("", |(scheme, _)| scheme);
    ["http", "https", "ws", "wss", "rtsp"].iter().any(|known| known.eq_ignore_ascii_case(scheme))
}

/// `file:///a/b` and `file:/a/b` are the same path; `file:a/b` is a relative one.
fn path(rest: &str) -> &str {
    match rest.strip_prefix("//") {
        Some(path) if path.starts_with('/') => path,
        _ => rest,
    }
}

fn device(rest: &str) -> Result<PathBuf, SpecError> {
    if rest.starts_with('/') {
        return Ok(rest.into());
    }
    let number: Option<u8> = rest.parse().ok();
    let number = number.ok_or_else(|| SpecError::Device { found: rest.chars().take(80).collect() })?;
    Ok(format!("/dev/video{number}").into())
}

fn transport(options: &mut Options) -> Result<Option<Transport>, options::Error> {
    options.read("transport", "tcp or udp", |text| match text {
        "tcp" => Some(Transport::Tcp),
        "udp" => Some(Transport::Udp),
        _ => None,
    })
}

fn url(address: &str) -> Result<Url, SpecError> {
    let bad = |reason: String| SpecError::Url { url: redacted(address), reason };
    let url = Url::parse(address).map_err(|error| bad(error.to_string()))?;
    if url.host_str().is_none_or(str::is_empty) {
        return Err(bad("it names no host".to_owned()));
    }
    Ok(url)
}

/// A name from what is opened: its last word that a name may hold.
fn invented_name(kind: &Kind) -> Result<StreamName, InvalidName> {
    let text = match kind {
        Kind::Test { .. } => "test".to_owned(),
        Kind::Ffmpeg(_) | Kind::Stdin => kind.word().to_owned(),
        Kind::File { path, .. } => {
            path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
        }
        Kind::Http { url, .. } | Kind::WebSocket(url) | Kind::Rtsp { url, .. } => {
            url.host_str().unwrap_or_default().to_owned()
        }
        Kind::Camera { device, .. } => {
            device.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default()
        }
        Kind::Command(command) => {
            let program = command.split_whitespace().next().unwrap_or_default();
            program.rsplit('/').next().unwrap_or_default().to_owned()
        }
    };
    let allowed = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    let text: String = text.chars().map(allowed).take(StreamName::MAX_LEN).collect();
    let text = text.trim_matches('-');
    // An address without a usable letter is called by its kind.
    text.parse().or_else(|_| kind.word().parse())
}

/// The line, without its secrets.
impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.kind)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Test { width, height } => write!(f, "testsrc: ({width}×{height})"),
            Self::File { path, .. } => write!(f, "file:{}", path.display()),
            Self::Ffmpeg(url) => f.write_str(&redacted(url)),
            Self::Stdin => f.write_str("stdin"),
            Self::Http { url, .. } | Self::WebSocket(url) | Self::Rtsp { url, .. } => {
                f.write_str(&redacted(url.as_str()))
            }
            Self::Camera { device, .. } => write!(f, "v4l2:{}", device.display()),
            // Commands carry passwords in their arguments.
            Self::Command(command) => {
                write!(f, "exec:{} …", command.split_whitespace().next().unwrap_or_default())
            }
        }
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kind({self})")
    }
}

impl fmt::Debug for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Spec({self})")
    }
}
