#![allow(clippy::unwrap_used)]
use std::{fs, sync::Arc, time::Duration};

use bytes::Bytes;
use hub::{CaptureTime, Claim, Format, Hub, Limits, Moment, NewFrame, Publisher, RingLimits};

use super::*;
use crate::{Codec, Config, Retention, TimeOfDay};

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
