//! The layers together: precedence, values as written, the report, what follows from it.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use tempfile::TempDir;

use super::load::{DEFAULT_FILE, DOTENV_FILE, MASK};
use super::*;

mod existing_clients;
mod never_panics;
mod simulators;
mod sources;

/// A folder with a configuration file and a `.env`, an environment and arguments.
struct Case {
    directory: TempDir,
    sources: Inputs,
}

fn case() -> Case {
    let directory = tempfile::tempdir().unwrap();
    let sources = Inputs { directory: directory.path().to_owned(), ..Inputs::default() };
    Case { directory, sources }
}

impl Case {
    fn file(self, text: impl AsRef<[u8]>) -> Case {
        fs::write(self.directory.path().join(DEFAULT_FILE), text).unwrap();
        self
    }

    fn dotenv(self, text: impl AsRef<[u8]>) -> Case {
        fs::write(self.directory.path().join(DOTENV_FILE), text).unwrap();
        self
    }

    fn env(mut self, variables: &[(&str, &str)]) -> Case {
        let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.sources.environment = owned.collect();
        self
    }

    fn args(mut self, arguments: &[&str]) -> Case {
        self.sources.arguments = arguments.iter().map(|text| text.parse().unwrap()).collect();
        self
    }

    fn load(&self) -> Result<Loaded, Error> {
        load(&self.sources)
    }

    fn good(&self) -> Loaded {
        self.load().unwrap_or_else(|error| panic!("{error}"))
    }

    /// The report, without the folder's name.
    fn report(&self) -> String {
        let report = self.load().unwrap_err().to_string();
        report.replace(&format!("{}/", self.directory.path().display()), "")
    }
}

fn origin_of(loaded: &Loaded, path: &str) -> Origin {
    loaded.settings.iter().find(|setting| setting.key.path() == path).unwrap().origin.clone()
}

fn value_of(loaded: &Loaded, path: &str) -> String {
    loaded.settings.iter().find(|setting| setting.key.path() == path).unwrap().value.clone()
}

fn warnings(loaded: &Loaded) -> Vec<String> {
    loaded.warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn nothing_written_is_the_defaults() {
    let loaded = case().good();
    assert_eq!(loaded.config, Config::default());
    assert_eq!(loaded.config.server.host, IpAddr::V4(Ipv4Addr::LOCALHOST));
    assert_eq!(loaded.config.server.address().to_string(), "127.0.0.1:5000");
    assert_eq!(loaded.config.server.max_frame_bytes, 10 * 1024 * 1024);
    assert_eq!(loaded.config.streams.max_buffer_bytes, 128 * 1024);
    assert_eq!(loaded.config.viewers.stream_fps, None);
    assert_eq!(loaded.config.viewers.send_buffer_bytes, 16 * 1024);
    assert_eq!(loaded.config.recording.retention.max_age, Duration::from_secs(7 * 86_400));
    assert_eq!(loaded.config.camera.index, None);
    assert!(loaded.warnings.is_empty() && loaded.files.is_empty());
}

#[test]
fn a_later_layer_wins() {
    let file = || case().file("server:\n  port: 1\n");
    let dotenv = || file().dotenv("SERVER_PORT=2\n");
    let env = || dotenv().env(&[("SERVER_PORT", "3")]);
    let args = || env().args(&["server.port=4", "server.port=5"]);
    let ports = [case(), file(), dotenv(), env(), args()].map(|case| case.good().config.server.port);
    assert_eq!(ports, [5000, 1, 2, 3, 5]);

    assert!(matches!(origin_of(&file().good(), "server.port"), Origin::File { line: 2, .. }));
    assert!(matches!(origin_of(&dotenv().good(), "server.port"), Origin::DotEnv { line: 1, .. }));
    assert_eq!(
        origin_of(&env().good(), "server.port"),
        Origin::Environment { name: "SERVER_PORT".to_owned() }
    );
    assert_eq!(origin_of(&args().good(), "server.port"), Origin::Argument { key: "server.port".to_owned() });
}

#[test]
fn a_bad_value_is_reported_although_a_later_layer_covers_it() {
    let report = case().file("server:\n  port: x\n").args(&["server.port=4"]).report();
    assert!(report.contains(r#"config.yaml:2: server.port: "x" is not a whole number"#), "{report}");
}

#[test]
fn every_key_has_a_name_of_our_own_that_wins() {
    let loaded = case()
        .env(&[
            ("FRAMEHUB__STREAMS__TIMEOUT_SECONDS", "1"),
            ("STREAM_TIMEOUT", "2"),
            ("STREAM_TIMEOUT_SECONDS", "1"),
        ])
        .good();
    assert_eq!(loaded.config.streams.timeout, Duration::from_secs(1));
    assert_eq!(
        warnings(&loaded),
        ["environment variable STREAM_TIMEOUT: differs from FRAMEHUB__STREAMS__TIMEOUT_SECONDS, \
          which sets the same streams.timeout_seconds and wins"]
    );
}

#[test]
fn an_empty_variable_is_not_set() {
    let loaded = case().env(&[("SERVER_PORT", ""), ("VIDEO_PROXY_PORT", "8889")]).good();
    assert_eq!(loaded.config.server.port, 8889);
    assert_eq!(warnings(&loaded), [""; 0]);
}

#[test]
fn names_that_can_only_be_ours_are_not_passed_over() {
    let loaded =
        case().env(&[("REFEREE_YOLO_MDEL", "x"), ("FRAMEHUB_SERVER_PORT", "1"), ("PATH", "/bin")]).good();
    assert_eq!(
        warnings(&loaded),
        [
            "environment variable FRAMEHUB_SERVER_PORT: is not read; did you mean FRAMEHUB__SERVER__PORT (two underscores)?",
            "environment variable REFEREE_YOLO_MDEL: is not known and is left out; did you mean REFEREE_YOLO_MODEL?",
        ]
    );
    let report = case().env(&[("FRAMEHUB__SERVR__PORT", "1")]).report();
    assert!(report.contains("did you mean FRAMEHUB__SERVER__PORT?"), "{report}");
    let loaded = case().dotenv("STREAM_FSP=15\nUNRELATED=1\n").good();
    assert_eq!(loaded.warnings.len(), 1);
    assert!(warnings(&loaded)[0].ends_with("did you mean STREAM_FPS?"));
}

#[test]
fn dotenv_lines_are_numbered_and_the_last_of_a_name_counts() {
    let text = "A=\"one\ntwo\"\nSERVER_PORT=1\n\n  export SERVER_PORT = '2' # note \nLOG_LEVEL=debug  ";
    let loaded = case().dotenv(text).good();
    assert_eq!(loaded.config.server.port, 2);
    assert_eq!(loaded.config.logging.level, Level::Debug);
    assert!(matches!(origin_of(&loaded, "server.port"), Origin::DotEnv { line: 5, .. }));
    assert!(matches!(origin_of(&loaded, "logging.level"), Origin::DotEnv { line: 6, .. }));
    assert!(
        warnings(&loaded)[0]
            .ends_with(".env:5 SERVER_PORT: stands here a second time, after line 3; this one counts")
    );
}

#[test]
fn all_problems_are_warned_together() {
    let case = case()
        .file(
            "streams:\n  timeout_secs: 300\n  max_concurrent: lots\n  max_buffer_frames: 30\n  max_buffer_frames: 31\n\
             recoding:\n  enabled: maybe\n\
             server:\n  host: my-robot\n  port: 70000\n  max_frame_size_mb: [1, 2]\n  debug:\n    on: true\n\
             logging: INFO\n\
             port: 5000\n\
             auth:\n  api_keys: [\"hush hush\", [a]]\n\
             viewers:\n\t- x\n",
        )
        .dotenv("LOG_LEVEL=LOUD\nfoo bar\nSTREAM_FSP=1\n")
        .env(&[("HEARTBEAT_INTERVAL", "0"), ("API_KEYS", "hush hush"), ("FRAMEHUB__SERVER__PROT", "1")])
        .args(&["viewers.send_buffer_kb=2", "viewer.stream_fps=3", "auth.api_keys=hush hush"]);
    insta::assert_snapshot!(case.report(), @r#"
    the configuration has 20 problems:

      config.yaml:2: the section streams has no key "timeout_secs"
          did you mean streams.timeout_seconds?

      config.yaml:3: streams.max_concurrent: "lots" is not a whole number
          allowed: a whole number from 1 to 100000

      config.yaml:5: "streams.max_buffer_frames" stands here a second time, after line 4
          allowed: each key once in its section

      config.yaml:6: there is no section "recoding"
          allowed: server, streams, viewers, demo, auth, limits, logging, cleanup, recording, camera, simulator, sessions, referee, sources, simulators
          did you mean recording?

      config.yaml:9: server.host: "my-robot" is not allowed
          allowed: an IP address: 127.0.0.1 or localhost (this machine only), 0.0.0.0 (every IPv4 address), :: (every address) or one of this machine's own

      config.yaml:10: server.port: "70000" is out of range
          allowed: a whole number from 0 to 65535

      config.yaml:11: server.max_frame_size_mb: a list stands where one value belongs
          allowed: a number from 0.001 to 100 MB

      config.yaml:12: server.debug: a section stands where a value belongs
          allowed: true or false

      config.yaml:14: logging: a value stands where the section's keys belong
          allowed: keys indented on the lines below, such as `  level: …`

      config.yaml:15: there is no section "port"
          allowed: server, streams, viewers, demo, auth, limits, logging, cleanup, recording, camera, simulator, sessions, referee, sources, simulators
          did you mean server.port?

      config.yaml:17: auth.api_keys: the list holds something other than plain values
          allowed: one or more keys of visible ASCII characters without spaces, separated by commas or as a list (KEY,KEY or ["KEY", "KEY"]), and no placeholder such as ${KEY}

      config.yaml:19: not YAML: tabs disallowed within this context (block indentation) (column 2)
          allowed: spaces to indent with; here stands a tab

      .env:1 LOG_LEVEL: logging.level: "LOUD" is not one of the choices
          allowed: one of DEBUG, INFO, WARNING, WARN, ERROR, TRACE, CRITICAL, FATAL, NOTSET

      .env:2: the line cannot be read
          allowed: NAME=value, with quotes around a value that has spaces

      environment variable FRAMEHUB__SERVER__PROT: no key has this name
          allowed: FRAMEHUB__SECTION__KEY in capitals
          did you mean FRAMEHUB__SERVER__PORT?

      environment variable HEARTBEAT_INTERVAL: viewers.heartbeat_interval: "0" is out of range
          allowed: a number from 0.1 to 3600 seconds

      environment variable API_KEYS: auth.api_keys: the value is not allowed
          allowed: one or more keys of visible ASCII characters without spaces, separated by commas or as a list (KEY,KEY or ["KEY", "KEY"]), and no placeholder such as ${KEY}

      argument viewer.stream_fps: there is no key viewer.stream_fps
          did you mean viewers.stream_fps?

      argument viewers.send_buffer_kb: "2" is out of range
          allowed: a whole number from 4 to 1024 kB

      argument auth.api_keys: the value is not allowed
          allowed: one or more keys of visible ASCII characters without spaces, separated by commas or as a list (KEY,KEY or ["KEY", "KEY"]), and no placeholder such as ${KEY}

      warning: .env:3 STREAM_FSP: is not known and is left out; did you mean STREAM_FPS?

    `framehub config reference` explains every key.
    "#);
    assert_eq!(case.load().unwrap_err().problems[0].kind, ProblemKind::UnknownKey);
    assert_eq!(case.load().unwrap_err().exit_code(), 1);
}

#[test]
fn a_mistake_on_the_command_line_alone_is_wrong_usage() {
    assert_eq!(case().args(&["server.prot=1"]).load().unwrap_err().exit_code(), 2);
    assert_eq!(case().args(&["server.port=x"]).load().unwrap_err().exit_code(), 2);
}

#[test]
fn a_named_file_must_be_there_and_be_text() {
    let mut missing = case();
    missing.sources.file = Some(missing.directory.path().join("no.yaml"));
    assert!(missing.report().contains("no.yaml: there is no such file"));

    let mut folder = case();
    folder.sources.file = Some(folder.directory.path().to_owned());
    assert!(folder.load().unwrap_err().to_string().contains("cannot be read"));

    let binary = case().file(b"server:\n  port: 1\n# \xff\xfe\n").report();
    assert!(binary.contains("config.yaml:3: is not text in UTF-8"), "{binary}");
    let huge = case().file(vec![b' '; 1024 * 1024 + 1]).report();
    assert!(huge.contains("is larger than 1 MB"), "{huge}");
}

#[test]
fn a_named_file_is_read_instead_of_the_usual_one() {
    let mut case = case().file("server:\n  port: 1\n");
    let path = case.directory.path().join("other.yaml");
    fs::write(&path, "\u{feff}---\nserver: {port: 2}\n").unwrap();
    case.sources.file = Some(path.clone());
    let loaded = case.good();
    assert_eq!(loaded.config.server.port, 2);
    assert_eq!(loaded.files, [path]);
}

#[test]
fn files_with_nothing_in_them_set_nothing() {
    for text in [
        "",
        "# only a comment\n",
        "---\n",
        "server:\n",
        "server:\n  port:\n",
        "server: {}\nstreams: ~\n",
        "{}\n",
    ] {
        let loaded = case().file(text).good();
        let config = Config { bare: false, ..Config::default() };
        assert_eq!(loaded.config, config, "{text:?}");
    }
}

#[test]
fn values_are_taken_as_written() {
    let loaded = case().file("auth:\n  api_keys: [00112233, '0xAB cdef'.]\n").load();
    assert!(loaded.is_err(), "a flow list with rubbish in it is not YAML");
    let text = "auth:\n  api_keys:\n    - 00112233\n    - 1e10_keys\ncleanup:\n  schedule_time: 03:30\nserver: {port: \"8080\", debug: yes}\n";
    let config = case().file(text).good().config;
    let keys: Vec<&str> = config.auth.api_keys.iter().map(|key| key.expose()).collect();
    assert_eq!(keys, ["00112233", "1e10_keys"]);
    assert_eq!(config.recording.schedule, record::TimeOfDay { hour: 3, minute: 30 });
    assert_eq!((config.server.port, config.server.debug), (8080, true));
}

#[test]
fn yaml_beyond_sections_and_values_is_refused_with_its_line() {
    let refused = [
        ("- a\n", "config.yaml:1: the file does not consist of sections"),
        ("server: 5\n", "config.yaml:1: server: a value stands where the section's keys belong"),
        ("server:\n  port: &p 1\nstreams:\n  max_concurrent: *p\n", "config.yaml:4: a reference"),
        ("server:\n  port: *p\n", "config.yaml:2: a reference"),
        ("server:\n  port: 1\n---\nserver:\n  port: 2\n", "config.yaml:3: a second document"),
        ("server:\n  [a]: 2\n", "config.yaml:2: a key must be a plain word"),
        ("server:\n  port: 1\n\tdebug: true\n", "spaces to indent with; here stands a tab"),
        (
            "server:\n  port: 1\nserver:\n  debug: true\n",
            "config.yaml:3: \"server\" stands here a second time, after line 1",
        ),
        ("server:\n  port: [1\n", "config.yaml:"),
    ];
    for (text, expected) in refused {
        let report = case().file(text).report();
        assert!(report.contains(expected), "{text:?} gave {report}");
    }
}

#[test]
fn debug_raises_the_level_and_lowers_nothing() {
    let level = |arguments: &[&str]| case().args(arguments).good().config.logging.level;
    assert_eq!(level(&["server.debug=true"]), Level::Debug);
    assert_eq!(level(&["server.debug=true", "logging.level=ERROR"]), Level::Debug);
    assert_eq!(level(&["server.debug=true", "logging.level=trace"]), Level::Trace);
    assert_eq!(level(&["logging.level=warning"]), Level::Warn);
}

#[test]
fn the_demo_runs_only_when_nothing_else_gives_pictures() {
    assert!(case().good().config.demo_runs());
    assert!(case().args(&["server.port=0", "logging.file=none", "demo.fps=5"]).good().config.demo_runs());
    assert!(case().args(&["recording.enabled=false", "streams.default=cam1"]).good().config.demo_runs());
    assert!(case().env(&[("LOG_LEVEL", "DEBUG"), ("ISAAC_SIM_IP", "10.0.0.1")]).good().config.demo_runs());
    assert!(!case().args(&["camera.index=0"]).good().config.demo_runs());
    assert!(!case().file("").good().config.demo_runs());
    assert!(case().file("").args(&["demo.enabled=true"]).good().config.demo_runs());
    assert!(!case().args(&["demo.enabled=false"]).good().config.demo_runs());
}

#[test]
fn secrets_are_never_shown() {
    let loaded = case().env(&[("API_KEYS", "hush-hush-1,hush")]).good();
    let texts = [
        format!("{loaded:?}"),
        format!("{:?}", case().env(&[("API_KEYS", "hush")]).args(&["auth.api_keys=hush"]).sources),
        reference::show(&loaded),
        reference::changed(&loaded),
    ];
    for text in texts {
        assert!(!text.contains("hush"), "{text}");
    }
    assert_eq!(loaded.config.auth.api_keys[0].expose(), "hush-hush-1");
    assert_eq!(
        warnings(&loaded),
        [
            "environment variable API_KEYS: API keys of fewer than 8 characters can be guessed by trying (1 of 2)"
        ]
    );
}

#[test]
fn keys_are_taken_in_every_usual_spelling() {
    let keys = |case: Case| {
        let loaded = case.good();
        loaded.config.auth.api_keys.iter().map(|key| key.expose().to_owned()).collect::<Vec<_>>()
    };
    for value in [
        r#"["key-number-1", "key-number-2"]"#,
        "['key-number-1','key-number-2']",
        "key-number-1, key-number-2\n",
    ] {
        let both = ["key-number-1", "key-number-2"];
        assert_eq!(keys(case().env(&[("API_KEYS", value)])), both, "{value}");
        let dotenv = format!("API_KEYS={}\r\nX=1\r\n", value.trim().replace("1, key", "1,key"));
        assert_eq!(keys(case().dotenv(dotenv)), both, "{value}");
    }
    assert_eq!(keys(case().dotenv("API_KEYS=[\"as129skaSF1\"]\n")), ["as129skaSF1"]);
}

#[test]
fn what_cannot_be_meant_as_a_key_stops_the_start() {
    for value in [
        " ",
        ",",
        "\"\"",
        "[\"key-number-1\"",
        "'key-number-1",
        "${API_KEY}",
        "<your-key>",
        "two words",
        "clé-secrète",
    ] {
        let report = case().env(&[("API_KEYS", value)]).report();
        assert!(report.contains("API_KEYS") && report.contains("one or more keys"), "{value:?}: {report}");
    }
}

/// Wherever a secret was put, the report names the place and not the text.
#[test]
fn no_report_shows_a_secret() {
    for file in [
        "auth:\n  api_keys: [hunter2hunter2\n  keys: []\n",
        "auth:\n  api_keys: 'hunter2hunter2\n",
        "auth:\n  api_keys: hunter2 hunter2: x\n",
        "auth:\n  api_keys:\n    hunter2hunter2: admin\n",
        "auth:\n  keys:\n    - hunter2hunter2: [view]\n",
        "auth:\n  keys:\n    - secret: [hunter2hunter2]\n      scopes: [view]\n",
        "auth:\n  keys:\n    - secret: hunter2 hunter2\n      scopes: view\n",
        "auth:\n  keys: hunter2hunter2\n",
        "auth:\n  secret: hunter2\n",
        "auth: hunter2hunter2\n",
        "sources:\n  - door=http://admin:hunter2#x@cam/a\n",
        "sources:\n  - door=admin:hunter2@cam/a\n",
        "sources:\n  - rtsp://admin:hunter2 x@cam:y/a\n",
        "simulators:\n  lab: admin:hunter2#x@lab:1\n",
        "simulators:\n  lab: http://admin:hunter2@lab\n",
        "server:\n  host: http://admin:hunter2@h\n",
        "server:\n\tport: hunter2\n",
    ] {
        let report = case().file(file).report();
        assert!(!report.contains("hunter2"), "{file}\n{report}");
    }
    let report = case().dotenv("API_KEYS=hunter2 hunter2\nAPI_KEYS='hunter2\n").report();
    assert!(!report.contains("hunter2"), "{report}");
}

#[test]
fn listening_to_all_without_a_key_is_warned_of() {
    let warned = |arguments: &[&str]| warnings(&case().args(arguments).good());
    assert_eq!(
        warned(&["server.host=0.0.0.0"]),
        [
            "argument server.host: listening on 0.0.0.0 without an API key: anyone who reaches this machine can watch, \
          publish and delete; set auth.api_keys (API_KEYS)"
        ]
    );
    assert_eq!(warned(&["server.host=::"]).len(), 1);
    for quiet in [
        &["server.host=0.0.0.0", "auth.api_keys=long-enough"][..],
        &["server.host=::1"],
        &["server.host=localhost"],
        &["server.host=::ffff:127.0.0.1"],
    ] {
        assert_eq!(warned(quiet), [""; 0], "{quiet:?}");
    }
}

#[test]
fn a_hub_inside_another_program_is_warned_everything() {
    let given = |text: &str| vec![text.parse::<Override>().unwrap()];
    let loaded = of_arguments(&given("viewers.profile=mobile")).unwrap();
    assert_eq!(loaded.config.server.port, 5000);
    assert!(loaded.config.viewers.stream_fps.is_some_and(|fps| fps > 0.0), "profiles work");
    let report = of_arguments(&given("viewers.nonsense=1")).unwrap_err().to_string();
    assert!(report.contains("viewers.nonsense"), "{report}");
}
