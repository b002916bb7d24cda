//! Sources in a hub, under a clock that the test holds: demand, failures, other publishers, the end.

#![allow(clippy::unwrap_used)]

use hub::{Class, Limits, RingLimits, Rule, Start, Subscriber};
use ingest::pull::LINGER;
use tokio::time::{Instant, advance, timeout};
use wire::image::Limits as PictureLimits;

use super::*;

fn admission() -> Admission {
    Admission::new(PictureLimits { max_bytes: 1 << 20, setting: "" }, 80)
}

fn hub() -> Hub {
    let ring = RingLimits { frames: 2, history_bytes: 1 << 20, backlog_frames: 2, backlog_bytes: 1 << 20 };
    Hub::new(Limits { streams: 10, viewers_per_stream: 10, ring })
}

fn name(text: &str) -> StreamName {
    text.parse().unwrap()
}

fn start(hub: &Hub, line: &str) -> (Sources, CancellationToken) {
    let shutdown = CancellationToken::new();
    let sources = Sources::start(hub, vec![Spec::parse(line).unwrap()], &admission(), &shutdown);
    (sources, shutdown)
}

async fn watch(hub: &Hub, stream: &str) -> Subscriber {
    // Made by the source's own task.
    while hub.stream(&name(stream)).is_none() {
        tokio::task::yield_now().await;
    }
    hub.stream(&name(stream)).unwrap().subscribe(Rule::Latest, Class::Viewer, Start::Newest).unwrap()
}

/// Lets time pass until the source is in that state.
async fn until(sources: &Sources, stream: &str, state: &str) -> Report {
    let reached = async {
        loop {
            let report = sources.report(&name(stream)).unwrap();
            if report.state.word() == state {
                return report;
            }
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(300), reached).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn it_rests_until_the_first_reader_and_again_after_the_last() {
    let hub = hub();
    let (sources, _shutdown) = start(&hub, "a=testsrc:#width=16&height=16&fps=10");
    sleep(Duration::from_secs(60)).await;
    let report = sources.report(&name("a")).unwrap();
    assert_eq!((report.state, report.captures, report.attempts), (State::Resting, 0, 0));
    assert!(hub.stream(&name("a")).unwrap().is_on_demand());

    let mut first = watch(&hub, "a").await;
    let mut second = watch(&hub, "a").await;
    for _ in 0..3 {
        first.recv().await.unwrap();
        second.recv().await.unwrap();
    }
    let report = until(&sources, "a", "live").await;
    assert_eq!(report.attempts, 1, "two readers, one capture");
    assert_eq!(report.captures, report.encodes);

    drop(first);
    drop(second);
    let left = Instant::now();
    let rested = until(&sources, "a", "resting").await;
    assert!(left.elapsed() >= LINGER && left.elapsed() < LINGER * 2);
    sleep(Duration::from_secs(60)).await;
    assert_eq!(
        sources.report(&name("a")).unwrap().captures,
        rested.captures,
        "nothing is drawn without readers"
    );
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_comes_back_soon_finds_it_open() {
    let hub = hub();
    let (sources, _shutdown) = start(&hub, "a=testsrc:#width=16&height=16&fps=10");
    let mut reader = watch(&hub, "a").await;
    reader.recv().await.unwrap();
    drop(reader);
    sleep(LINGER / 2).await;
    let mut reader = watch(&hub, "a").await;
    sleep(LINGER * 2).await;
    reader.recv().await.unwrap();
    assert_eq!(sources.report(&name("a")).unwrap().attempts, 1);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_is_not_on_demand_runs_without_readers() {
    let hub = hub();
    let (sources, _shutdown) = start(&hub, "a=testsrc:#width=16&height=16&fps=10&on_demand=no");
    until(&sources, "a", "live").await;
    let stream = hub.stream(&name("a")).unwrap();
    assert!(!stream.is_on_demand(), "it is recorded as any other");
    assert_eq!(hub.sweep(Duration::ZERO, now()), []);
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_tried_again_with_growing_waits_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("late.png");
    let hub = hub();
    let (sources, _shutdown) = start(&hub, &format!("a=file:{}#on_demand=no&fps=5", path.display()));
    // A missing picture is a bad frame; a missing video cannot be opened.
    let silent = until(&sources, "a", "failed").await;
    assert!(silent.frame_errors > 0, "{silent:?}");

    let path = folder.path().join("late.mjpeg");
    let (sources, _shutdown) = start(&hub, &format!("b=file:{}#on_demand=no", path.display()));
    let State::Failed { why, retry_in } = until(&sources, "b", "failed").await.state else { panic!() };
    assert!(why.contains("late.mjpeg"), "{why}");
    assert!(retry_in <= Duration::from_millis(500));
    sleep(Duration::from_secs(120)).await;
    let State::Failed { retry_in, .. } = until(&sources, "b", "failed").await.state else { panic!() };
    assert!(retry_in >= Duration::from_secs(15), "{retry_in:?}");

    let jpeg = media::jpeg::encode(&media::Picture::filled(16, 16, [9; 3]), 80).unwrap();
    std::fs::write(&path, jpeg.repeat(3)).unwrap();
    let report = until(&sources, "b", "live").await;
    assert_eq!(report.encodes, 0, "what is JPEG already passes as it is");
}

#[tokio::test(start_paused = true)]
async fn bad_pictures_are_counted_and_the_others_shown() {
    let folder = tempfile::tempdir().unwrap();
    let jpeg = media::jpeg::encode(&media::Picture::filled(16, 16, [9; 3]), 80).unwrap();
    for (file, bytes) in [("1.jpg", &jpeg[..]), ("2.jpg", b"no picture"), ("3.jpg", &jpeg[..40])] {
        std::fs::write(folder.path().join(file), bytes).unwrap();
    }
    let hub = hub();
    let (sources, _shutdown) = start(&hub, &format!("a=file:{}#fps=10", folder.path().display()));
    let mut reader = watch(&hub, "a").await;
    for _ in 0..3 {
        assert_eq!(reader.recv().await.unwrap().frame.payload, jpeg);
    }
    let report = until(&sources, "a", "live").await;
    assert!(report.frame_errors >= 4 && report.attempts == 1, "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn a_deleted_stream_stays_deleted() {
    let hub = hub();
    for line in ["a=testsrc:#width=16&height=16", "b=testsrc:#width=16&height=16&on_demand=no"] {
        let (sources, _shutdown) = start(&hub, line);
        let stream = &line[..1];
        let _reader = watch(&hub, stream).await;
        until(&sources, stream, "live").await;
        assert!(hub.remove(&name(stream)));
        let report = until(&sources, stream, "ended").await;
        assert_eq!(report.state, State::Ended { why: "it was deleted".to_owned() });
        advance(Duration::from_secs(100)).await;
        assert!(hub.stream(&name(stream)).is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_publisher_that_took_over_is_left_alone_until_it_goes() {
    let hub = hub();
    let (sources, _shutdown) = start(&hub, "a=testsrc:#width=16&height=16&on_demand=no");
    until(&sources, "a", "live").await;
    let robot = hub.publisher(&name("a"), Claim::TakeOver, now()).unwrap();
    let State::Failed { why, .. } = until(&sources, "a", "failed").await.state else { panic!() };
    assert!(why.contains("took over"), "{why}");
    for _ in 0..60 {
        sleep(Duration::from_secs(1)).await;
        let jpeg = media::jpeg::encode(&media::Picture::filled(16, 16, [9; 3]), 80).unwrap();
        let frame = hub::NewFrame::new(jpeg.into(), hub::Format::jpeg(16, 16));
        robot.publish(frame, now()).unwrap();
    }
    drop(robot);
    until(&sources, "a", "live").await;
}

#[tokio::test(start_paused = true)]
async fn the_shutdown_ends_it() {
    let hub = hub();
    let (sources, shutdown) = start(&hub, "a=testsrc:#width=16&height=16&on_demand=no");
    let report = until(&sources, "a", "live").await;
    shutdown.cancel();
    sleep(Duration::from_secs(10)).await;
    let after = sources.report(&name("a")).unwrap();
    assert!(after.captures <= report.captures + 1);
}
