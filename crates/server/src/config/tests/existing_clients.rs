//! The files and names that existing clients use (docs/ref/compatibility.md), and the documents that are generated.

use std::fs;
use std::path::Path;

use super::*;

/// The stream server's configuration file.
#[test]
fn document_001s_file_is_taken_as_it_stands() {
    let loaded = case().file(include_str!("../../../../../testdata/config/001.yaml")).good();
    let config = &loaded.config;
    assert_eq!(config.streams, Config::default().streams);
    assert_eq!(
        config.server,
        server::Server { host: "0.0.0.0".parse().unwrap(), ..Config::default().server }
    );
    assert_eq!(config.recording, Config::default().recording);
    assert_eq!(config.cleanup, Config::default().cleanup);
    assert_eq!(config.logging, Config::default().logging);
    assert_eq!(loaded.warnings.len(), 1, "it listens on every address and has no key");
    assert!(!config.demo_runs());
}

/// What else its configuration files hold: a format of Python's logging, and words of OpenCV and Python.
#[test]
fn a_python_servers_words_are_taken() {
    for format in ["%(asctime)s - %(name)s - %(levelname)s - %(message)s", "{asctime} {message}", "$message"]
    {
        let loaded = case().file(format!("logging:\n  format: \"{format}\"\n")).good();
        assert_eq!(loaded.config.logging.format, Config::default().logging.format, "{format}");
        assert!(warnings(&loaded)[0].contains("Python"), "{:?}", warnings(&loaded));
    }
    assert!(case().file("logging:\n  format: fancy\n").report().contains("auto, text, json"));
    for (written, level) in [("CRITICAL", Level::Error), ("fatal", Level::Error), ("Warning", Level::Warn)] {
        let loaded = case().file(format!("logging: {{level: {written}}}\n")).good();
        assert_eq!(loaded.config.logging.level, level, "{written}");
    }
    for (written, codec) in
        [("avc1", record::Codec::H264), ("H264", record::Codec::H264), ("MJPG", record::Codec::Mjpeg)]
    {
        let loaded = case().file(format!("recording: {{codec: {written}}}\n")).good();
        assert_eq!(loaded.config.recording.codec, codec, "{written}");
    }
}

/// Kubernetes and Docker describe the services near a container in variables that can have a client's names.
#[test]
fn what_an_orchestrator_says_of_its_services_sets_nothing() {
    let link = [
        ("SERVER_PORT", "tcp://10.3.250.1:5000"),
        ("SERVER_SERVICE_HOST", "10.3.250.1"),
        ("SERVER_SERVICE_PORT", "5000"),
        ("SERVER_PORT_5000_TCP", "tcp://10.3.250.1:5000"),
        ("SERVER_PORT_5000_TCP_ADDR", "10.3.250.1"),
        ("VIDEO_PROXY_PORT", "tcp://10.3.250.2:8889"),
        ("ISAAC_SIM_PORT", "TCP://[fd00::1]:8211"),
        ("ISAAC_STREAM_PORT", "udp://10.3.250.3:8765"),
        ("REFEREE_PORT", "tcp://10.3.250.4:8080"),
        ("REFEREE_SERVICE_PORT_HTTP", "8080"),
        ("REFEREE_PORT_8080_TCP_PROTO", "tcp"),
        ("FRAMEHUB_SERVER_PORT", "tcp://10.3.250.5:5000"),
    ];
    let loaded = case().env(&link).good();
    assert_eq!(loaded.config, case().good().config);
    let [warning] = &warnings(&loaded)[..] else { panic!("{:?}", warnings(&loaded)) };
    assert!(warning.contains("more like it") && warning.contains("left out"), "{warning}");
    assert_eq!(case().env(&link).args(&["server.port=8080"]).good().config.server.port, 8080);
    assert!(warnings(&case().env(&[("OTHER_PORT", "tcp://10.0.0.1:80")]).good()).is_empty());
    // What is meant for the hub, and wrong, is still said.
    assert!(case().env(&[("SERVER_PORT", "eighty")]).report().contains("SERVER_PORT"));
    assert!(case().env(&[("FRAMEHUB__SERVER__PORT", "tcp://x")]).report().contains("FRAMEHUB__SERVER__PORT"));
}

/// Every name that an existing client's environment has, with a value of its documentation where it has one.
#[test]
fn every_environment_name_of_the_documents_works() {
    let documented = [
        // the stream server
        ("STREAM_TIMEOUT_SECONDS", "600", "streams.timeout_seconds"),
        ("MAX_CONCURRENT_STREAMS", "100", "streams.max_concurrent"),
        ("RECORDING_RETENTION_DAYS", "14", "recording.retention_days"),
        ("LOG_LEVEL", "DEBUG", "logging.level"),
        ("SERVER_PORT", "8080", "server.port"),
        ("SERVER_DEBUG", "true", "server.debug"),
        // the simulator proxy, and the port of its MJPEG
        ("VIDEO_PROXY_PORT", "8889", "server.port"),
        ("ISAAC_SIM_IP", "18.234.83.45", "simulator.ip"),
        ("ISAAC_SIM_PORT", "8212", "simulator.port"),
        ("ISAAC_SIM_WS_PORT", "8213", "simulator.ws_port"),
        ("ISAAC_STREAM_PORT", "8766", "simulator.stream_port"),
        // the frame upload
        ("REFEREE_MAX_STREAMING_SESSIONS", "11", "referee.max_streaming_sessions"),
        ("REFEREE_MAX_STREAMING_MEMORY_MB", "4096", "referee.max_streaming_memory_mb"),
        ("REFEREE_STREAMING_SESSION_TIMEOUT", "301", "referee.streaming_session_timeout"),
        ("REFEREE_YOLO_MODEL", "models/pose.onnx", "referee.yolo_model"),
        ("REFEREE_FISHEYE", "false", "referee.fisheye"),
        ("REFEREE_FISHEYE_STRENGTH", "-0.2", "referee.fisheye_strength"),
        ("REFEREE_FISHEYE_K2", "0.01", "referee.fisheye_k2"),
        ("REFEREE_FISHEYE_K3", "0.002", "referee.fisheye_k3"),
        ("REFEREE_FISHEYE_K4", "-0.001", "referee.fisheye_k4"),
        ("REFEREE_FISHEYE_BALANCE", "0.5", "referee.fisheye_balance"),
        ("REFEREE_OUTPUT_DIR", "/var/lib/referee", "referee.output_dir"),
        ("REFEREE_LOG_LEVEL", "DEBUG", "logging.level"),
        ("REFEREE_HOST", "127.0.0.2", "server.host"),
        ("REFEREE_PORT", "8081", "server.port"),
        // the robot stream
        ("STREAM_FPS", "15", "viewers.stream_fps"),
        ("STREAM_BUFFER_SIZE", "2", "streams.max_buffer_frames"),
        ("STREAM_TIMEOUT", "30", "streams.timeout_seconds"),
        ("ENABLE_FRAME_CACHE", "false", "camera.frame_cache"),
        ("HEARTBEAT_INTERVAL", "3.5", "viewers.heartbeat_interval"),
        ("CAMERA_INDEX", "1", "camera.index"),
        ("CAMERA_WIDTH", "480", "camera.width"),
        ("CAMERA_HEIGHT", "360", "camera.height"),
        ("CAMERA_FPS", "25", "camera.fps"),
        ("JPEG_QUALITY", "70", "camera.jpeg_quality"),
        ("API_KEYS", "as129skaSF1", "auth.api_keys"),
    ];
    for (name, value, path) in documented {
        let from_env = case().env(&[(name, value)]).good();
        let from_dotenv = case().dotenv(format!("# note\nexport {name}={value}")).good();
        for loaded in [from_env, from_dotenv] {
            let shown = if name == "API_KEYS" { MASK } else { value };
            assert_eq!(value_of(&loaded, path), shown, "{name}");
            assert_ne!(loaded.config, Config::default(), "{name}");
            assert_eq!(warnings(&loaded), [""; 0], "{name}");
        }
    }
    let known = keys().flat_map(|key| key.env).count();
    assert_eq!(known, documented.len(), "a name of the table is missing here");
}

/// The robot stream's `.env`.
#[test]
fn document_004s_dotenv_is_taken_as_it_stands() {
    let text = "# Cloudflare optimized settings\nSTREAM_FPS=15\nHEARTBEAT_INTERVAL=5.0\nJPEG_QUALITY=70\nENABLE_FRAME_CACHE=true\n";
    let loaded = case().dotenv(text).good();
    assert_eq!(loaded.config.viewers.stream_fps, Some(15.0));
    assert_eq!(loaded.config.camera.jpeg_quality, 70);
    assert!(matches!(origin_of(&loaded, "camera.jpeg_quality"), Origin::DotEnv { line: 4, .. }));
}

#[test]
fn the_robot_stream_has_its_own_rate_until_one_is_written() {
    assert_eq!(case().good().config.viewers.robot_fps(), Some(15.0));
    assert_eq!(case().env(&[("STREAM_FPS", "20")]).good().config.viewers.robot_fps(), Some(20.0));
    assert_eq!(case().args(&["viewers.stream_fps=0"]).good().config.viewers.robot_fps(), None);
    assert_eq!(case().args(&["viewers.profile=mobile"]).good().config.viewers.robot_fps(), Some(10.0));
}

/// the robot stream: its four blocks of settings, one profile each.
#[test]
fn document_004s_settings_are_profiles() {
    let config = |name: &str| case().args(&[&format!("viewers.profile={name}")]).good().config;
    let shown = |config: &Config| {
        let (viewers, camera) = (&config.viewers, &config.camera);
        (viewers.stream_fps.unwrap(), camera.jpeg_quality, camera.width, camera.height)
    };
    let cloudflare = config("cloudflare");
    assert_eq!(shown(&cloudflare), (15.0, 70, 640, 480));
    assert_eq!((cloudflare.streams.max_buffer_frames, cloudflare.streams.timeout.as_secs()), (2, 30));
    assert_eq!(cloudflare.viewers.heartbeat_interval, Duration::from_secs(5));
    assert_eq!((cloudflare.camera.fps, cloudflare.camera.frame_cache), (30.0, true));
    let lan = config("lan");
    assert_eq!(shown(&lan), (30.0, 85, 640, 480));
    assert_eq!(lan.viewers.heartbeat_interval, Duration::from_secs(10));
    assert_eq!(shown(&config("low_latency")), (20.0, 90, 1280, 720));
    assert_eq!(shown(&config("mobile")), (10.0, 60, 480, 360));
}

#[test]
fn what_is_written_wins_over_a_profile_wherever_it_stands() {
    let loaded =
        case().file("viewers:\n  stream_fps: 12\n").env(&[("FRAMEHUB__VIEWERS__PROFILE", "mobile")]).good();
    assert_eq!(loaded.config.viewers.stream_fps, Some(12.0));
    assert_eq!(loaded.config.camera.jpeg_quality, 60);
    assert_eq!(origin_of(&loaded, "camera.jpeg_quality").to_string(), "viewers.profile=mobile");
    let later = case().file("viewers:\n  profile: mobile\n").args(&["viewers.profile=lan"]).good();
    assert_eq!(later.config.viewers.stream_fps, Some(30.0));
    let none = case().file("viewers:\n  profile: mobile\n").args(&["viewers.profile=none"]).good();
    assert_eq!((none.config.viewers.stream_fps, none.config.camera.jpeg_quality), (None, 85));
    let report = case().args(&["viewers.profile=satellite"]).report();
    assert!(report.contains("low_latency"), "{report}");
}

#[test]
fn what_show_prints_can_be_read_back() {
    let original = case().args(&["server.port=0", "logging.file=a\"b\\c.log", "streams.default=x"]).good();
    let again = case().file(reference::show(&original)).good();
    let with_key = case().args(&["auth.api_keys=long-enough"]).good();
    assert!(
        case().file(reference::show(&with_key)).good().config.auth.api_keys.is_empty(),
        "a mask is no key"
    );
    for (before, after) in original.settings.iter().zip(&again.settings) {
        assert_eq!(before.value, after.value, "{}", before.key.path());
    }
}

/// The example's keys, with the mark taken away that comments them out.
fn uncommented(example: &str) -> String {
    let mut text = String::new();
    for line in example.lines() {
        match line.strip_prefix("  #").filter(|rest| !rest.starts_with(' ')) {
            Some(key) => {
                text += &format!(
                    "  {key}
"
                )
            }
            None => {
                text += &format!(
                    "{line}
"
                )
            }
        }
    }
    text
}

#[test]
fn the_example_file_sets_nothing_and_holds_every_default() {
    let example = reference::example();
    let as_it_is = case().file(&example).good();
    assert!(as_it_is.settings.iter().all(|setting| setting.origin == Origin::Default));
    let loaded = case().file(uncommented(&example)).good();
    assert!(loaded.settings.iter().all(|setting| setting.origin != Origin::Default));
    assert_eq!(reference::changed(&loaded), "");
}

/// Fails when a generated document is not what the table says today.
fn assert_fresh(path: &str, generated: &str, command: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let committed = fs::read_to_string(root.join(path)).unwrap_or_default();
    assert!(committed == generated, "{path} is stale; renew it with: {command} > {path}");
}

#[test]
fn the_reference_page_is_fresh() {
    assert_fresh(
        "docs/ref/configuration.md",
        &reference::page(),
        "cargo run -p framehub -- config reference",
    );
}

#[test]
fn the_example_file_is_fresh() {
    assert_fresh(
        "config.example.yaml",
        &reference::example(),
        "cargo run -p framehub -- config reference --format yaml",
    );
}
