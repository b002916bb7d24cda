//! Recordings are written as the recorder writes them, and read back as a viewer reads them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{os::unix::fs::FileExt, time::SystemTime};

use bytes::Bytes;
use hub::{CaptureTime, Format, Moment};
use media::{Picture, fmp4::Track};

use super::*;
use crate::{
    Codec, Kind,
    writer::encoder::Encoder,
    writer::fragment::Fragment,
    writer::segment::{Segment, SegmentSpec},
    writer::sync::Syncer,
};

const TICKS_A_MS: u64 = 90;
/// 2026-01-21T10:30:00Z
const START: u64 = 1_768_991_400_000;

struct Room {
    _folder: tempfile::TempDir,
    store: Store,
    syncer: Syncer,
    stream: StreamName,
}

fn room() -> Room {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(&folder.path().join("recordings"));
    let syncer = Syncer::start(Duration::from_secs(3600));
    Room { _folder: folder, store, syncer, stream: "cam".parse().unwrap() }
}

fn wall(ms: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(START + ms)
}

fn at(ms: u64) -> Timestamp {
    wall(ms).try_into().unwrap()
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The frame published `at` milliseconds after the start.
fn frame(at: u64, payload: Bytes) -> Frame {
    Frame {
        seq: at + 1,
        received: Moment { mono: std::time::Instant::now(), wall: wall(at) },
        payload,
        format: Format::jpeg(64, 48),
        captured: CaptureTime::from_unix_secs((START + at) as f64 / 1000.0 - 0.25),
        source_seq: None,
        metadata: Some(format!("{{\"at\":{at}}}").into()),
    }
}

fn payload(at: u64) -> Bytes {
    format!("picture at {at}").into()
}

/// Frames at these milliseconds of the file, which begins at `start`.
fn fragment(start: u64, times: &[u64]) -> Fragment {
    let mut fragment = Fragment::default();
    for &time in times {
        let frame = frame(start + time, payload(start + time));
        let payload = frame.payload.clone();
        fragment.push(&frame, payload, true, time * TICKS_A_MS, 40 * TICKS_A_MS as u32);
    }
    fragment
}

impl Room {
    fn begin(&self, start: u64) -> Segment {
        let track = Track { codec: media::fmp4::Codec::Mp4v, width: 64, height: 48 };
        self.begin_with(start, Codec::Mp4v, track)
    }

    fn begin_with(&self, start: u64, codec: Codec, track: Track) -> Segment {
        let spec = SegmentSpec {
            store: &self.store,
            syncer: &self.syncer,
            stream: &self.stream,
            kind: Kind::Segment,
            codec,
            target_fps: 25.0,
            track,
            start: wall(start),
            told_by: crate::clock::ClockOffset::now(),
        };
        Segment::create(spec, 0).unwrap()
    }

    /// A finished recording with these fragments.
    fn record(&self, start: u64, fragments: &[&[u64]]) -> RecordingId {
        let mut segment = self.begin(start);
        for times in fragments {
            segment.append(&fragment(start, times)).unwrap();
        }
        let id = segment.id().clone();
        segment.finish().unwrap().unwrap();
        id
    }

    fn replay(&self, id: &RecordingId, from: Position) -> Replay {
        Replay::open(&self.store, id, from).unwrap()
    }

    fn rewind(&self, ms: u64, running: Option<&RecordingId>) -> Result<Replay, Error> {
        Replay::rewind(&self.store, &self.stream, at(ms), running)
    }
}

/// Milliseconds of the frames up to the end, or to what has been written.
fn rest(replay: &mut Replay) -> Vec<u64> {
    let mut times = Vec::new();
    while let Batch::Frames(frames) = replay.next_batch(Duration::ZERO).unwrap() {
        times.extend(frames.iter().map(|shown| shown.time.as_millis() as u64));
    }
    times
}

#[test]
fn frames_come_back_as_they_were() {
    let room = room();
    let id = room.record(0, &[&[0, 40, 80], &[120, 500], &[900]]);
    let mut replay = room.replay(&id, Position::FromStart(Duration::ZERO));
    let mut expected = [0, 40, 80, 120, 500, 900].iter();
    while let Batch::Frames(frames) = replay.next_batch(Duration::ZERO).unwrap() {
        for Replayed { time, frame: shown } in frames {
            let &at = expected.next().unwrap();
            let original = frame(at, payload(at));
            assert_eq!(time, ms(at));
            assert_eq!((shown.seq, &shown.payload), (original.seq, &original.payload));
            assert_eq!((shown.captured, &shown.metadata), (original.captured, &original.metadata));
            let drift =
                shown.received.wall.duration_since(original.received.wall).unwrap_or_else(|e| e.duration());
            assert!(drift < ms(1), "{drift:?}");
            assert_eq!(shown.format, original.format);
        }
    }
    assert_eq!(expected.next(), None);
    assert!(matches!(replay.next_batch(Duration::ZERO), Ok(Batch::End)), "asking again is fine");
}

#[test]
fn it_begins_with_the_frame_that_is_shown_then() {
    let room = room();
    let id = room.record(0, &[&[0, 40, 80], &[120, 500], &[900, 960]]);
    let first = |position| rest(&mut room.replay(&id, position))[0];
    assert_eq!(first(Position::FromStart(ms(79))), 40);
    assert_eq!(first(Position::FromStart(ms(80))), 80);
    assert_eq!(first(Position::FromStart(ms(450))), 120);
    assert_eq!(first(Position::FromStart(ms(899))), 500);
    assert_eq!(first(Position::FromStart(ms(99_999))), 960, "beyond the end: the last one");
    assert_eq!(first(Position::FromEnd(ms(50))), 900, "it ends at 1000, when its last frame was shown");
    assert_eq!(first(Position::FromEnd(ms(99_999))), 0);
    assert_eq!(first(Position::At(at(510))), 500);
    assert_eq!(first(Position::At(Timestamp::UNIX_EPOCH)), 0);
    assert_eq!(room.replay(&id, Position::FromStart(ms(450))).begins_at(), ms(450));
}

#[test]
fn a_growing_recording_goes_on() {
    let room = room();
    let mut segment = room.begin(0);
    let id = segment.id().clone();
    let mut replay = room.replay(&id, Position::FromStart(Duration::ZERO));
    assert!(matches!(replay.next_batch(Duration::ZERO), Ok(Batch::AwaitMore)), "it has no frame yet");
    segment.append(&fragment(0, &[0, 40])).unwrap();
    assert_eq!(rest(&mut replay), [0, 40]);
    assert!(matches!(replay.next_batch(Duration::ZERO), Ok(Batch::AwaitMore)));
    segment.append(&fragment(0, &[80])).unwrap();
    segment.append(&fragment(0, &[120])).unwrap();
    assert_eq!(rest(&mut replay), [80, 120]);
    segment.append(&fragment(0, &[160])).unwrap();
    segment.finish().unwrap();
    assert_eq!(rest(&mut replay), [160], "what came before the end is not lost");
    assert!(matches!(replay.next_batch(Duration::ZERO), Ok(Batch::End)));
}

#[test]
fn the_past_of_a_stream_goes_on_through_its_recordings() {
    let room = room();
    room.record(0, &[&[0, 40], &[80, 120]]);
    // A roll without a pause, then a pause of ten seconds.
    room.record(1000, &[&[0, 500]]);
    let mut replay = room.rewind(85, None).unwrap();
    assert_eq!(rest(&mut replay), [80, 120, 1000, 1500]);
    assert!(matches!(replay.next_batch(Duration::ZERO), Ok(Batch::End)));
    let mut running = room.begin(11_500);
    assert!(matches!(replay.next_batch(Duration::ZERO), Ok(Batch::AwaitMore)));
    running.append(&fragment(11_500, &[0, 250])).unwrap();
    assert_eq!(rest(&mut replay), [11_500, 11_750], "the pause stays a pause");
}

#[test]
fn a_clock_that_is_set_back_does_not_turn_time_around() {
    let room = room();
    room.record(5000, &[&[0, 900]]);
    room.record(5200, &[&[0, 100, 900]]);
    assert_eq!(rest(&mut room.rewind(5000, None).unwrap()), [0, 900, 940, 1040, 1840]);
}

#[test]
fn what_was_not_recorded_is_refused_by_saying_from_when_on_it_was() {
    let room = room();
    let refused = |ms| room.rewind(ms, None).unwrap_err();
    assert_eq!(refused(0).code(), "NOT_RECORDED");
    assert!(refused(0).to_string().contains("\"start\""), "{}", refused(0));
    room.record(60_000, &[&[0, 500]]);
    room.record(70_000, &[&[0, 500]]);
    assert!(refused(59_000).to_string().contains("10:31:00.000Z"), "{}", refused(59_000));
    assert_eq!(refused(80_000).code(), "NOT_RECORDED", "it was then, and is not any more");
    // Within a pause: on from its end.
    assert_eq!(rest(&mut room.rewind(65_000, None).unwrap()), [0, 500]);
}

#[test]
fn what_is_not_written_yet_is_the_newest_that_is() {
    let room = room();
    let mut running = room.begin(0);
    running.append(&fragment(0, &[0, 40])).unwrap();
    running.append(&fragment(0, &[80, 120])).unwrap();
    let mut replay = room.rewind(900, Some(running.id())).unwrap();
    assert_eq!(rest(&mut replay), [120]);
    running.append(&fragment(0, &[160, 200])).unwrap();
    assert_eq!(rest(&mut replay), [160, 200]);
}

#[test]
fn a_fragment_that_cannot_be_read_is_passed_over() {
    let room = room();
    let id = room.record(0, &[&[0, 40], &[80, 120], &[160, 200]]);
    let open = room.store.open(&id).unwrap();
    let reader = media::fmp4::Reader::open(open.file, &open.path).unwrap();
    let moof = reader.fragments()[1].moof;
    let file = std::fs::OpenOptions::new().write(true).open(&open.path).unwrap();
    file.write_all_at(&[0xFF; 16], moof + 8).unwrap();
    assert_eq!(rest(&mut room.replay(&id, Position::FromStart(Duration::ZERO))), [0, 40, 160, 200]);
    let still = room.replay(&id, Position::FromStart(ms(90))).still().unwrap().unwrap();
    assert_eq!(still.time, ms(160));
}

#[test]
fn what_has_been_overtaken_is_not_read() {
    let room = room();
    let id = room.record(0, &[&[0, 40], &[80, 120], &[160, 200], &[240, 280]]);
    let mut replay = room.replay(&id, Position::FromStart(Duration::ZERO));
    let mut batch = |from| match replay.next_batch(ms(from)).unwrap() {
        Batch::Frames(frames) => frames.iter().map(|shown| shown.time.as_millis()).collect::<Vec<_>>(),
        _ => panic!("there is more"),
    };
    assert_eq!(batch(0), [0, 40]);
    assert_eq!(batch(170), [160, 200]);
    assert_eq!(batch(10_000), [280]);
}

#[test]
fn who_plays_fast_gets_fewer_frames() {
    let room = room();
    let id = room.record(0, &[&[0, 40, 80], &[120, 160, 200], &[240, 280, 320]]);
    let thinned = |step| rest(&mut room.replay(&id, Position::FromStart(Duration::ZERO)).thinned(ms(step)));
    assert_eq!(thinned(40), [0, 40, 80, 120, 160, 200, 240, 280, 320]);
    assert_eq!(thinned(70), [0, 80, 160, 240, 320]);
    assert_eq!(thinned(250), [0, 280]);
}

#[test]
fn a_still_is_the_frame_that_is_shown_then() {
    let room = room();
    let id = room.record(0, &[&[0, 40, 80], &[120, 160]]);
    for (asked, shown) in [(0, 0), (79, 40), (125, 120), (5000, 160)] {
        let still = room.replay(&id, Position::FromStart(ms(asked))).still().unwrap().unwrap();
        assert_eq!((still.time, &still.frame.payload), (ms(shown), &payload(shown)), "at {asked}");
    }
    let empty = room.begin(9000);
    let replay = room.replay(empty.id(), Position::FromStart(Duration::ZERO));
    assert!(replay.is_growing());
    assert!(replay.still().unwrap().is_none());
}

#[test]
fn an_h264_recording_is_shown_as_jpeg() {
    let room = room();
    let grey = |at: u64| {
        let picture = Picture::filled(64, 48, [(at % 250) as u8; 3]);
        frame(at, media::jpeg::encode(&picture, 90).unwrap().into())
    };
    let (mut encoder, mut fragments) = (None, Vec::new());
    for times in [[0, 40, 80], [120, 160, 200]] {
        let mut fragment = Fragment::default();
        for (index, at) in times.into_iter().enumerate() {
            let frame = grey(at);
            let coded = Encoder::code(&mut encoder, &frame, index == 0, Codec::H264, 25.0).unwrap();
            fragment.push(&frame, coded.payload, coded.key, at * TICKS_A_MS, 3600);
        }
        fragments.push(fragment);
    }
    let mut segment = room.begin_with(0, Codec::H264, encoder.unwrap().track);
    for fragment in &fragments {
        segment.append(fragment).unwrap();
    }
    let id = segment.id().clone();
    segment.finish().unwrap();

    let mut replay = room.replay(&id, Position::FromStart(Duration::ZERO)).thinned(ms(70));
    let mut shown = Vec::new();
    while let Batch::Frames(frames) = replay.next_batch(Duration::ZERO).unwrap() {
        for Replayed { time, frame } in frames {
            let picture = media::jpeg::decode(&frame.payload, 1 << 20).unwrap();
            assert_eq!((picture.width, picture.height), (64, 48));
            let at = time.as_millis() as u64;
            let level = u64::from(picture.rgb[0]);
            assert!(level.abs_diff(at % 250) < 12, "at {at} it is {level}");
            shown.push(at);
        }
    }
    assert_eq!(shown, [0, 80, 160]);
    let still = room.replay(&id, Position::FromStart(ms(170))).still().unwrap().unwrap();
    assert_eq!(still.time, ms(160));
}

#[test]
fn a_batch_is_bounded_in_bytes() {
    let room = room();
    let mut segment = room.begin(0);
    let mut large = Fragment::default();
    for at in 0..6 {
        let frame = frame(at * 40, vec![7; BATCH_BYTES / 3 + 1].into());
        let payload = frame.payload.clone();
        large.push(&frame, payload, true, at * 40 * TICKS_A_MS, 3600);
    }
    segment.append(&large).unwrap();
    let id = segment.id().clone();
    segment.finish().unwrap();
    let mut replay = room.replay(&id, Position::FromStart(Duration::ZERO));
    let mut sizes = Vec::new();
    while let Batch::Frames(frames) = replay.next_batch(Duration::ZERO).unwrap() {
        sizes.push(frames.len());
    }
    assert_eq!(sizes, [3, 3]);
}
