//! `publish`, `watch` and `bench` as a person runs them: real processes, against a hub on a port of the
//! system's choice.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use client::{Endpoint, http};
use media::{Picture, jpeg};
use serde_json::Value;

fn framehub(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_framehub"));
    // Keys and settings of whoever runs the tests are not theirs to see.
    command.current_dir(folder).env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command
}

struct Hub {
    process: Child,
    url: String,
    folder: tempfile::TempDir,
}

impl Hub {
    fn start() -> Hub {
        Hub::start_with("server.max_frame_size_mb=10")
    }

    fn start_with(setting: &str) -> Hub {
        let folder = tempfile::tempdir().unwrap();
        let mut process = framehub(folder.path())
            .args(["serve", "server.port=0", "logging.file=none", "demo.enabled=false", setting])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url =
            line.strip_prefix("Framehub is ready: ").expect("the first line says where").trim().to_owned();
        Hub { process, url, folder }
    }

    fn stream(&self, name: &str) -> String {
        format!("{}publish/{name}", self.url)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        framehub(self.folder.path()).args(arguments).output().unwrap()
    }

    fn json(&self, path: &str) -> Value {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let endpoint = Endpoint::parse(&self.url).unwrap();
        runtime.block_on(http::get_json(&endpoint, path)).unwrap()
    }

    fn write(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn pictures(count: u8) -> Vec<Vec<u8>> {
    (0..count).map(|grey| jpeg::encode(&Picture::filled(32, 16, [grey * 20; 3]), 90).unwrap()).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_file_is_published_frame_by_frame_and_watched() {
    let hub = Hub::start();
    let pictures = pictures(6);
    let file = hub.write("clip.mjpeg", &pictures.concat());
    let output = hub.run(&["publish", &file, "--no-loop", "--fps", "50", "--to", &hub.url]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("/publish/clip"), "the file names the stream");

    let stats = hub.json("/api/streams/clip/stats");
    // A busy machine may make it skip, never lose the last.
    let total = stats["total_frames"].as_u64().unwrap();
    assert!((1..=6).contains(&total), "{stats}");

    let watched = hub.run(&["watch", &hub.stream("clip"), "--count", "1", "--save", "frames", "--json"]);
    assert!(watched.status.success(), "{}", text(&watched.stderr));
    let line: Value = serde_json::from_slice(&watched.stdout).unwrap();
    assert_eq!(
        (&line["type"], &line["frames"], &line["last_seq"]),
        (&"total".into(), &1.into(), &total.into())
    );
    let saved = hub.folder.path().join("frames").join(format!("clip_{total:06}.jpg"));
    assert_eq!(std::fs::read(saved).unwrap(), pictures[5], "the last frame, byte for byte");
}

#[test]
fn a_pipe_and_a_folder_are_published_too() {
    let hub = Hub::start();
    let pictures = pictures(3);
    let mut piped = framehub(hub.folder.path())
        .args(["publish", "-", "--fps", "50", "--to", &hub.stream("pipe")])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    piped.stdin.take().unwrap().write_all(&pictures.concat()).unwrap();
    assert!(piped.wait().unwrap().success());
    assert_eq!(hub.json("/api/streams/pipe/stats")["total_frames"], 3, "a pipe with a pace waits for us");

    std::fs::create_dir(hub.folder.path().join("slides")).unwrap();
    hub.write("slides/b.jpg", &pictures[1]);
    hub.write("slides/a.jpg", &pictures[0]);
    let output = hub.run(&["publish", "slides", "--no-loop", "--fps", "20", "--to", &hub.stream("slides")]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let watched = hub.run(&["watch", &hub.stream("slides"), "--count", "1", "--save", "."]);
    assert!(watched.status.success(), "{}", text(&watched.stderr));
    let total = hub.json("/api/streams/slides/stats")["total_frames"].as_u64().unwrap();
    let saved = hub.folder.path().join(format!("slides_{total:06}.jpg"));
    assert_eq!(std::fs::read(saved).unwrap(), pictures[1], "sorted by name, so b is last");
}

#[test]
fn frames_that_the_hub_refuses_are_a_failure_in_its_words() {
    let hub = Hub::start_with("server.max_frame_size_mb=0.001");
    let large = Picture::filled(640, 480, [90; 3]);
    let file = hub.write("large.jpg", &jpeg::encode(&large, 90).unwrap());
    let output = hub.run(&["publish", &file, "--no-loop", "--to", &hub.stream("large")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("the hub took none of the frames (1 sent)"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn a_picture_that_is_none_is_a_failure_that_names_it() {
    let hub = Hub::start();
    let file = hub.write("odd.jpg", b"\xFF\xD8\xFF\xDA\0\x02 a scan without a frame \xFF\xD9");
    let output = hub.run(&["publish", &file, "--no-loop", "--to", &hub.stream("odd")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("odd.jpg"), "{}", text(&output.stderr));
}

#[test]
fn the_bench_measures_a_hub_of_its_own() {
    let hub = Hub::start();
    for mode in ["multipart", "raw", "ws"] {
        let line = format!(
            "bench --json --duration 0.5 --warmup 0.1 --streams 2 --viewers 3 --slow 1 --mode {mode}"
        );
        let mut arguments: Vec<&str> = line.split(' ').collect();
        if mode == "raw" {
            arguments.extend(["--url", &hub.url]);
        }
        let output = hub.run(&arguments);
        assert!(output.status.success(), "{mode}: {}", text(&output.stderr));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["hub"]["started_here"], mode != "raw");
        assert_eq!(
            (&report["viewers"]["viewers"], &report["slow_viewers"]["viewers"]),
            (&2.into(), &1.into())
        );
        assert!(report["viewers"]["frames"].as_u64() > Some(0), "{report}");
        assert!(report["viewers"]["age_ms"]["p50"].as_f64() > Some(0.0), "{report}");
        assert_eq!(report["publish"]["errors"], serde_json::json!({}), "{report}");
        assert_eq!(report["viewers"]["errors"], serde_json::json!({}), "{report}");
    }
    assert_eq!(hub.json("/api/streams")["count"], 0, "it cleans up behind itself");

    let strict =
        hub.run(&["bench", "--duration", "0.3", "--warmup", "0.1", "--viewers", "1", "--min-fps", "900"]);
    assert_eq!(strict.status.code(), Some(1));
    assert!(text(&strict.stderr).contains("--min-fps 900"), "{}", text(&strict.stderr));
    assert!(text(&strict.stdout).contains("offered"), "the table comes all the same");
}

#[test]
fn failing_and_wrong_usage_have_exit_codes_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    // Bound and not listening: nobody else gets the port, and nobody answers at it.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let nobody = format!("http://{}", socket.local_addr().unwrap());
    let code = |line: &str| {
        let output = framehub(folder.path()).args(line.split(' ')).output().unwrap();
        (output.status.code(), text(&output.stderr))
    };
    for line in ["publish testsrc --to NOBODY/publish/x", "watch NOBODY/stream/x", "bench --url NOBODY"] {
        let (code, said) = code(&line.replace("NOBODY", &nobody));
        assert_eq!(code, Some(1), "{line}: {said}");
        assert!(said.contains(&nobody), "{line}: {said}");
    }
    for line in
        ["publish", "publish testsrc --to ftp://hub/publish/x", "watch http://hub:no", "bench --slow 11"]
    {
        let (code, said) = code(line);
        assert_eq!(code, Some(2), "{line}: {said}");
        assert!(said.contains("--help"), "{line}: {said}");
    }
    let (code, said) = code("publish nothing-here.mp4 --to http://127.0.0.1:1/publish/x");
    assert_eq!(code, Some(1));
    assert!(said.contains("nothing-here.mp4"), "{said}");
}

/// What ffmpeg is needed for, checked where it is installed.
#[test]
fn other_video_goes_through_ffmpeg_or_says_how_to_get_it() {
    let hub = Hub::start();
    let video = hub.folder.path().join("clip.mkv");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc=size=64x48:rate=20:duration=0.5"])
        .args(["-c:v", "ffv1", "-y"])
        .arg(&video)
        .status();
    let video = match made {
        Ok(status) if status.success() => video.to_str().unwrap().to_owned(),
        // A Matroska file's beginning is enough for the way without ffmpeg.
        _ => hub.write("clip.mkv", b"\x1A\x45\xDF\xA3 Matroska"),
    };
    let mut without = framehub(hub.folder.path());
    let output =
        without.env("PATH", "").args(["publish", &video, "--to", &hub.stream("a")]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("install ffmpeg"), "{}", text(&output.stderr));

    if !matches!(Command::new("ffmpeg").arg("-version").output(), Ok(output) if output.status.success()) {
        return;
    }
    let output = hub.run(&["publish", &video, "--no-loop", "--to", &hub.stream("b")]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let stats = hub.json("/api/streams/b/stats");
    assert!(stats["total_frames"].as_u64() > Some(0), "{stats}");
}
