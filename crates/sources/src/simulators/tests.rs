//! Sessions in a hub, with a simulator that is never there: what happens to them at their end.

#![allow(clippy::unwrap_used)]

use hub::{Class, Limits as HubLimits, RingLimits, Rule, Start};
use tokio::time::sleep;

use super::*;

fn simulators(shutdown: &CancellationToken) -> (Hub, Simulators) {
    let ring = RingLimits { frames: 2, history_bytes: 1 << 20, backlog_frames: 2, backlog_bytes: 1 << 20 };
    let hub = Hub::new(HubLimits { streams: 2, viewers_per_stream: 10, ring });
    let place = Place { host: "127.0.0.1".into(), port: 9, ws_port: 9, stream_port: 9, ws_path: "/".into() };
    let config = Config {
        default: place.simulator().unwrap(),
        others: BTreeMap::new(),
        pictures: Settings { max_frame_bytes: 1 << 20, quality: 80 },
        timeout: Duration::from_secs(1),
        max_sessions: 10,
        idle: Duration::from_secs(3600),
        check_every: Duration::from_secs(300),
    };
    (hub.clone(), Simulators::new(hub, config, shutdown.clone()))
}

fn create(simulators: &Simulators) -> StreamName {
    simulators.create(CreateRequest::default()).unwrap().info.id
}

#[tokio::test(start_paused = true)]
async fn a_session_and_its_stream_end_together() {
    let (hub, simulators) = simulators(&CancellationToken::new());
    let first = create(&simulators);
    assert!(hub.stream(&first).unwrap().is_on_demand());
    assert!(simulators.destroy(&first) && !simulators.destroy(&first));
    assert!(hub.stream(&first).is_none());
    let second = create(&simulators);
    hub.remove(&second);
    sleep(Duration::from_millis(1)).await;
    assert!(simulators.info(&second).is_none() && simulators.is_empty());
    hub.shut_down();
    let error = simulators.create(CreateRequest::default()).unwrap_err();
    assert_eq!((error.code(), simulators.len()), ("SHUTTING_DOWN", 0));
}

#[tokio::test]
async fn streams_are_limited_too() {
    let (_hub, simulators) = simulators(&CancellationToken::new());
    create(&simulators);
    create(&simulators);
    assert_eq!(simulators.create(CreateRequest::default()).unwrap_err().code(), "STREAM_LIMIT");
    assert_eq!(simulators.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn nothing_happens_for_an_hour_and_a_session_ends() {
    let shutdown = CancellationToken::new();
    let (hub, simulators) = simulators(&shutdown);
    let sweep = tokio::spawn(simulators.clone().sweep());
    let (idle, watched) = (create(&simulators), create(&simulators));
    let stream = hub.stream(&watched).unwrap();
    let reader = stream.subscribe(Rule::Latest, Class::Viewer, Start::Newest).unwrap();
    sleep(Duration::from_secs(3599)).await;
    assert_eq!(simulators.len(), 2);
    sleep(Duration::from_secs(301)).await;
    assert!(simulators.info(&idle).is_none() && hub.stream(&idle).is_none());
    assert!(simulators.info(&watched).is_some());
    assert!(simulators.report(&watched).unwrap().attempts > 10, "it is tried all the while");
    drop(reader);
    sleep(Duration::from_secs(4000)).await;
    assert!(simulators.is_empty());
    shutdown.cancel();
    sweep.await.unwrap();
}
