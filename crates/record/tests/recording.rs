//! What ends up in the files when streams are published: real files, read back.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::{fs, time::Duration};

use hub::{Claim, Format, Moment, NewFrame};
use media::fmp4;
use record::{Codec, Config, Kind, Status};
use support::{BACKLOG_FRAMES, Rig, eventually, jpeg, number};

#[test]
fn every_frame_is_kept_as_it_was_published() {
    let rig = Rig::new();
    let mut cam = rig.camera("cam1");
    for number in 0..40 {
        cam.captured = Some(1_700_000_000.0 + f64::from(number) * 0.05);
        cam.metadata = (number % 2 == 0).then(|| format!("{{\"step\":{number}}}"));
        cam.publish(jpeg(number));
        cam.wait(Duration::from_millis(50));
    }
    let recordings = rig.finish();
    let [recording] = &recordings[..] else { panic!("{recordings:?}") };
    assert_eq!((recording.total_frames, recording.frames_lost), (40, 0));
    assert_eq!((recording.status, recording.kind), (Status::Finished, Kind::Segment));
    assert_eq!((recording.width, recording.height), (32, 16));
    assert!((recording.duration_seconds - 2.0).abs() < 0.01, "{recording:?}");
    assert!((recording.average_fps - 20.0).abs() < 0.1, "{recording:?}");
    assert_eq!(recording.end_time.as_millisecond() - recording.start_time.as_millisecond(), 2000);

    for (at, frame) in rig.frames(recording).into_iter().enumerate() {
        let number = u32::try_from(at).unwrap();
        assert_eq!(frame.payload, jpeg(number));
        assert_eq!(frame.sample.seq, u64::from(number) + 1);
        assert_eq!(frame.sample.time, u64::from(number) * 4500, "1/20 s in ticks of 1/90000 s");
        assert_eq!(frame.sample.captured, Some(1_700_000_000.0 + f64::from(number) * 0.05));
        let metadata = (number % 2 == 0).then(|| format!("{{\"step\":{number}}}"));
        assert_eq!(frame.sample.metadata.as_deref(), metadata.as_deref());
    }
}

#[test]
fn a_picture_of_the_last_moment_is_kept() {
    for _ in 0..20 {
        let rig = Rig::new();
        let now = Moment::now();
        let publisher = rig.hub.publisher(&"cam1".parse().unwrap(), Claim::Exclusive, now).unwrap();
        publisher.publish(NewFrame::new(jpeg(1).into(), Format::jpeg(32, 16)), now).unwrap();
        // At once: the thread that follows the streams may not have seen this one.
        rig.recordings.catch_up();
        let recordings = rig.finish();
        let [recording] = &recordings[..] else { panic!("{recordings:?}") };
        assert_eq!((recording.total_frames, recording.frames_lost), (1, 0));
    }
}

#[test]
fn a_fragment_is_half_a_second_so_a_kill_costs_no_more() {
    let rig = Rig::new();
    let mut cam = rig.camera("cam1");
    for number in 0..100 {
        cam.publish(jpeg(number));
        cam.wait(Duration::from_millis(40));
    }
    let recordings = rig.finish();
    let reader = rig.open(&recordings[0]);
    let fragments = reader.fragments();
    assert!(fragments.len() >= 8, "{}", fragments.len());
    let longest = fragments.windows(2).map(|pair| pair[1].time - pair[0].time).max().unwrap();
    assert!(longest <= u64::from(fmp4::TIMESCALE) * 6 / 10, "{longest}");
}

#[test]
fn pauses_and_jitter_stay_as_they_were() {
    let rig = Rig::new();
    let mut cam = rig.camera("cam1");
    let waits = [10, 70, 2500, 33, 90_000, 15];
    for (number, wait) in waits.into_iter().enumerate() {
        cam.publish(jpeg(u32::try_from(number).unwrap()));
        cam.wait(Duration::from_millis(wait));
    }
    let recordings = rig.finish();
    let times: Vec<u64> = rig.frames(&recordings[0]).iter().map(|f| f.sample.time / 90).collect();
    assert_eq!(times, [0, 10, 80, 2580, 2613, 92_613]);
}

#[test]
fn a_faster_stream_is_thinned_to_the_target() {
    let rig = Rig::with(|config| config.target_fps = 10.0);
    let mut cam = rig.camera("cam1");
    for number in 0..90 {
        cam.publish(jpeg(number));
        cam.wait(Duration::from_millis(33));
    }
    let recordings = rig.finish();
    let frames = recordings[0].total_frames;
    assert!((29..=37).contains(&frames), "{frames} of 3 s at 10 a second");
    assert_eq!(recordings[0].frames_lost, 0, "what is left out on purpose is not lost");
}

#[test]
fn another_size_begins_another_file_and_so_does_a_long_one() {
    let rig = Rig::with(|config| config.segment = Duration::from_secs(2));
    let mut cam = rig.camera("cam1");
    for number in 0..50 {
        cam.publish(jpeg(number));
        cam.wait(Duration::from_millis(100));
    }
    for _ in 0..5 {
        cam.publish_sized(support::picture(48, 32, 0), 48, 32);
        cam.wait(Duration::from_millis(100));
    }
    let recordings = rig.finish();
    let lengths: Vec<(u64, u32)> = recordings.iter().map(|r| (r.total_frames, r.width)).collect();
    let sum: u64 = lengths.iter().map(|&(frames, _)| frames).sum();
    assert_eq!(sum, 55, "{lengths:?}");
    assert_eq!(lengths.last().unwrap(), &(5, 48));
    assert!(lengths.len() >= 3, "{lengths:?}");
    for recording in &recordings {
        assert_eq!(rig.frames(recording).len() as u64, recording.total_frames);
        assert!(recording.duration_seconds <= 2.6, "{recording:?}");
    }
}

#[test]
fn what_the_disk_did_not_take_is_a_gap_with_its_length_and_number() {
    let rig = Rig::with(|config| fs::write(&config.directory, "in the way").unwrap());
    let mut cam = rig.camera("cam1");
    cam.publish(jpeg(0));
    eventually("the failure is reported", || {
        let activity = rig.recordings.activity(&cam.name)?;
        activity.error.filter(|error| error.contains("recordings"))
    });
    for number in 1..300 {
        cam.wait(Duration::from_millis(20));
        cam.publish(jpeg(number));
    }
    assert_eq!(cam.publisher.stream().stats(cam.now).totals.frames, 300, "publishing goes on");
    fs::remove_file(&rig.directory).unwrap();
    eventually("recording goes on", || rig.recordings.activity(&cam.name)?.current);
    let recordings = rig.finish();
    let [recording] = &recordings[..] else { panic!("{recordings:?}") };
    assert_eq!(recording.total_frames + recording.frames_lost, 300);
    assert_eq!(rig.frames(recording).len() as u64, recording.total_frames);
    let [gap] = &recording.gaps[..] else { panic!("{recording:?}") };
    assert_eq!(gap.frames, recording.frames_lost);
    assert!(gap.frames as usize >= 300 - BACKLOG_FRAMES - 20, "{gap:?}");
    assert!((gap.seconds - (gap.frames + 1) as f64 * 0.02).abs() < 0.05, "{gap:?}");
    assert_eq!(rig.recordings.totals().frames_lost, recording.frames_lost);
}

#[test]
fn a_file_deleted_under_it_is_followed_by_a_new_one() {
    let rig = Rig::new();
    let mut cam = rig.camera("cam1");
    cam.publish(jpeg(0));
    eventually("it is written", || rig.recordings.activity(&cam.name)?.current);
    fs::remove_dir_all(&rig.directory).unwrap();
    for number in 1..30 {
        cam.wait(Duration::from_millis(50));
        cam.publish(jpeg(number));
    }
    let recordings = rig.finish();
    assert_eq!(recordings.len(), 1, "{recordings:?}");
    assert_eq!(recordings[0].total_frames, 29);
}

#[test]
fn a_source_that_rests_is_recorded_on_request_only() {
    let rig = Rig::new();
    let name = "demo".parse().unwrap();
    let source = rig.hub.publisher(&name, Claim::Source, Moment::now()).unwrap();
    let mut cam = rig.camera("cam1");
    cam.publish(jpeg(0));
    eventually("the other stream is recorded", || rig.recordings.activity(&cam.name)?.current);
    assert!(rig.recordings.activity(&name).is_none());
    assert!(!source.demand().is_wanted());
    rig.recordings.begin(&name).unwrap();
    assert!(source.demand().is_wanted(), "a recorder keeps a source awake");
    rig.recordings.end(&name).unwrap();
    assert!(!source.demand().is_wanted());
}

#[test]
fn what_was_ended_on_request_stays_ended_until_the_stream_is_made_anew() {
    let rig = Rig::new();
    let mut cam = rig.camera("cam1");
    cam.publish(jpeg(0));
    eventually("it is written", || rig.recordings.activity(&cam.name)?.current);
    let ended = rig.recordings.end(&cam.name).unwrap();
    assert_eq!((ended.frames, ended.current), (1, None));
    let _another_stream = rig.camera("cam2");
    cam.publish(jpeg(1));
    assert!(rig.recordings.activity(&cam.name).is_none());
    assert!(rig.recordings.end(&cam.name).is_err());

    rig.hub.remove(&cam.name);
    let mut again = rig.camera("cam1");
    again.publish(jpeg(2));
    eventually("the new stream is recorded", || rig.recordings.activity(&cam.name)?.current);
}

#[test]
fn nothing_is_recorded_by_itself_where_that_is_turned_off() {
    let rig = Rig::with(|config| config.automatic = false);
    let mut cam = rig.camera("cam1");
    cam.publish(jpeg(0));
    rig.recordings.begin(&cam.name).unwrap();
    cam.publish(jpeg(1));
    let recordings = rig.finish();
    assert_eq!(recordings.len(), 1);
    assert!(rig.recordings.begin(&cam.name).is_err(), "the hub has shut down");
}

#[test]
fn h264_is_encoded_and_a_bad_frame_is_only_lost() {
    let rig = Rig::with(|config| config.codec = Codec::H264);
    let mut cam = rig.camera("cam1");
    for number in 0..30 {
        let picture = support::picture(64, 48, u8::try_from(number * 8).unwrap());
        let picture = if number == 7 { picture[..picture.len() / 2].to_vec() } else { picture };
        cam.publish_sized(picture, 64, 48);
        cam.wait(Duration::from_millis(40));
    }
    let recordings = rig.finish();
    let [recording] = &recordings[..] else { panic!("{recordings:?}") };
    assert_eq!((recording.codec, recording.total_frames + recording.frames_lost), (Codec::H264, 30));
    assert!(recording.total_frames >= 29);
    let reader = rig.open(recording);
    let fmp4::Codec::H264 { sps, pps } = &reader.track().codec else { panic!("{:?}", reader.track()) };
    let mut decoder = media::h264::Decoder::new(sps, pps).unwrap();
    for (at, _) in reader.fragments().iter().enumerate() {
        assert!(reader.samples(at).unwrap()[0].sample.key, "decoding can start at every fragment");
    }
    let decoded =
        rig.frames(recording).iter().filter(|f| decoder.decode(&f.payload).unwrap().is_some()).count();
    assert_eq!(decoded as u64, recording.total_frames);
}

#[test]
fn pictures_that_a_codec_cannot_hold_are_told_of() {
    let rig = Rig::with(|config| config.codec = Codec::H264);
    let mut cam = rig.camera("cam1");
    cam.publish_sized(support::picture(8, 8, 0), 8, 8);
    let error = eventually("the failure is reported", || rig.recordings.activity(&cam.name)?.error);
    assert!(error.contains("8x8"), "{error}");
    assert!(rig.finish().is_empty());
}

#[test]
fn a_clip_has_what_came_before_it_was_asked_for() {
    let rig = Rig::new();
    let mut cam = rig.camera("cam1");
    for number in 0..100 {
        cam.publish(jpeg(number));
        cam.wait(Duration::from_millis(50));
    }
    let clip = rig.recordings.clip(&cam.name, Duration::from_secs(2)).unwrap();
    assert_eq!((clip.kind, clip.status), (Kind::Clip, Status::Finished));
    assert!((clip.duration_seconds - 2.0).abs() < 0.2, "{clip:?}");
    let frames = rig.frames(&clip);
    assert_eq!(frames.last().unwrap().payload, jpeg(99), "up to the newest frame");
    assert_eq!(frames.first().unwrap().sample.time, 0);
    assert!(clip.file.contains("_clip"), "{}", clip.file);
    let recordings = rig.finish();
    assert_eq!(recordings.len(), 2, "the recording went on beside it");
}

#[test]
fn a_clip_goes_across_files_and_without_any_it_comes_from_the_ring() {
    let rig = Rig::with(|config| config.segment = Duration::from_secs(1));
    let mut cam = rig.camera("cam1");
    for number in 0..80 {
        cam.publish(jpeg(number));
        cam.wait(Duration::from_millis(50));
    }
    let clip = rig.recordings.clip(&cam.name, Duration::from_secs(60)).unwrap();
    let numbers: Vec<u32> = rig.frames(&clip).iter().map(|f| number(&f.payload)).collect();
    assert_eq!(numbers, (0..80).collect::<Vec<_>>());
    assert!((clip.duration_seconds - 4.0).abs() < 0.1, "{clip:?}");

    let ring = Rig::with(|config| config.automatic = false);
    let mut cam = ring.camera("cam1");
    for number in 0..10 {
        cam.publish(jpeg(number));
        cam.wait(Duration::from_millis(50));
    }
    let clip = ring.recordings.clip(&cam.name, Duration::from_secs(60)).unwrap();
    assert_eq!(ring.frames(&clip).last().unwrap().payload, jpeg(9));
    let nothing = ring.camera("empty");
    assert!(ring.recordings.clip(&nothing.name, Duration::from_secs(60)).is_err());
}

#[test]
fn a_disk_that_is_low_pauses_recording_and_says_so() {
    let rig = Rig::with(|config: &mut Config| config.retention.min_free_bytes = u64::MAX);
    let mut cam = rig.camera("cam1");
    let error = eventually("the failure is reported", || {
        cam.publish(jpeg(0));
        cam.wait(Duration::from_millis(20));
        rig.recordings.activity(&cam.name)?.error
    });
    assert!(error.contains("recording.min_free_gb"), "{error}");
}
