#![allow(clippy::unwrap_used)]
use std::{fs, sync::Arc, time::Duration};

use bytes::Bytes;
use hub::{CaptureTime, Claim, Format, Hub, Limits, Moment, NewFrame, Publisher, RingLimits};

use net::Room;

use super::*;
use crate::{Codec, Config, Filter, Order, Retention, Status, TimeOfDay};

const BACKLOG_FRAMES: usize = 50;

fn context(directory: &std::path::Path) -> Context {
    Context::new(Config {
        directory: directory.to_owned(),
        automatic: true,
        codec: Codec::Mp4v,
        target_fps: 1000.0,
        segment: Duration::from_secs(3600),
        sync: Duration::from_secs(1),
        retention: Retention { max_age: Duration::MAX, max_total_bytes: None, min_free_bytes: 0 },
        schedule: TimeOfDay::default(),
    })
}

fn camera() -> Publisher {
    let ring = RingLimits {
        frames: 30,
        history_bytes: 1 << 20,
        backlog_frames: BACKLOG_FRAMES,
        backlog_bytes: 8 << 20,
    };
    let hub = Hub::new(Limits { streams: 8, viewers_per_stream: 8, ring });
    hub.publisher(&"cam1".parse().unwrap(), Claim::Exclusive, Moment::now()).unwrap()
}

fn worker(publisher: &Publisher, context: Context) -> Worker {
    let stream = publisher.stream();
    let subscriber = stream.subscribe(Rule::InOrder, Class::Service, Start::Oldest).unwrap();
    Worker::new(subscriber, context, Arc::new(Shared::new(stream)))
}

/// Publishes frames that were captured 20 ms apart and arrive `every` so long.
fn film(publisher: &Publisher, now: &mut Moment, frames: u32, every: Duration) {
    for at in 0..frames {
        now.mono += every;
        now.wall += every;
        let mut frame = NewFrame::new(Bytes::from_static(&[0xFF, 0xD8, 0xFF, 0xD9]), Format::jpeg(32, 16));
        frame.captured = CaptureTime::from_unix_secs(1.7e9 + f64::from(at) * 0.02);
        publisher.publish(frame, *now).unwrap();
    }
}

#[test]
fn a_disk_that_refuses_again_and_again_does_not_make_it_hold_more() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("recordings");
    fs::write(&directory, "in the way").unwrap();
    let publisher = camera();
    let mut worker = worker(&publisher, context(&directory));
    let (mut now, waker) = (Moment::now(), unparker::waker());
    // As many as the ring keeps.
    film(&publisher, &mut now, 50, Duration::from_millis(20));
    assert_eq!(worker.round(&waker), Round::Stuck);
    let (held, taken) = (worker.pending.samples.len(), worker.taken);
    assert!(held > 0);
    for _ in 0..5 {
        film(&publisher, &mut now, 100, Duration::from_millis(20));
        assert_eq!(worker.round(&waker), Round::Stuck);
        assert_eq!((worker.pending.samples.len(), worker.taken), (held, taken));
    }
    assert_eq!(worker.shared.activity.lock().state, State::Failed);

    fs::remove_file(&directory).unwrap();
    worker.round(&waker);
    worker.write_out();
    let activity = worker.shared.activity.lock().clone();
    assert_eq!(activity.state, State::Recording);
    assert_eq!(activity.frames + activity.frames_lost, 550);
    assert_eq!(activity.frames, (held + BACKLOG_FRAMES) as u64);
}

/// They make more than one fragment, and the rest does not wait for another round.
#[test]
fn frames_that_the_network_held_back_are_written_together() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = camera();
    let mut worker = worker(&publisher, context(&folder.path().join("recordings")));
    let mut then = Moment::now();
    then.mono = then.mono.checked_sub(Duration::from_millis(300)).unwrap();
    film(&publisher, &mut then, 40, Duration::ZERO);
    assert_eq!(worker.round(&unparker::waker()), Round::Busy);
    assert!(worker.pending.is_empty());
    assert_eq!(worker.shared.activity.lock().frames, 40);
}

/// Retention deletes what has ended only.
#[test]
fn a_file_that_the_disk_has_no_room_for_ends_and_another_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = camera();
    let mut context = context(folder.path());
    let mut worker = worker(&publisher, context.clone());
    let (mut now, waker) = (Moment::now(), unparker::waker());
    film(&publisher, &mut now, 30, Duration::from_millis(20));
    worker.round(&waker);
    assert!(worker.write_out());
    let listed = |context: &Context| {
        context.store.list(&Filter { limit: 10, ..Filter::default() }).unwrap().recordings
    };
    assert_eq!(listed(&context)[0].status, Status::Recording);

    worker.context.room = Room::new(folder.path(), u64::MAX);
    film(&publisher, &mut now, 10, Duration::from_millis(20));
    worker.round(&waker);
    assert!(!worker.write_out());
    assert_eq!(listed(&context)[0].status, Status::Finished, "it can be deleted now");
    let activity = worker.shared.activity();
    assert_eq!(activity.state, State::Failed);
    assert!(activity.error.unwrap().contains("recording.min_free_gb"));
    context.config = Arc::new(Config {
        retention: Retention { max_total_bytes: Some(0), ..context.config.retention },
        ..(*context.config).clone()
    });
    let swept =
        context.store.sweep(Timestamp::now(), &context.config.retention, crate::Sweep::Sizes).unwrap();
    assert_eq!(swept.deleted, 1);

    worker.context.room = Room::new(folder.path(), 0);
    assert!(worker.write_out());
    let activity = worker.shared.activity();
    assert_eq!(
        (activity.state, activity.error, activity.frames, activity.frames_lost),
        (State::Recording, None, 40, 0)
    );
}

#[test]
fn what_makes_way_ends_once_it_is_long_enough() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = camera();
    let mut worker = worker(&publisher, context(folder.path()));
    worker.context.make_way.store(true, Ordering::Relaxed);
    let (mut now, waker) = (Moment::now(), unparker::waker());
    for _ in 0..18 {
        film(&publisher, &mut now, 25, Duration::from_millis(20));
        worker.round(&waker);
        assert!(worker.write_out());
    }
    let files = worker.context.store.list(&Filter { limit: 10, ..Filter::default() }).unwrap().recordings;
    assert_eq!(files.len(), 3, "nine seconds in files of three");
}

/// A picture that is turned again and again makes no thousand files.
#[test]
fn sizes_that_alternate_make_few_files_and_the_rest_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = camera();
    let mut worker = worker(&publisher, context(folder.path()));
    let (mut now, waker) = (Moment::now(), unparker::waker());
    for at in 0..120 {
        now.mono += Duration::from_millis(33);
        now.wall += Duration::from_millis(33);
        let format = if at % 2 == 0 { Format::jpeg(32, 16) } else { Format::jpeg(16, 32) };
        publisher.publish(NewFrame::new(Bytes::from_static(&[0xFF, 0xD8, 0xFF, 0xD9]), format), now).unwrap();
        worker.round(&waker);
    }
    worker.end_file();
    let files = worker.context.store.list(&Filter { limit: 100, ..Filter::default() }).unwrap().recordings;
    let activity = worker.shared.activity();
    assert!((2..=6).contains(&files.len()), "{}", files.len());
    assert_eq!(activity.frames + activity.frames_lost, 120);
    assert!(activity.frames >= 60, "those of one size are recorded: {}", activity.frames);
    assert_eq!(files.iter().map(|file| file.total_frames).sum::<u64>(), activity.frames);
    let listed: u64 = files.iter().map(|file| file.frames_lost).sum();
    assert!(listed + 1 >= activity.frames_lost, "{listed} of {}", activity.frames_lost);
}

#[test]
fn a_clock_that_is_set_makes_no_recording_old() {
    let folder = tempfile::tempdir().unwrap();
    let publisher = camera();
    let mut worker = worker(&publisher, context(folder.path()));
    let waker = unparker::waker();
    let two_weeks = Duration::from_secs(14 * 86_400);
    let mut now = Moment::now();
    now.mono = now.mono.checked_sub(Duration::from_secs(4)).unwrap();
    now.wall -= two_weeks + Duration::from_secs(4);
    film(&publisher, &mut now, 50, Duration::from_millis(20));
    worker.round(&waker);
    assert!(worker.write_out());
    now.wall += two_weeks;
    film(&publisher, &mut now, 50, Duration::from_millis(20));
    worker.round(&waker);
    worker.end_file();

    let files = worker
        .context
        .store
        .list(&Filter { limit: 10, order: Order::Oldest, ..Filter::default() })
        .unwrap()
        .recordings;
    assert_eq!(files.len(), 2, "a recording has one clock");
    let [before, after] = [&files[0], &files[1]];
    let apart = after.start_time.duration_since(before.end_time).as_secs_f64().abs();
    assert!(apart < 0.1, "the second follows the first: {apart} s apart");
    let ended = Timestamp::now().duration_since(after.end_time).as_secs_f64();
    assert!((0.0..10.0).contains(&ended), "it ended {ended} s ago");
    let max_age = Retention { max_age: Duration::from_secs(7 * 86_400), ..worker.context.config.retention };
    let swept = worker.context.store.sweep(Timestamp::now(), &max_age, crate::Sweep::Age).unwrap();
    assert_eq!(swept.deleted, 0);
    let beside = folder.path().join("cam1").join(before.file.replace(".mp4", ".json"));
    let noted = crate::Metadata::from_json(&fs::read(beside).unwrap()).unwrap();
    assert_eq!(
        noted.end_time.as_millisecond(),
        before.end_time.as_millisecond(),
        "the next start knows it as well"
    );
}

#[test]
fn a_disk_that_does_not_answer_is_reported() {
    let publisher = camera();
    let shared = Shared::new(publisher.stream());
    *shared.waiting.lock() = Instant::now().checked_sub(STALLED * 2);
    let activity = shared.activity();
    assert_eq!(activity.state, State::Failed);
    assert!(activity.error.unwrap().contains("has not answered for 10 s"));
    shared.at_disk(|| ());
    assert_eq!(shared.activity().state, State::Waiting);
}
