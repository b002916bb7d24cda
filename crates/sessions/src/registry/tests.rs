//! Tests of `registry`.
#![allow(clippy::unwrap_used)]
use std::time::{Instant, SystemTime};

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

fn start() -> Moment {
    let wall = SystemTime::UNIX_EPOCH + Duration::from_millis(1_760_000_000_123);
    Moment { mono: Instant::now(), wall }
}

fn after(moment: Moment, by: Duration) -> Moment {
    Moment { mono: moment.mono + by, wall: moment.wall + by }
}

fn robot(id: &str) -> CreateRequest {
    CreateRequest { robot_id: Some(id.to_owned()), ..CreateRequest::default() }
}

#[test]
fn ids_are_those_of_the_clients_in_the_field() {
    let id = CreateRequest::default().new_id(start(), 35 + 36 * 10).unwrap();
    assert_eq!(id.as_str(), "stream_1760000000123_za0000000");
    let id = robot("arm-7").new_id(start(), 0).unwrap();
    assert_eq!(id.as_str(), "robot_arm-7_1760000000123");
    let longest = "r".repeat(LONGEST_ROBOT_ID);
    assert_eq!(robot(&longest).new_id(start(), 0).unwrap().as_str().len(), StreamName::MAX_LEN);
    for wrong in ["", "a b", "../x", "ä", &format!("{longest}r")] {
        let error = robot(wrong).new_id(start(), 0).unwrap_err();
        assert_eq!(error.code(), "BAD_ROBOT_ID", "{wrong}");
    }
    let long = CreateRequest { user_id: Some("u".repeat(MAX_TEXT + 1)), ..CreateRequest::default() };
    assert_eq!(long.new_id(start(), 0).unwrap_err().code(), "TEXT_TOO_LONG");
}

#[test]
fn a_robot_finds_its_session_while_it_lives() {
    let mut registry = Registry::new(10);
    let now = start();
    let id = robot("7").new_id(now, 0).unwrap();
    registry.insert(id.clone(), robot("7"), now, ());
    registry.insert("stream_1_x".parse().unwrap(), CreateRequest::default(), now, ());
    assert_eq!(registry.of_robot(&robot("7")), Some(id.clone()));
    assert_eq!(registry.of_robot(&robot("8")), None);
    assert_eq!(
        registry.of_robot(&CreateRequest::default()),
        None,
        "a session without a robot is not found again"
    );
    registry.sessions.remove(&id).unwrap();
    assert_eq!(registry.of_robot(&robot("7")), None);
    assert!(registry.sessions.remove(&id).is_none());
}

#[test]
fn a_session_ends_when_the_last_who_was_given_it_gives_it_back() {
    let mut registry = Registry::new(10);
    let (now, id) = (start(), "robot_7_1".parse().unwrap());
    registry.insert(StreamName::clone(&id), robot("7"), now, "running");
    registry.share(&id, now);
    assert!(matches!(registry.give_back(&id), Some(Returned::Shared { holders: 1 })));
    assert_eq!(registry.of_robot(&robot("7")), Some(id.clone()));
    assert!(matches!(registry.give_back(&id), Some(Returned::Last(Entry { running: "running", .. }))));
    assert!(registry.give_back(&id).is_none());
}

#[test]
fn there_are_no_more_than_the_limit() {
    let mut registry = Registry::new(1);
    registry.insert("a".parse().unwrap(), CreateRequest::default(), start(), ());
    assert_eq!(registry.check_room().unwrap_err().code(), "SESSION_LIMIT");
    registry.sessions.remove(&"a".parse::<StreamName>().unwrap());
    registry.check_room().unwrap();
}

#[test]
fn what_is_idle_for_the_timeout_is_over_and_what_is_watched_is_not() {
    let mut registry = Registry::new(10);
    let (made, ids) =
        (start(), ["idle", "touched", "watched", "left"].map(|id| id.parse::<StreamName>().unwrap()));
    for id in &ids {
        registry.insert(id.clone(), CreateRequest::default(), made, ());
    }
    let [idle, touched, watched, left] = &ids;
    registry.share(touched, after(made, HOUR / 2));
    registry.set_wanted(watched, true, after(made, HOUR / 2));
    registry.set_wanted(left, true, made);
    registry.set_wanted(left, false, after(made, HOUR / 4));
    let sure = Duration::from_secs(1);
    assert!(registry.idle(HOUR, after(made, HOUR - sure)).is_empty());
    assert_eq!(registry.idle(HOUR, after(made, HOUR)), std::slice::from_ref(idle));
    assert_eq!(registry.idle(HOUR, after(made, HOUR * 5 / 4)), [idle.clone(), left.clone()]);
    assert!(!registry.idle(HOUR, after(made, HOUR * 100)).contains(watched));
    registry.set_wanted(watched, false, after(made, HOUR * 100));
    assert!(!registry.idle(HOUR, after(made, HOUR * 101 - sure)).contains(watched));
    assert_eq!(registry.idle(HOUR, after(made, HOUR * 101)).len(), 4);
}
