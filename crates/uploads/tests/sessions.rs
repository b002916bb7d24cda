//! Whole sessions: from `session_start` to the result, and every way in which they go wrong.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::{sync::atomic::Ordering, time::Duration};

use bytes::Bytes;
use serde_json::json;
use support::{Counter, error, eventually, house, house_with, jpeg};
use tokio_util::sync::CancellationToken;
use uploads::RESULT_FILE;
use wire::upload::{AckStatus, ClientMessage, ServerMessage, SessionAbort, SessionStart};

fn start(id: &str) -> SessionStart {
    SessionStart { session_id: id.into(), ..SessionStart::default() }
}

fn resume(id: &str) -> SessionStart {
    SessionStart { resume: true, ..start(id) }
}

#[tokio::test]
async fn frames_come_to_the_analysis_in_order_and_its_result_to_the_client() {
    let house = house();
    let mut client = house.client();
    assert!(matches!(client.start("a").await, ServerMessage::SessionStarted { resumed: None, .. }));
    client.frames([0, 2, 1, 3, 3, 4, 5, 6, 7, 9, 8, 10]).await;
    let ServerMessage::SessionEnded { validation, .. } = client.end().await else { panic!() };
    assert!(validation.valid, "{validation:?}");
    assert_eq!(
        (validation.frame_count, validation.duplicate_frames, validation.out_of_order_frames),
        (11, 1, 2)
    );
    assert!(matches!(client.signal().await, ServerMessage::SignalAck { status: AckStatus::Received, .. }));
    let (steps, last) = client.outcome().await;
    let ServerMessage::ProcessComplete { result, .. } = last else { panic!("{last:?}") };
    assert_eq!(steps, 1);
    assert_eq!(result["numbers"], json!((0..=10).collect::<Vec<_>>()));
    assert_eq!((&result["size"], &result["fps"]), (&json!([8, 8]), &json!(25.0)));
    assert_eq!(result["signal"], "HIT: Left scores on Right!");
    assert_eq!(result["streaming_stats"]["frames_received"], 11);
    assert_eq!(result["streaming_stats"]["duplicate_frames"], 1);
    assert!(result["wall_time_seconds"].is_number());
    let folder = house.folder.path().join("artifacts/a");
    assert_eq!(result["artifact_dir"], folder.to_str().unwrap());
    assert_eq!(std::fs::read_to_string(folder.join("frames.txt")).unwrap(), "11");
    assert_eq!(house.uploads.artifacts().result("a").unwrap()["decision"]["winner"], "left");
    assert_eq!(house.uploads.stats().active_sessions, 0, "CLEANUP");
    assert!(house.hub.is_empty(), "its live stream has ended");
    assert_eq!(error(client.end().await).0, "NO_ACTIVE_SESSION");
    assert!(matches!(client.start("a").await, ServerMessage::SessionStarted { .. }), "the next one");
}

#[tokio::test]
async fn the_analysis_runs_while_frames_come_and_a_late_frame_begins_it_again() {
    let house = house();
    let mut client = house.client();
    client.start("a").await;
    client.frames(1..50).await;
    let analysed = || house.uploads.stats().sessions["a"].analysis.frames_analysed;
    eventually("frames are analysed during the upload", || analysed() == 49).await;
    client.frames([0]).await;
    eventually("once more, with the late one", || analysed() == 50).await;
    client.end().await;
    client.signal().await;
    assert_eq!(client.result().await["numbers"], json!((0..50).collect::<Vec<_>>()));
    assert_eq!(house.counter.runs.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_upload_goes_on_while_its_analysis_waits_for_its_turn() {
    let house = house();
    house.counter.gate.shut();
    let mut clients = Vec::new();
    for id in ["a", "b", "c"] {
        let mut client = house.client();
        client.start(id).await;
        client.frames(0..12).await;
        client.end().await;
        client.signal().await;
        clients.push(client);
    }
    let running = || house.uploads.stats().sessions.values().filter(|s| s.analysis.running).count();
    eventually("two analyses run", || running() == 2).await;
    house.counter.gate.open();
    for mut client in clients {
        assert_eq!(client.result().await["numbers"].as_array().unwrap().len(), 12);
    }
    assert_eq!(house.counter.most.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn sessions_are_limited_and_ids_are_names() {
    let house = house();
    let mut clients = Vec::new();
    for id in ["a", "b", "c"] {
        let mut client = house.client();
        client.start(id).await;
        clients.push(client);
    }
    let mut client = house.client();
    let (code, words, recoverable) = error(client.start("d").await);
    assert_eq!((code.as_str(), recoverable), ("SESSION_START_FAILED", false));
    assert!(words.starts_with("Maximum concurrent sessions reached"), "{words}");
    let (code, words, _) = error(client.start("a").await);
    assert!(code == "SESSION_START_FAILED" && words.contains("in use by another connection"), "{words}");
    clients.pop();
    drop(clients);
    for id in ["", "a b", "../up", &"x".repeat(57)] {
        let (code, words, _) = error(client.start(id).await);
        assert!(code == "SESSION_START_FAILED" && words.contains("56 letters"), "{words}");
    }
    let unknown = SessionStart { pipeline: Some("chess".into()), ..start("d") };
    let (code, words, _) = error(client.start_with(unknown).await);
    assert!(code == "SESSION_START_FAILED" && words.contains("this hub has referee"), "{words}");
    let rate = SessionStart { fps: Some(-1.0), ..start("d") };
    assert_eq!(error(client.start_with(rate).await).0, "SESSION_START_FAILED");
    // Those whose clients have left still have their places, until they are begun anew.
    assert!(matches!(client.start("a").await, ServerMessage::SessionStarted { .. }));
    let (code, words, _) = error(client.start("e").await);
    assert!(code == "SESSION_START_FAILED" && words.contains("has session 'a' already"), "{words}");
}

#[tokio::test]
async fn no_session_without_the_right_or_where_uploads_are_off() {
    let house = house();
    let mut client = support::Client::of(house.uploads.connect(|stream| stream.as_str() == "session_mine"));
    let (code, words, _) = error(client.start("other").await);
    assert!(code == "SESSION_START_FAILED" && words.contains("session_other"), "{words}");
    assert!(matches!(client.start("mine").await, ServerMessage::SessionStarted { .. }));
    let off = house_with(|settings| settings.max_sessions = 0, Counter::default());
    let mut client = off.client();
    assert_eq!(error(client.hear().await).0, "STREAMING_DISABLED");
    assert!(client.close_reason().await.contains("REFEREE_MAX_STREAMING_SESSIONS"));
}

#[tokio::test]
async fn bad_frames_are_refused_and_the_session_goes_on() {
    let house = house();
    let mut client = house.client();
    client.start_with(SessionStart { width: Some(8), height: Some(8), ..start("a") }).await;
    client.frames(0..10).await;
    let good = jpeg(1);
    let other_size = media::jpeg::encode(&media::Picture::filled(16, 8, [1; 3]), 80).unwrap();
    let mut bomb = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x4e\x20\0\0\x4e\x20\x08\x02\0\0\0".to_vec();
    bomb.extend(b"\0\0\0\0\0\0\0\0IEND\xaeB`\x82");
    let lying = [[8u32, 8, 9].map(u32::to_le_bytes).concat(), vec![0; 192]].concat();
    for (encoding, bytes, hint) in [
        ("jpeg", good.slice(..good.len() - 2), "frame 10: "),
        ("jpeg", Bytes::new(), "empty"),
        ("jpeg", Bytes::from_static(b"GIF89a"), "a GIF"),
        ("jpeg", other_size.into(), "16 × 8 pixels"),
        ("png", bomb.into(), "20000×20000"),
        ("raw", lying.into(), "do not fill"),
        ("bmp", good.clone(), "jpeg, png and raw"),
    ] {
        client.send_as(10, encoding, bytes).await;
        let (code, words, recoverable) = error(client.hear().await);
        assert_eq!((code.as_str(), recoverable), ("FRAME_PROCESSING_FAILED", true), "{words}");
        assert!(words.contains(hint), "{words}");
        let ack = client.hear().await;
        assert!(
            matches!(ack, ServerMessage::FrameAck { frame_number: 10, status: AckStatus::Error, .. }),
            "{ack:?}"
        );
    }
    client.send_as(10, "raw", vec![9; 192].into()).await;
    assert!(matches!(client.hear().await, ServerMessage::FrameAck { status: AckStatus::Received, .. }));
    client.send_as(1_000_000_000, "jpg", good).await;
    assert!(matches!(client.hear().await, ServerMessage::FrameAck { status: AckStatus::Received, .. }));
    let ServerMessage::SessionEnded { validation, .. } = client.end().await else { panic!() };
    assert_eq!((validation.frame_count, validation.missing_frames), (12, 999_999_989));
    assert!(validation.issues[0].ends_with("11-999999999"), "{:?}", validation.issues);
}

#[tokio::test]
async fn what_is_out_of_turn_is_named() {
    let house = house();
    house.counter.gate.shut();
    let mut client = house.client();
    client.send(0).await;
    assert_eq!(error(client.hear().await).0, "NO_ACTIVE_SESSION");
    assert_eq!(error(client.end().await).0, "NO_ACTIVE_SESSION");
    client.start("a").await;
    for (text, code) in
        [("{", "INVALID_MESSAGE"), ("{}", "PROTOCOL_ERROR"), (r#"{"type":"dance"}"#, "UNKNOWN_MESSAGE_TYPE")]
    {
        client.connection.text(text).await;
        let (found, words, recoverable) = error(client.hear().await);
        assert_eq!((found.as_str(), recoverable), (code, code == "UNKNOWN_MESSAGE_TYPE"), "{words}");
    }
    // What follows a text that was refused belongs to it; the next bytes belong to nothing.
    client.connection.payload(Bytes::new()).await;
    client.connection.payload(Bytes::new()).await;
    assert_eq!(error(client.hear().await).0, "PROTOCOL_ERROR");
    client.connection.text(r#"{"type":"session_end","session_id":"b"}"#).await;
    assert_eq!(error(client.hear().await).0, "NO_ACTIVE_SESSION");
    client.frames(0..10).await;
    client.end().await;
    client.send(10).await;
    assert_eq!(error(client.hear().await).0, "PROTOCOL_ERROR");
    assert!(matches!(client.hear().await, ServerMessage::FrameAck { status: AckStatus::Error, .. }));
    client.say(ClientMessage::Ping).await;
    assert_eq!(client.hear().await, ServerMessage::Pong);
    client.signal().await;
    assert!(matches!(client.hear().await, ServerMessage::ProcessStart { .. }));
    assert_eq!(error(client.end().await).0, "SESSION_END_FAILED");
    assert_eq!(error(client.signal().await).0, "PROTOCOL_ERROR");
    house.counter.gate.open();
}

/// Where a client can stand when it sends something.
const STANDS: [&str; 9] = [
    "connected",
    "started",
    "framed",
    "announced",
    "ended",
    "ended empty",
    "signalled first",
    "processing",
    "done",
];

async fn stand(house: &support::House, at: &str) -> support::Client {
    let mut client = house.client();
    if at == "connected" {
        return client;
    }
    client.start("a").await;
    if !matches!(at, "started" | "ended empty") {
        client.frames(0..10).await;
    }
    if at == "announced" {
        client.connection.text(r#"{"type":"frame","frame_number":10}"#).await;
    }
    if at == "signalled first" {
        client.signal().await;
    }
    if matches!(at, "ended" | "ended empty" | "processing" | "done") {
        client.end().await;
    }
    if at == "processing" {
        client.signal().await;
        assert!(matches!(client.hear().await, ServerMessage::ProcessStart { .. }));
    }
    if at == "done" {
        house.counter.gate.open();
        client.signal().await;
        client.result().await;
    }
    client
}

/// Everything but a text that announces bytes, which is answered with these; and `session_abort`, after which nothing is
/// to be said.
#[tokio::test]
async fn no_message_is_followed_by_silence_wherever_the_client_stands() {
    let messages: [&[&str]; 14] = [
        &[r#"{"type":"session_start","session_id":"a"}"#],
        &[r#"{"type":"session_start","session_id":"b","resume":true}"#],
        &[r#"{"type":"session_start","session_id":"../x"}"#],
        &[r#"{"type":"frame","frame_number":99}"#, "bytes"],
        &[r#"{"type":"frame","frame_number":99}"#, "picture"],
        &[r#"{"type":"frame","frame_number":99,"session_id":"other"}"#, "picture"],
        &[r#"{"type":"frame","frame_number":99}"#, r#"{"type":"frame","frame_number":100}"#],
        &[r#"{"type":"frame"}"#],
        &[r#"{"type":"session_end","total_frames":3}"#],
        &[r#"{"type":"session_end","session_id":"other"}"#],
        &[r#"{"type":"signal"}"#, "bytes"],
        &[r#"{"type":"ping"}"#],
        &["{"],
        &[r#"{"type":"dance"}"#],
    ];
    for at in STANDS {
        for said in messages {
            let house = house();
            house.counter.gate.shut();
            let mut client = stand(&house, at).await;
            for piece in said {
                match *piece {
                    "bytes" => client.connection.payload(Bytes::from_static(b"bytes")).await,
                    "picture" => client.connection.payload(jpeg(1)).await,
                    text => client.connection.text(text).await,
                }
            }
            let answer = tokio::time::timeout(Duration::from_secs(5), client.hear()).await;
            assert!(answer.is_ok(), "{at}: {said:?} is followed by silence");
            house.counter.gate.open();
        }
    }
}

#[tokio::test]
async fn a_phrase_without_a_frame_ends_with_an_error() {
    let house = house();
    for signal_first in [false, true] {
        let mut client = house.client();
        client.start("a").await;
        if signal_first {
            client.signal().await;
        }
        let ServerMessage::SessionEnded { validation, .. } = client.end().await else { panic!() };
        assert!(!validation.valid);
        if !signal_first {
            client.signal().await;
        }
        let (code, words, recoverable) = error(client.outcome().await.1);
        assert_eq!((code.as_str(), recoverable), ("PROCESSING_FAILED", false));
        assert!(words.contains("no frame"), "{words}");
        assert_eq!(house.uploads.stats().active_sessions, 0);
    }
}

#[tokio::test]
async fn the_session_dropped_longest_ago_makes_room() {
    let house = house();
    let mut clients = Vec::new();
    for id in ["a", "b", "c"] {
        let mut client = house.client();
        client.start(id).await;
        clients.push(client);
    }
    let mut late = house.client();
    assert_eq!(error(late.start("d").await).0, "SESSION_START_FAILED", "all places are taken");
    drop(clients.remove(1));
    tokio::time::sleep(Duration::from_millis(5)).await;
    drop(clients.remove(0));
    assert!(matches!(late.start("d").await, ServerMessage::SessionStarted { .. }));
    let left: Vec<String> = house.uploads.stats().sessions.into_keys().collect();
    assert_eq!(left, ["a", "c", "d"], "the one that was dropped first has gone");
}

#[tokio::test]
async fn a_frame_larger_than_the_memory_is_refused() {
    let house = house_with(|settings| settings.max_memory_bytes = 1000, Counter::default());
    let mut client = house.client();
    client.start("a").await;
    let grey = [[100u32, 100, 1].map(u32::to_le_bytes).concat(), vec![0; 10_000]].concat();
    client.send_as(0, "raw", grey.into()).await;
    let (code, words, recoverable) = error(client.hear().await);
    assert_eq!((code.as_str(), recoverable), ("FRAME_PROCESSING_FAILED", true));
    assert!(words.starts_with("Maximum memory limit reached"), "{words}");
}

#[tokio::test]
async fn an_analysis_that_fails_says_why_and_is_listed() {
    let counter = Counter { fails: Some("set REFEREE_YOLO_MODEL"), ..Counter::default() };
    let house = house_with(|_| {}, counter);
    let mut client = house.client();
    client.start("a").await;
    client.frames(0..10).await;
    client.end().await;
    client.signal().await;
    let (code, words, recoverable) = error(client.outcome().await.1);
    assert_eq!(
        (code.as_str(), words.as_str(), recoverable),
        ("PROCESSING_FAILED", "set REFEREE_YOLO_MODEL", false)
    );
    assert_eq!(house.uploads.stats().active_sessions, 0);
    let listed = house.uploads.artifacts().list(0, 9, |_| true).unwrap().analyses;
    assert_eq!((listed[0].status, listed[0].error.as_deref()), ("failed", Some("set REFEREE_YOLO_MODEL")));
}

#[tokio::test]
async fn a_pipeline_that_panics_ends_its_own_run_alone() {
    let house = house_with(|settings| settings.analyses = 1, Counter { panics: true, ..Counter::default() });
    for _ in 0..2 {
        let mut client = house.client();
        client.start("a").await;
        client.frames(0..10).await;
        client.end().await;
        client.signal().await;
        assert_eq!(error(client.outcome().await.1).0, "PROCESSING_FAILED");
    }
}

#[tokio::test]
async fn without_any_pipeline_frames_are_taken_and_the_end_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let house = house();
    let uploads = uploads::Uploads::new(house.hub.clone(), support::settings(&folder), Vec::new());
    let mut client = support::Client::of(uploads.connect(|_| true));
    client.start("a").await;
    client.frames(0..10).await;
    client.end().await;
    client.signal().await;
    let (code, words, _) = error(client.outcome().await.1);
    assert!(code == "PROCESSING_FAILED" && words.contains("no analysis"), "{words}");
}

#[tokio::test]
async fn a_client_that_comes_back_goes_on_in_every_state() {
    let house = house();
    house.counter.gate.shut();
    let mut client = house.client();
    client.start("a").await;
    client.frames(0..5).await;

    let next = |message: ServerMessage| match message {
        ServerMessage::SessionStarted { resumed: Some(true), next_frame, state, .. } => {
            (next_frame.unwrap(), state.unwrap())
        }
        other => panic!("not resumed: {other:?}"),
    };
    drop(client);
    let mut client = house.client();
    assert_eq!(next(client.start_with(resume("a")).await), (5, "receiving_frames".into()));
    client.frames(3..12).await;
    client.end().await;

    // A connection that is only half gone is taken over.
    let mut second = house.client();
    assert_eq!(next(second.start_with(resume("a")).await), (12, "frames_complete".into()));
    assert_eq!(error(client.hear().await).0, "NO_ACTIVE_SESSION");
    assert!(client.close_reason().await.contains("taken over"));
    client.send(99).await;
    drop(client);
    second.end().await;
    second.signal().await;

    drop(second);
    let mut third = house.client();
    assert_eq!(next(third.start_with(resume("a")).await), (12, "processing".into()));
    house.counter.gate.open();
    drop(third);
    let done = house.folder.path().join("artifacts/a").join(RESULT_FILE);
    eventually("the analysis goes on without its client", || done.exists()).await;
    let mut fourth = house.client();
    next(fourth.start_with(resume("a")).await);
    let result = fourth.result().await;
    assert_eq!(result["numbers"], json!((0..12).collect::<Vec<_>>()));
    assert_eq!(result["streaming_stats"]["duplicate_frames"], 2);
    assert_eq!(house.uploads.stats().active_sessions, 0);
    let fresh = fourth.start_with(resume("a")).await;
    assert!(matches!(fresh, ServerMessage::SessionStarted { resumed: Some(false), next_frame: Some(0), .. }));
}

#[tokio::test]
async fn an_abort_leaves_nothing() {
    let house = house();
    let mut client = house.client();
    client.start("a").await;
    client.frames(0..40).await;
    let folder = house.folder.path().join("artifacts");
    let left = || std::fs::read_dir(&folder).map_or(0, |entries| entries.count());
    eventually("the analysis has begun", || left() == 1).await;
    assert_eq!(house.hub.len(), 1);
    client.say(ClientMessage::SessionAbort(SessionAbort::default())).await;
    assert_eq!((house.uploads.stats().active_sessions, house.hub.len()), (0, 0));
    eventually("the run's folder is gone", || left() == 0).await;
    assert!(matches!(client.start("a").await, ServerMessage::SessionStarted { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_session_without_activity_ends_connected_or_not() {
    let house = house();
    let shutdown = CancellationToken::new();
    let keeper = tokio::spawn(house.uploads.clone().keep(shutdown.clone()));
    let mut silent = house.client();
    silent.start("silent").await;
    let mut lost = house.client();
    lost.start("lost").await;
    drop(lost);
    let mut lively = house.client();
    lively.start("lively").await;
    tokio::time::sleep(Duration::from_secs(200)).await;
    lively.say(ClientMessage::Ping).await;
    lively.hear().await;
    tokio::time::sleep(Duration::from_secs(102)).await;
    assert_eq!(house.uploads.stats().sessions.keys().collect::<Vec<_>>(), ["lively"]);
    let (code, words, _) = error(silent.hear().await);
    assert_eq!(
        (code.as_str(), words.as_str()),
        ("NO_ACTIVE_SESSION", "Session timeout: no activity for 300 seconds")
    );
    assert_eq!(silent.close_reason().await, words);
    shutdown.cancel();
    keeper.await.unwrap();
    assert!(error(lively.hear().await).1.contains("shutting down"));
    let mut late = house.client();
    assert!(error(late.start("late").await).1.contains("shutting down"));
}

#[tokio::test]
async fn frames_are_shown_live_whatever_their_encoding() {
    let house = house();
    let mut client = house.client();
    client.start_with(SessionStart { width: Some(8), height: Some(8), ..start("a") }).await;
    client.send(0).await;
    let name = "session_a".parse().unwrap();
    let newest = || house.hub.stream(&name).and_then(|stream| stream.newest());
    assert_eq!(newest().unwrap().payload, jpeg(0), "as it came");
    client.send_as(1, "raw", vec![200; 192].into()).await;
    eventually("the raw frame is shown as a JPEG", || newest().unwrap().source_seq == Some(1)).await;
    let shown = media::jpeg::decode(&newest().unwrap().payload, 64).unwrap();
    assert!(shown.rgb.iter().all(|&value| value.abs_diff(200) < 6));
}

#[tokio::test]
async fn ten_thousand_frames_take_no_more_memory_than_their_share() {
    let house = house();
    house.counter.gate.shut();
    let mut client = house.client();
    client.start("a").await;
    let grey =
        |number: u64| [[20u32, 20, 1].map(u32::to_le_bytes).concat(), vec![number as u8; 400]].concat();
    for number in 0..10_000 {
        client.send_as(number, "raw", grey(number).into()).await;
        assert!(matches!(client.hear().await, ServerMessage::FrameAck { status: AckStatus::Received, .. }));
    }
    let stats = house.uploads.stats();
    assert_eq!(stats.total_frames, 10_000);
    assert!(stats.total_memory_mb <= 1.0 && stats.sessions["a"].spooled_mb > 2.0, "{stats:?}");
    house.counter.gate.open();
    client.end().await;
    client.signal().await;
    let result = client.result().await;
    assert_eq!((result["numbers"].as_array().unwrap().len(), &result["bytes"]), (10_000, &json!(4_120_000)));
}
