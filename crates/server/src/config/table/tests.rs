//! Each row on its own: names, defaults, ranges, and the field that it sets.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use super::super::key::{Kind, Raw, Refusal};
use super::*;
use crate::config::Config;

fn apply(key: &Key, text: &str) -> (Result<String, Refusal>, Config) {
    let mut config = Config::default();
    (key.apply(&Raw::Text(text.to_owned()), &mut config), config)
}

/// A value that is allowed and not the default.
fn other_value(key: &Key) -> String {
    match key.kind {
        Kind::Flag(_) => (key.default == "false").to_string(),
        Kind::Int { most, .. } => most.to_string(),
        Kind::Number { most, .. } => most.to_string(),
        Kind::Choice(options) => options[options.len() - 1].0.to_owned(),
        Kind::List { .. } if key.path() == "auth.public" => "view".to_owned(),
        Kind::List { .. } if key.path() == "server.trusted_proxies" => "10.0.0.0/8,::1".to_owned(),
        Kind::List { .. } if key.path() == "server.allowed_origins" => "https://a.example:8443,*".to_owned(),
        // `grants` tries what can be in it.
        Kind::Entries { .. } => String::new(),
        Kind::List { .. } => "one-long-key,another-long-key".to_owned(),
        Kind::Text { .. } => match key.path().as_str() {
            "server.host" => "0.0.0.0",
            "server.base_path" => "/elsewhere",
            "cleanup.schedule_time" => "4:30",
            "auth.secret" => "of sixteen and more",
            "camera.index" => "2",
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
    for key in KEYS {
        let path = key.path();
        assert!(SECTIONS.iter().any(|section| section.name == key.section), "{path} has no section");
        assert!(key.doc.ends_with('.'), "{path} has no documentation");
        assert!(!key.allowed().is_empty(), "{path} allows nothing");
        for name in key.env.iter().map(|name| (*name).to_owned()).chain([key.env_name()]) {
            assert!(names.insert(name.clone()), "{name} is used twice");
        }
        assert!(paths.insert(path.clone()), "{path} stands in the table twice");
    }
}

#[test]
fn what_is_not_in_use_yet_says_why() {
    for key in KEYS.iter().filter(|key| !key.available) {
        let section = SECTIONS.iter().find(|section| section.name == key.section).unwrap();
        assert!(!section.missing.is_empty(), "{} does not say what is missing", key.path());
    }
}

#[test]
fn every_default_is_allowed() {
    for key in KEYS {
        let (applied, config) = apply(key, key.default);
        assert!(applied.is_ok(), "{}: {applied:?}", key.path());
        assert_eq!(config, Config::default(), "{}", key.path());
    }
}

#[test]
fn every_key_sets_a_field_of_its_own() {
    let mut plans: BTreeMap<String, String> = BTreeMap::new();
    for key in KEYS.iter().filter(|key| !matches!(key.kind, Kind::Entries { .. })) {
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
    for key in KEYS {
        let (inside, outside) = match key.kind {
            Kind::Int { least, most, .. } => (
                vec![least.to_string(), most.to_string(), format!("{most}.0")],
                vec![(i128::from(least) - 1).to_string(), (i128::from(most) + 1).to_string()],
            ),
            Kind::Number { least, most, .. } => (
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
    let model = |text: &str| apply(key, text).1.referee.yolo_model;
    assert_eq!(Config::default().referee.yolo_model, Some(Source::Builtin));
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
        ("server", "host", "localhost"),
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
fn keys_come_as_a_list_or_parted_by_commas() {
    let keys = find("auth", "api_keys").unwrap();
    let (_, config) = apply(keys, " first-key , second-key,,");
    let shown: Vec<&str> = config.auth.api_keys.iter().map(|key| key.expose()).collect();
    assert_eq!(shown, ["first-key", "second-key"]);
    assert_eq!(
        format!("{:?}", config.auth),
        "Auth { api_keys: [Secret(…), Secret(…)], keys: [], public: Scopes(0), secret: None }"
    );
}
