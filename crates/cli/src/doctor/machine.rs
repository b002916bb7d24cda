//! This machine: clock, open files, port, cameras, programs, codecs, network buffers.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use media::pattern::TestPattern;
use server::config::Config;
use sources::{Kind, Spec, Transport};

use super::finding::Finding;

/// No machine that runs this is older: 2026-01-01.
const EARLIEST: Duration = Duration::from_secs(1_767_225_600);
/// Files that a hub has open beside its connections: recordings, the index, logs, threads.
const OTHER_FILES: u64 = 256;
/// A burst of large key frames over UDP.
const UDP_BUFFER_BYTES: u64 = 1_000_000;

/// Everything that needs no hub.
pub(super) fn examine(config: &Config) -> Vec<Finding> {
    let sources = config.sources().unwrap_or_default();
    let mut findings = vec![clock(SystemTime::now())];
    findings.extend(open_files(config.server.max_connections as u64));
    findings.extend(cameras(&sources, &found_cameras()));
    findings.extend(["ffmpeg", "ffprobe"].map(program));
    findings.push(codecs());
    findings.extend(udp_buffers(&sources));
    findings
}

fn clock(now: SystemTime) -> Finding {
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let time = jiff::Timestamp::try_from(now).map(|time| format!("{time:.0}")).unwrap_or_default();
    if since < EARLIEST {
        let mend = "set it, best by NTP (timedatectl set-ntp true): recordings are named by the time";
        return Finding::wrong("clock", format!("this machine's clock says {time}"), mend);
    }
    Finding::ok("clock", time)
}

#[cfg(unix)]
fn open_files(connections: u64) -> Option<Finding> {
    use rustix::process::{Resource, getrlimit};
    Some(files_for(getrlimit(Resource::Nofile).maximum, connections))
}

#[cfg(not(unix))]
fn open_files(_: u64) -> Option<Finding> {
    None
}

/// `most`: the hard limit, to which the hub raises its own; `None` is no limit.
fn files_for(most: Option<u64>, connections: u64) -> Finding {
    let needed = connections.saturating_add(OTHER_FILES);
    let what = match most {
        None => return Finding::ok("open files", "unlimited"),
        Some(most) => format!("at most {most}, for {connections} connections (server.max_connections)"),
    };
    if most.is_some_and(|most| most < needed) {
        let mend = format!(
            "raise the limit to {needed} (ulimit -Hn, LimitNOFILE= in systemd), or lower server.max_connections"
        );
        return Finding::wrong("open files", what, mend);
    }
    Finding::ok("open files", what)
}

/// Whether the hub could listen where the configuration says.
pub(super) fn port(address: SocketAddr) -> Finding {
    let Err(error) = TcpListener::bind(address) else {
        return Finding::ok("port", format!("{address} is free"));
    };
    let (what, mend) = match error.kind() {
        ErrorKind::AddrInUse => (
            format!("{address} is in use by a program that is not a hub"),
            format!("stop it (ss -ltnp 'sport = :{}' names it), or choose another with server.port", address.port()),
        ),
        ErrorKind::PermissionDenied => (
            format!("{address}: ports below 1024 need a right of their own"),
            "choose a port above 1023, or give the right (AmbientCapabilities=CAP_NET_BIND_SERVICE in systemd)".into(),
        ),
        _ => (format!("cannot listen on {address}: {error}"), "give an address of this machine in server.host".into()),
    };
    Finding::wrong("port", what, mend)
}

fn found_cameras() -> Vec<PathBuf> {
    let names = std::fs::read_dir("/dev").into_iter().flatten().flatten().map(|entry| entry.path());
    let is_video = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.strip_prefix("video").is_some_and(|rest| rest.parse::<u32>().is_ok())
    };
    let mut found: Vec<PathBuf> = names.filter(is_video).collect();
    found.sort();
    found
}

/// The configured cameras, which must work, and those that are there.
fn cameras(sources: &[Spec], found: &[PathBuf]) -> Vec<Finding> {
    let configured = sources.iter().filter_map(|source| match &source.kind {
        Kind::Camera { device, .. } => Some(device.clone()),
        _ => None,
    });
    let configured: Vec<PathBuf> = configured.collect();
    let others = found.iter().filter(|device| !configured.contains(device));
    let mut findings: Vec<Finding> = configured.iter().map(|device| camera(device, true)).collect();
    findings.extend(others.map(|device| camera(device, false)));
    if findings.is_empty() {
        findings.push(Finding::ok("camera", "none at this machine, and none is configured"));
    }
    findings
}

fn camera(device: &Path, configured: bool) -> Finding {
    let shown = device.display();
    let Err(error) = OpenOptions::new().read(true).write(true).open(device) else {
        return Finding::ok("camera", format!("{shown} can be opened"));
    };
    let what = format!("{shown} cannot be opened: {error}");
    let mend = match error.kind() {
        ErrorKind::PermissionDenied => {
            "let this user use cameras: sudo usermod -aG video $USER, then log in again"
        }
        ErrorKind::NotFound => "plug it in, or name another: ls /dev/video*",
        _ => "is another program using it? (fuser -v names it)",
    };
    if configured { Finding::wrong("camera", what, mend) } else { Finding::note("camera", what, mend) }
}

/// A program that is called for what the hub does not read itself.
fn program(name: &'static str) -> Finding {
    let output = Command::new(name).arg("-version").stdin(Stdio::null()).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let version =
        text.ok().and_then(|text| Some(text.split_once(" version ")?.1.split(' ').next()?.to_owned()));
    match version {
        Some(version) => Finding::ok(name, format!("version {version}")),
        None => Finding::note(
            name,
            "not found: video that is not MJPEG cannot be published, opened or analysed from files",
            "install it (sudo apt install ffmpeg) and have it in PATH",
        ),
    }
}

/// JPEG and H.264 there and back, with what is built in.
fn codecs() -> Finding {
    match encoded_and_decoded() {
        Ok((encoded, decoded)) => {
            let millis = |time: Duration| time.as_secs_f64() * 1e3;
            let what = format!(
                "JPEG and H.264 are built in; a 640×480 H.264 frame is encoded in {:.1} ms and decoded in {:.1} ms",
                millis(encoded),
                millis(decoded)
            );
            Finding::ok("codecs", what)
        }
        Err(error) => {
            let mend = "keep to recording.codec=mp4v or mjpeg, and please report this";
            Finding::wrong("codecs", format!("H.264 does not work on this machine: {error}"), mend)
        }
    }
}

fn encoded_and_decoded() -> anyhow::Result<(Duration, Duration)> {
    let mut pattern = TestPattern::new(640, 480);
    let mut encoder = media::h264::Encoder::new(640, 480, 30.0)?;
    let picture = pattern.draw(1, "00:00:00", "doctor");
    // The first one finds everything cold.
    encoder.encode_picture(picture, true)?;
    let started = Instant::now();
    let frame = encoder.encode_picture(picture, true)?;
    let encoded = started.elapsed();
    let (sps, pps) = frame.parameter_sets.ok_or_else(|| anyhow::anyhow!("the encoder gave no parameters"))?;
    let mut decoder = media::h264::Decoder::new(&sps, &pps)?;
    let started = Instant::now();
    let size = decoder.decode(&frame.avcc)?.map(|picture| picture.size());
    anyhow::ensure!(size == Some((640, 480)), "a frame came back as {size:?}");
    Ok((encoded, started.elapsed()))
}

/// Only pictures that come over UDP wait in such a buffer.
fn udp_buffers(sources: &[Spec]) -> Option<Finding> {
    let by_udp = |source: &Spec| matches!(source.kind, Kind::Rtsp { transport: Transport::Udp, .. });
    if !sources.iter().any(by_udp) {
        return None;
    }
    let text = std::fs::read_to_string("/proc/sys/net/core/rmem_max").ok()?;
    Some(udp_buffer(text.trim().parse().ok()?))
}

fn udp_buffer(bytes: u64) -> Finding {
    let what = format!("net.core.rmem_max is {bytes} bytes, for cameras over UDP");
    if bytes >= UDP_BUFFER_BYTES {
        return Finding::ok("UDP buffers", what);
    }
    let mend = format!("sudo sysctl -w net.core.rmem_max={}, or use transport=tcp", 4 * UDP_BUFFER_BYTES);
    Finding::note("UDP buffers", what, mend)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn too_few_files_for_the_connections_are_told_with_the_number_that_is_needed() {
        assert_eq!(files_for(Some(1024), 2048).verdict, Verdict::Wrong);
        assert!(files_for(Some(1024), 2048).mend.contains("2304"));
        assert_eq!(files_for(Some(1 << 20), 2048).verdict, Verdict::Ok);
        assert_eq!(files_for(None, 2048).verdict, Verdict::Ok);
    }

    #[test]
    fn a_clock_that_starts_in_1970_is_wrong() {
        assert_eq!(clock(SystemTime::UNIX_EPOCH).verdict, Verdict::Wrong);
        assert_eq!(clock(SystemTime::now()).verdict, Verdict::Ok);
    }

    #[test]
    fn a_port_in_use_is_wrong_and_a_free_one_is_fine() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        assert!(port(address).what.contains("in use"));
        drop(taken);
        assert_eq!(port(address).verdict, Verdict::Ok);
    }

    #[test]
    fn a_configured_camera_must_be_there_and_others_may_be_closed() {
        let missing = Spec::parse("desk=v4l2:/dev/video77").unwrap();
        let findings = cameras(&[missing], &[PathBuf::from("/nowhere/video0")]);
        assert_eq!(findings.iter().map(|f| f.verdict).collect::<Vec<_>>(), [Verdict::Wrong, Verdict::Note]);
        assert_eq!(cameras(&[], &[])[0].verdict, Verdict::Ok);
    }

    #[test]
    fn programs_and_codecs_are_tried() {
        assert_eq!(program("no-such-program-of-ours").verdict, Verdict::Note);
        assert_eq!(codecs().verdict, Verdict::Ok, "{}", codecs().what);
    }

    #[test]
    fn small_udp_buffers_matter_for_cameras_over_udp_only() {
        assert_eq!(udp_buffer(212_992).verdict, Verdict::Note);
        assert_eq!(udp_buffers(&[Spec::parse("a=rtsp://h/1").unwrap()]), None);
    }
}
