//! Sessions in a hub, with a simulator that is never there: what happens to them at their end.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use hub::{Class, Limits as HubLimits, RingLimits, Rule, Start};
use tokio::time::sleep;

use super::*;

fn sessions(shutdown: &CancellationToken) -> (Hub, Sessions) {
    let ring = RingLimits { frames: 2, history_bytes: 1 << 20, backlog_frames: 2, backlog_bytes: 1 << 20 };
    let hub = Hub::new(HubLimits { streams: 2, viewers_per_stream: 10, ring });
    let default =
        Place { host: "127.0.0.1".into(), port: 9, ws_port: 9, stream_port: 9, ws_path: "/".into() };
    let settings = Settings {
        default,
        timeout: Duration::from_secs(1),
        max_concurrent: 10,
        idle: Duration::from_secs(3600),
        check: Duration::from_secs(300),
    };
    let pictures = Admission::new(wire::image::Limits { max_bytes: 1 << 20, setting: "" }, 80);
    let sessions = Sessions::new(hub.clone(), settings, &BTreeMap::new(), pictures, shutdown.clone());
    (hub, sessions.unwrap())
}

fn create(sessions: &Sessions) -> StreamName {
    sessions.create(CreateRequest::default(), |_| true).unwrap().unwrap().info.id
}

#[tokio::test(start_paused = true)]
async fn a_session_and_its_stream_end_together() {
    let (hub, sessions) = sessions(&CancellationToken::new());
    let first = create(&sessions);
    assert!(hub.stream(&first).unwrap().is_on_demand());
    assert!(sessions.destroy(&first) && !sessions.destroy(&first));
    assert!(hub.stream(&first).is_none());
    let second = create(&sessions);
    hub.remove(&second);
    sleep(Duration::from_millis(1)).await;
    assert!(sessions.info(&second).is_none() && sessions.is_empty());
    hub.shut_down();
    let error = sessions.create(CreateRequest::default(), |_| true).unwrap_err();
    assert_eq!((error.code(), sessions.len()), ("SHUTTING_DOWN", 0));
}

#[tokio::test]
async fn streams_are_limited_too() {
    let (_hub, sessions) = sessions(&CancellationToken::new());
    create(&sessions);
    create(&sessions);
    assert_eq!(sessions.create(CreateRequest::default(), |_| true).unwrap_err().code(), "STREAM_LIMIT");
    assert_eq!(sessions.len(), 2);
}

#[tokio::test]
async fn who_may_have_none_learns_nothing_of_those_that_there_are() {
    let (_hub, sessions) = sessions(&CancellationToken::new());
    let of = |robot: &str| CreateRequest { robot_id: Some(robot.to_owned()), ..CreateRequest::default() };
    let own = sessions.create(of("b"), |_| true).unwrap().unwrap().info;
    let rest = sessions.create(CreateRequest::default(), |_| true).unwrap().unwrap().info.id;
    // That of a robot that has one, that of a robot that has none, and where there is no room for another stream.
    for robot in ["b", "c"] {
        assert!(sessions.create(of(robot), |id| id.as_str().starts_with("robot_a_")).unwrap().is_none());
    }
    assert_eq!(sessions.info(&own.id).unwrap().last_activity, own.last_activity, "it has not been touched");
    assert!(sessions.info(&rest).is_some());
    assert_eq!(sessions.len(), 2, "none was made");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_idle_for_an_hour_ends() {
    let shutdown = CancellationToken::new();
    let (hub, sessions) = sessions(&shutdown);
    let sweep = tokio::spawn(sessions.clone().sweep());
    let (idle, watched) = (create(&sessions), create(&sessions));
    let stream = hub.stream(&watched).unwrap();
    let reader = stream.subscribe(Rule::Latest, Class::Viewer, Start::Newest).unwrap();
    sleep(Duration::from_secs(3599)).await;
    assert_eq!(sessions.len(), 2);
    sleep(Duration::from_secs(301)).await;
    assert!(sessions.info(&idle).is_none() && hub.stream(&idle).is_none());
    assert!(sessions.info(&watched).is_some());
    assert!(sessions.report(&watched).unwrap().attempts > 10, "it is tried all the while");
    drop(reader);
    sleep(Duration::from_secs(4000)).await;
    assert!(sessions.is_empty());
    shutdown.cancel();
    sweep.await.unwrap();
}
