//! A hub with a recorder in a folder of its own, and a camera whose time the tests set.

#![allow(dead_code, clippy::unwrap_used)]

use std::{
    fs::File,
    path::PathBuf,
    time::{Duration, Instant},
};

use hub::{CaptureTime, Claim, Format, Hub, Limits, Moment, NewFrame, Publisher, RingLimits, StreamName};
use media::{
    Picture,
    fmp4::{Reader, Sample},
};
use record::{Codec, Config, Filter, Metadata, Order, RecordingId, Recordings, Retention, TimeOfDay};

/// Frames that the ring keeps for a recorder that is behind: more than most tests publish at once.
pub(crate) const BACKLOG_FRAMES: usize = 120;
/// What must happen at some time, does within this one.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until there is an answer.
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "it never came: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The number of a frame made by [`jpeg`].
pub(crate) fn number(jpeg: &[u8]) -> u32 {
    u32::from_be_bytes(jpeg[6..10].try_into().unwrap())
}

/// A plain picture; `shade` makes it differ from others.
pub(crate) fn picture(width: u32, height: u32, shade: u8) -> Vec<u8> {
    let rgb = vec![shade; (width * height * 3) as usize];
    media::jpeg::encode(&Picture { width, height, rgb }, 80).unwrap()
}

/// 32×16 pixels; each number has bytes of its own.
pub(crate) fn jpeg(number: u32) -> Vec<u8> {
    let mut bytes = picture(32, 16, 128);
    // A comment behind SOI (ITU-T T.81, B.2.4.5).
    let comment = [0xFF, 0xFE, 0, 6].into_iter().chain(number.to_be_bytes());
    bytes.splice(2..2, comment);
    bytes
}

pub(crate) struct Rig {
    pub(crate) hub: Hub,
    pub(crate) recordings: Recordings,
    pub(crate) directory: PathBuf,
    _folder: tempfile::TempDir,
}

/// A frame as it lies in a file.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) sample: Sample,
    pub(crate) payload: Vec<u8>,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("recordings");
        let mut config = Config {
            directory: directory.clone(),
            automatic: true,
            codec: Codec::Mp4v,
            target_fps: 1000.0,
            segment: Duration::from_secs(3600),
            sync: Duration::from_secs(1),
            retention: Retention {
                max_age: Duration::from_secs(7 * 86_400),
                max_total_bytes: None,
                min_free_bytes: 0,
            },
            schedule: TimeOfDay { hour: 3, minute: 0 },
        };
        change(&mut config);
        let ring = RingLimits {
            frames: 30,
            history_bytes: 1 << 20,
            backlog_frames: BACKLOG_FRAMES,
            backlog_bytes: 8 << 20,
        };
        let hub = Hub::new(Limits { streams: 8, viewers_per_stream: 8, ring });
        let recordings = Recordings::start(hub.clone(), config);
        Self { hub, recordings, directory, _folder: folder }
    }

    pub(crate) fn camera(&self, name: &str) -> Camera {
        let name: StreamName = name.parse().unwrap();
        let now = Moment::now();
        let publisher = self.hub.publisher(&name, Claim::Exclusive, now).unwrap();
        if self.recordings.config().automatic {
            eventually("its recorder is there", || self.recordings.activity(&name));
        }
        Camera { name, publisher, now, captured: None, metadata: None }
    }

    /// Ends everything; gives what is on the store then, oldest first.
    pub(crate) fn finish(&self) -> Vec<Metadata> {
        self.hub.shut_down();
        self.recordings.shut_down(PATIENCE);
        let filter = Filter { order: Order::Oldest, limit: 1000, ..Filter::default() };
        self.recordings.store().list(&filter).unwrap().recordings
    }

    pub(crate) fn open(&self, recording: &Metadata) -> Reader {
        let stream = recording.stream_name.parse().unwrap();
        let id = RecordingId::parse(&stream, &recording.file).unwrap();
        let path = self.directory.join(stream.as_str()).join(id.file.as_str());
        Reader::open(File::open(&path).unwrap(), &path).unwrap()
    }

    pub(crate) fn frames(&self, recording: &Metadata) -> Vec<Kept> {
        let reader = self.open(recording);
        let samples = (0..reader.fragments().len()).flat_map(|at| reader.samples(at).unwrap());
        let kept = samples.map(|placed| {
            let payload = reader.read(&placed).unwrap();
            Kept { sample: placed.sample, payload }
        });
        kept.collect()
    }
}

pub(crate) struct Camera {
    pub(crate) name: StreamName,
    pub(crate) publisher: Publisher,
    /// When the next frame arrives.
    pub(crate) now: Moment,
    pub(crate) captured: Option<f64>,
    pub(crate) metadata: Option<String>,
}

impl Camera {
    pub(crate) fn publish(&mut self, jpeg: Vec<u8>) {
        self.publish_sized(jpeg, 32, 16);
    }

    pub(crate) fn publish_sized(&mut self, jpeg: Vec<u8>, width: u32, height: u32) {
        let mut frame = NewFrame::new(jpeg.into(), Format::jpeg(width, height));
        frame.captured = self.captured.and_then(CaptureTime::from_unix_secs);
        frame.metadata = self.metadata.as_deref().map(Into::into);
        self.publisher.publish(frame, self.now).unwrap();
    }

    /// Time goes on for the stream; the test does not wait.
    pub(crate) fn wait(&mut self, span: Duration) {
        self.now.mono += span;
        self.now.wall += span;
    }
}
