//! Each row on its own: names, defaults, ranges, and the field that it sets.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use settings::{Form, Raw, Refusal};

use super::*;
use crate::config::Config;
use crate::config::profile::Profile;

fn apply(key: &Key, text: &str) -> (Result<String, Refusal>, Config) {
    let mut config = Config::default();
    (key.apply(&Raw::Text(text.to_owned()), &mut config), config)
}

/// A value that is allowed and not the default.
fn other_value(key: &Key) -> String {
    match &key.form {
        Form::Flag => (key.default == "false").to_string(),
        Form::Int { most, .. } => most.to_string(),
        Form::Number { most, .. } => most.to_string(),
        Form::Choice(words) => words[words.len() - 1].to_owned(),
        Form::List(_) if key.path() == "auth.public" => "view".to_owned(),
        Form::List(_) if key.path() == "server.trusted_proxies" => "10.0.0.0/8,::1".to_owned(),
        Form::List(_) if key.path() == "server.allowed_origins" => "https://a.example:8443,*".to_owned(),
        Form::List(_) if key.path() == "server.allowed_hosts" => "cams.example,*.lan".to_owned(),
        // `grants` tries what can be in it.
        Form::Entries(_) => String::new(),
        Form::List(_) => "one-long-key,another-long-key".to_owned(),
        Form::Text(_) => match key.path().as_str() {
            "server.host" => "0.0.0.0",
            "server.base_path" => "/elsewhere",
            "cleanup.schedule_time" => "4:30",
            "auth.secret" => "of sixteen and more",
            "camera.index" => "2",
            "logging.format" => "json",
            "referee.input_size" => "320",
            "simulator.ws_path" => "/elsewhere",
            _ => "other",
        }
        .to_owned(),
    }
}

#[test]
fn every_row_is_complete_and_every_name_is_used_once() {
    let mut paths = BTreeSet::new();
    let mut names = BTreeSet::new();
    for key in keys() {
        let path = key.path();
        assert!(sections().iter().any(|section| section.name == key.section), "{path} has no section");
        assert!(key.doc.ends_with('.'), "{path} has no documentation");
        assert!(!key.allowed().is_empty(), "{path} allows nothing");
        for name in key.env.iter().map(|name| (*name).to_owned()).chain([key.env_name()]) {
            assert!(names.insert(name.clone()), "{name} is used twice");
        }
        assert!(paths.insert(path.clone()), "{path} stands in the table twice");
    }
}

#[test]
fn every_default_is_allowed() {
    for key in keys() {
        let (applied, config) = apply(key, key.default);
        assert!(applied.is_ok(), "{}: {applied:?}", key.path());
        assert_eq!(config, Config::default(), "{}", key.path());
    }
}

#[test]
fn every_key_sets_a_field_of_its_own() {
    let mut plans: BTreeMap<String, String> = BTreeMap::new();
    for key in keys().filter(|key| !matches!(key.form, Form::Entries(_))) {
        let (applied, config) = apply(key, &other_value(key));
        assert!(applied.is_ok(), "{}: {applied:?}", key.path());
        assert_ne!(config, Config::default(), "{} changes nothing", key.path());
        if let Some(twin) = plans.insert(format!("{config:?}"), key.path()) {
            panic!("{} and {twin} set the same field", key.path());
        }
    }
}

#[test]
fn both_ends_of_a_range_are_in_and_the_next_value_is_out() {
    for key in keys() {
        let (inside, outside) = match &key.form {
            Form::Int { least, most, .. } => (
                vec![least.to_string(), most.to_string(), format!("{most}.0")],
                vec![(i128::from(*least) - 1).to_string(), (i128::from(*most) + 1).to_string()],
            ),
            Form::Number { least, most, .. } => (
                vec![least.to_string(), most.to_string()],
                vec![(least - 0.0001).to_string(), (most + 0.0001).to_string()],
            ),
            _ => continue,
        };
        for text in inside {
            assert!(apply(key, &text).0.is_ok(), "{} = {text}", key.path());
        }
        for text in outside {
            assert_eq!(apply(key, &text).0, Err(Refusal::OutOfRange), "{} = {text}", key.path());
        }
        for text in ["", "x", "1x", "--1", "nan", "inf", "1,5", "0x10", "1_000"] {
            assert_eq!(apply(key, text).0, Err(Refusal::BadType), "{} = {text}", key.path());
        }
    }
}

#[test]
fn whole_numbers_are_whole() {
    let port = find("server", "port").unwrap();
    assert_eq!(apply(port, "50.5").0, Err(Refusal::BadType));
    assert_eq!(apply(port, "1e99").0, Err(Refusal::OutOfRange));
    assert_eq!(apply(port, "99999999999999999999999").0, Err(Refusal::OutOfRange));
    assert_eq!(apply(port, " 80 ").1.server.port, 80);
}

#[test]
fn switches_take_the_words_people_use() {
    let cors = find("server", "cors_enabled").unwrap();
    for word in ["true", "True", "YES", "on", "1"] {
        assert!(apply(cors, word).1.server.cors_enabled, "{word}");
    }
    for word in ["false", "False", "no", "OFF", "0"] {
        assert!(!apply(cors, word).1.server.cors_enabled, "{word}");
    }
    let demo = find("demo", "enabled").unwrap();
    assert_eq!(apply(demo, "off").0.as_deref(), Ok("false"));
    assert_eq!(apply(demo, "Auto").0.as_deref(), Ok("auto"));
}

#[test]
fn a_pose_model_is_built_in_or_a_file_or_none() {
    use ::referee::pose::Source;
    let key = find("referee", "yolo_model").unwrap();
    let model = |text: &str| apply(key, text).1.referee.model;
    assert_eq!(Config::default().referee.model, Some(Source::Builtin));
    assert_eq!([model("builtin"), model(""), model("BUILTIN")], [const { Some(Source::Builtin) }; 3]);
    assert_eq!([model("none"), model(" None ")], [None, None]);
    assert_eq!(model("./none"), Some(Source::File("./none".into())));
    let size = find("referee", "input_size").unwrap();
    assert_eq!(
        (apply(size, "auto").1.referee.input_size, apply(size, "512").1.referee.input_size),
        (None, Some(512))
    );
}

#[test]
fn texts_are_checked() {
    let refused = [
        ("server", "host", "my-robot"),
        ("server", "host", ""),
        ("server", "tls_cert", "a\0b"),
        ("server", "base_path", "cams"),
        ("server", "base_path", "/a/../b"),
        ("streams", "default", "a b"),
        ("streams", "robot", "../up"),
        ("demo", "stream", ""),
        ("demo", "stream", &"x".repeat(65)),
        ("logging", "file", ""),
        ("logging", "level", "LOUD"),
        ("cleanup", "schedule_time", "24:00"),
        ("cleanup", "schedule_time", "3:5"),
        ("cleanup", "schedule_time", "noon"),
        ("cleanup", "schedule_time", "+3:00"),
        ("recording", "codec", "av1"),
        ("recording", "directory", "a\0b"),
        ("camera", "index", "-1"),
        ("camera", "index", "256"),
        ("simulator", "ip", "a/b"),
        ("simulator", "ws_path", "streaming"),
        ("referee", "yolo_model", "a\0b"),
        ("referee", "input_size", "31"),
        ("referee", "input_size", "4097"),
        ("referee", "input_size", "large"),
        ("auth", "api_keys", "with space"),
        ("auth", "public", "watch"),
        ("auth", "secret", "too short"),
        ("auth", "keys", "only-in-a-file"),
        ("server", "trusted_proxies", "10.0.0.0/33"),
        ("server", "allowed_origins", "https://a.example/path"),
        ("server", "allowed_origins", "a.example"),
        ("server", "allowed_hosts", "http://cams.example"),
        ("server", "allowed_hosts", "cams.example:5000"),
        ("server", "allowed_hosts", "cams*"),
        ("auth", "api_keys", "schlüssel"),
    ];
    for (section, name, text) in refused {
        let key = find(section, name).unwrap();
        let (applied, config) = apply(key, text);
        assert!(applied.is_err(), "{} = {text:?}", key.path());
        assert_eq!(config, Config::default(), "{} = {text:?} was stored although refused", key.path());
    }
}

#[test]
fn keys_come_as_a_list_or_separated_by_commas() {
    let api_keys = find("auth", "api_keys").unwrap();
    let (_, config) = apply(api_keys, " first-key , second-key,,");
    let shown: Vec<&str> = config.auth.api_keys.iter().map(|key| key.expose()).collect();
    assert_eq!(shown, ["first-key", "second-key"]);
    assert_eq!(
        format!("{:?}", config.auth),
        "Auth { api_keys: [Secret(…), Secret(…)], keys: [], public: Scopes(0), secret: None }"
    );
}

#[test]
fn every_value_of_every_profile_is_an_allowed_value_of_a_key() {
    for (path, value) in Profile::ALL.iter().flat_map(|profile| profile.values()) {
        let (section, name) = path.split_once('.').unwrap();
        let applied = apply(find(section, name).unwrap(), value).0;
        assert!(applied.is_ok(), "{path} = {value}: {applied:?}");
    }
}

fn nearest(section: &str, name: &str) -> Option<String> {
    nearest_key(section, name).map(Key::path)
}

#[test]
fn slips_of_the_pen_find_their_key() {
    assert_eq!(nearest("server", "prot").as_deref(), Some("server.port"));
    assert_eq!(nearest("streams", "timeout").as_deref(), Some("streams.timeout_seconds"));
    assert_eq!(nearest("streams", "max_concurent").as_deref(), Some("streams.max_concurrent"));
    assert_eq!(nearest("recodring", "fps").as_deref(), Some("recording.fps"));
}

#[test]
fn a_key_under_the_wrong_heading_is_found() {
    assert_eq!(nearest("server", "retention_days").as_deref(), Some("recording.retention_days"));
    assert_eq!(nearest("", "stream_fps").as_deref(), Some("viewers.stream_fps"));
    assert_eq!(nearest("", "port").as_deref(), Some("server.port"));
}

#[test]
fn nothing_near_is_nothing_said() {
    assert_eq!(nearest("server", "colour"), None);
    assert_eq!(nearest("zebra", "giraffe"), None);
}
