//! Requests that are quicker than the thread that follows the hub: here there is none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use hub::{Claim, Format, Limits, Moment, NewFrame, RingLimits};

use super::*;
use crate::{Codec, Filter, Kind, Retention, TimeOfDay};

struct Rig {
    hub: Hub,
    recordings: Recordings,
    cam: StreamName,
    began: Moment,
    _folder: tempfile::TempDir,
}

/// A stream of so many frames that no recorder has been begun for.
fn unnoticed(frames: u64) -> Rig {
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        directory: folder.path().join("recordings"),
        automatic: true,
        codec: Codec::Mp4v,
        target_fps: 1000.0,
        segment: Duration::from_secs(3600),
        sync: Duration::from_secs(1),
        retention: Retention {
            max_age: Duration::from_secs(86_400),
            max_total_bytes: None,
            min_free_bytes: 0,
        },
        schedule: TimeOfDay { hour: 3, minute: 0 },
    };
    let ring = RingLimits { frames: 30, history_bytes: 1 << 20, backlog_frames: 30, backlog_bytes: 1 << 20 };
    let hub = Hub::new(Limits { streams: 8, viewers_per_stream: 8, ring });
    let recordings = Recordings(Arc::new(Shared::new(hub.clone(), config)));
    let cam = "cam1".parse().unwrap();
    let rig = Rig { hub, recordings, cam, began: Moment::now(), _folder: folder };
    rig.publish(0, frames);
    rig
}

impl Rig {
    /// The pictures from number `first` on, of a camera that makes 25 a second.
    fn publish(&self, first: u64, frames: u64) {
        let publisher = self.hub.publisher(&self.cam, Claim::Exclusive, self.began).unwrap();
        let picture = media::Picture { width: 32, height: 16, rgb: vec![128; 32 * 16 * 3] };
        let jpeg = bytes::Bytes::from(media::jpeg::encode(&picture, 80).unwrap());
        for number in first..first + frames {
            let mut now = self.began;
            now.mono += Duration::from_millis(number * 40);
            now.wall += Duration::from_millis(number * 40);
            publisher.publish(NewFrame::new(jpeg.clone(), Format::jpeg(32, 16)), now).unwrap();
        }
    }

    /// Kind and frames of each file, when everything has ended.
    fn files(&self) -> Vec<(Kind, u64)> {
        self.hub.shut_down();
        self.recordings.shut_down(PATIENCE);
        let listed = self.recordings.store().list(&Filter { limit: 10, ..Filter::default() }).unwrap();
        listed.recordings.iter().map(|metadata| (metadata.kind, metadata.total_frames)).collect()
    }
}

#[test]
fn a_stop_is_obeyed_however_early_it_comes() {
    let rig = unnoticed(3);
    let ended = rig.recordings.end(&rig.cam).unwrap();
    assert_eq!((ended.frames, ended.current), (3, None), "what was published before it is kept");
    rig.recordings.catch_up();
    assert_eq!(rig.recordings.activity(&rig.cam), None, "it does not begin again by itself");
    assert!(matches!(rig.recordings.end(&rig.cam), Err(Error::NotRecording { .. })));
    assert_eq!(rig.files(), [(Kind::Segment, 3)]);
}

#[test]
fn a_start_that_comes_first_loses_nothing() {
    let rig = unnoticed(3);
    rig.recordings.begin(&rig.cam).unwrap();
    assert_eq!(rig.recordings.end(&rig.cam).unwrap().frames, 3);
}

#[test]
fn a_clip_holds_the_newest_frame_though_its_stream_is_new_and_its_recordings_old() {
    let rig = unnoticed(3);
    rig.recordings.end(&rig.cam).unwrap();
    rig.hub.remove(&rig.cam);
    rig.publish(10, 2);
    let clip = rig.recordings.clip(&rig.cam, Duration::from_secs(60)).unwrap();
    assert_eq!(clip.total_frames, 5);
}
