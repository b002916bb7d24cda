//! Recordings watched as MJPEG, under paused time.

use std::time::Duration;

use http::{Method, StatusCode};
use tokio::time::{Instant, sleep};

use super::support::{House, View, house, morning, picture, url};

/// Two seconds at ten frames a second, in four fragments.
const TWO_SECONDS: [&[u64]; 4] = [
    &[0, 100, 200, 300, 400],
    &[500, 600, 700, 800, 900],
    &[1000, 1100, 1200, 1300, 1400],
    &[1500, 1600, 1700, 1800, 1900],
];

/// Number and time since `start` of each frame up to the end, in milliseconds.
async fn shown(view: &mut View, start: Instant) -> Vec<(u64, u64)> {
    let mut shown = Vec::new();
    while let Some(seq) = view.frame().await {
        shown.push((seq, start.elapsed().as_millis() as u64));
    }
    shown
}

async fn watch_all(house: &House, uri: &str) -> Vec<(u64, u64)> {
    let mut view = house.watch(uri).await;
    shown(&mut view, Instant::now()).await
}

#[tokio::test(start_paused = true)]
async fn frames_are_shown_at_the_pace_at_which_they_were_taken() {
    let house = house();
    let url = url(&house.recorded("cam", morning(0), &TWO_SECONDS));
    let expected: Vec<(u64, u64)> = (0..20).map(|i| (i * 100, i * 100)).collect();
    assert_eq!(watch_all(&house, &format!("{url}/mjpeg")).await, expected);
    let half: Vec<(u64, u64)> = (0..20).map(|i| (i * 100, i * 200)).collect();
    assert_eq!(watch_all(&house, &format!("{url}/mjpeg?speed=0.5")).await, half);
    let double: Vec<(u64, u64)> = (0..20).map(|i| (i * 100, i * 50)).collect();
    assert_eq!(watch_all(&house, &format!("{url}/mjpeg?speed=2")).await, double);
    let slow = watch_all(&house, &format!("{url}/mjpeg?fps=2")).await;
    assert_eq!(slow, [(0, 0), (500, 500), (1000, 1000), (1500, 1500), (1900, 2000)]);
}

#[tokio::test(start_paused = true)]
async fn a_replay_begins_where_it_is_asked_to_and_ends_with_the_closing_boundary() {
    let house = house();
    let url = url(&house.recorded("cam", morning(0), &TWO_SECONDS));
    let tail = watch_all(&house, &format!("{url}/mjpeg?t=1.75")).await;
    assert_eq!(tail, [(1700, 0), (1800, 50), (1900, 150)]);
    let mut view = house.watch(&format!("{url}/mjpeg?t=-0.04")).await;
    assert_eq!(view.part().await.unwrap(), "--frame\r\n");
    let part = view.part().await.unwrap();
    assert!(part.contains("X-Frame-Seq: 1900") && part.contains("X-Timestamp: 1768991401.9"), "{part}");
    assert_eq!(view.part().await.unwrap(), "--frame--\r\n");
    assert_eq!(view.part().await, None);
    for wrong in ["t=x", "t=", "speed=0", "speed=0.01", "speed=101", "speed=fast", "speed=NaN", "fps=-1"] {
        let answer = house.get(&format!("{url}/mjpeg?{wrong}")).await;
        assert_eq!((answer.status, &*answer.code()), (StatusCode::BAD_REQUEST, "BAD_QUERY"), "{wrong}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_viewer_sees_the_newest_frame_that_is_due() {
    let house = house();
    let long: Vec<Vec<u64>> = (0..60).map(|s| (0..10).map(|i| s * 1000 + i * 100).collect()).collect();
    let fragments: Vec<&[u64]> = long.iter().map(Vec::as_slice).collect();
    let mut view =
        house.watch(&format!("{}/mjpeg", url(&house.recorded("cam", morning(0), &fragments)))).await;
    assert_eq!(view.frame().await, Some(0));
    sleep(Duration::from_secs(20)).await;
    assert_eq!(view.frame().await, Some(20_000));
    sleep(Duration::from_secs(20)).await;
    assert_eq!(view.frame().await, Some(40_000));
    assert_eq!(view.frame().await, Some(40_100), "and goes on from there");
    sleep(Duration::from_secs(100)).await;
    assert_eq!(view.frame().await, Some(59_900));
    assert_eq!(view.frame().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_fast_replay_is_shown_at_sixty_frames_a_second() {
    let house = house();
    let long: Vec<Vec<u64>> = (0..200).map(|s| (0..20).map(|i| s * 1000 + i * 50).collect()).collect();
    let fragments: Vec<&[u64]> = long.iter().map(Vec::as_slice).collect();
    let shown = watch_all(
        &house,
        &format!("{}/mjpeg?speed=100", url(&house.recorded("cam", morning(0), &fragments))),
    )
    .await;
    assert!((110..=125).contains(&shown.len()), "{}", shown.len());
    let (last, at) = shown[shown.len() - 1];
    assert!((1950..=2000).contains(&at) && last > 197_000, "{last} at {at}");
}

#[tokio::test(start_paused = true)]
async fn a_pause_in_a_recording_is_kept_awake() {
    let house = house();
    let id = house.recorded("cam", morning(0), &[&[0], &[12_000]]);
    let mut view = house.watch(&format!("{}/mjpeg", url(&id))).await;
    let start = Instant::now();
    let mut seen = Vec::new();
    while let Some(part) = view.part().await {
        let kind = if part.contains("X-Heartbeat") { "heartbeat" } else { "other" };
        seen.push((kind, start.elapsed().as_secs()));
    }
    let heartbeats: Vec<_> =
        seen.iter().filter(|(kind, _)| *kind == "heartbeat").map(|(_, at)| *at).collect();
    assert_eq!(heartbeats, [5, 10]);
    assert_eq!(seen.last().unwrap().1, 12);

    // A browser gets the frame again that it shows.
    let mut view = house.watch(&format!("{}/mjpeg?advance_headers=1", url(&id))).await;
    let mut pictures = 0;
    while let Some(part) = view.part().await {
        pictures += usize::from(part.contains("<picture at 0>"));
    }
    assert_eq!(pictures, 3);
}

#[tokio::test(start_paused = true)]
async fn a_growing_recording_is_followed() {
    let house = house();
    let mut film = house.film("cam", morning(0));
    film.append(&[0, 100]);
    let mut view = house.watch(&format!("{}/mjpeg", url(film.id()))).await;
    let start = Instant::now();
    assert_eq!((view.frame().await, view.frame().await), (Some(0), Some(100)));
    let next = tokio::spawn(async move {
        let seq = view.frame().await;
        (view, seq, start.elapsed())
    });
    sleep(Duration::from_secs(3)).await;
    film.append(&[200, 300, 400]);
    let (mut view, seq, at) = next.await.unwrap();
    assert_eq!(seq, Some(200));
    assert!(at >= Duration::from_secs(3) && at <= Duration::from_millis(3200), "{at:?}");
    // What came late comes at its pace.
    assert_eq!(view.frame().await, Some(300));
    assert_eq!(start.elapsed() - at, Duration::from_millis(100));
    film.append(&[500]);
    film.finish();
    assert_eq!((view.frame().await, view.frame().await, view.frame().await), (Some(400), Some(500), None));
}

#[tokio::test(start_paused = true)]
async fn replays_are_limited_and_leave_nothing_behind() {
    let house = house();
    let uri = format!("{}/mjpeg", url(&house.recorded("cam", morning(0), &TWO_SECONDS)));
    let mut views = Vec::new();
    for _ in 0..crate::view::replay::MAX_REPLAYS {
        let mut view = house.watch(&uri).await;
        view.part().await;
        views.push(view);
    }
    let refused = house.get(&uri).await;
    assert_eq!((refused.status, &*refused.code()), (StatusCode::SERVICE_UNAVAILABLE, "REPLAY_LIMIT"));
    assert!(!refused.header("retry-after").is_empty());
    drop(views.pop());
    let mut view = house.watch(&uri).await;
    assert_eq!(view.frame().await, Some(0));
    house.shutdown.cancel();
    assert_eq!(view.frame().await, None, "a replay ends with the hub");
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_shows_what_the_recording_shows_then() {
    let house = house();
    let url = url(&house.recorded("cam", morning(0), &TWO_SECONDS));
    for (t, seq) in [("0", 0), ("0.65", 600), ("-0.5", 1400), ("99", 1900)] {
        let still = house.get(&format!("{url}/snapshot.jpg?t={t}")).await;
        assert_eq!((still.status, &still.body[..]), (StatusCode::OK, &picture(seq)[..]), "t={t}");
        assert_eq!(still.header("content-type"), "image/jpeg");
        assert!(still.header("cache-control").contains("max-age"));
        let known = [("if-none-match", still.header("etag"))];
        let again = house.send(Method::GET, &format!("{url}/snapshot.jpg?t={t}"), &known, "").await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    }
    let film = house.film("cam", morning(9000));
    let empty = house.get(&format!("{}/snapshot.jpg", super::support::url(film.id()))).await;
    assert_eq!((empty.status, &*empty.code()), (StatusCode::SERVICE_UNAVAILABLE, "NO_FRAME"));
}
