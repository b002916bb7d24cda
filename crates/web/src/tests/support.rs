//! A hub with a folder for recordings, files to put into it, and a client that calls routes as functions.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{body::Body, extract::Request, response::Response};
use bytes::{Buf, Bytes};
use derive::{Analyser, Registry};
use http::{Method, StatusCode, header::HeaderMap};
use http_body_util::BodyExt;
use hub::{Claim, Format, Frame, Hub, Limits, Moment, NewFrame, RingLimits};
use media::fmp4::{self, FragmentEntry, Sample, Track};
use record::{Codec, Config, Kind, Metadata, RecordingId, Recordings, Retention, Status, Store, Writing};
use serde_json::Value;
use sessions::{Place, Sessions};
use sources::Sources;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use transport::{Connections, LiveBox, PerAddress, receive, take_live};
use uploads::Uploads;

use crate::{App, HealthInfo, RobotInfo, Rooms, Settings, dispatch::Dispatch};

pub(super) struct House {
    pub(super) app: App,
    pub(super) shutdown: CancellationToken,
    dispatch: Dispatch,
    folder: tempfile::TempDir,
}

pub(super) fn house() -> House {
    house_with(settings())
}

pub(super) fn house_with(settings: Settings) -> House {
    house_that_analyses(settings, 0, Vec::new())
}

pub(super) fn house_that_analyses(
    settings: Settings,
    analyses: usize,
    with: Vec<Arc<dyn Analyser>>,
) -> House {
    let folder = tempfile::tempdir().unwrap();
    let ring = RingLimits { frames: 30, history_bytes: 1 << 20, backlog_frames: 30, backlog_bytes: 1 << 20 };
    let hub = Hub::new(Limits { streams: 4, viewers_per_stream: 10, ring });
    let recordings = Recordings::start(hub.clone(), config(folder.path().join("recordings")));
    let shutdown = CancellationToken::new();
    let uploads = uploads(&hub, folder.path().join("artifacts"));
    let simulators = simulators(&hub);
    let limits = derive::Limits { analyses, ..DERIVE };
    let derive = Registry::new(hub.clone(), limits, with);
    let rooms = Rooms { hub, recordings, sources: Sources::default(), uploads, simulators, derive };
    let app = App::new(rooms, settings, shutdown.clone());
    House { dispatch: Dispatch::new(app.clone()), app, shutdown, folder }
}

const DERIVE: derive::Limits = derive::Limits { renditions: 2, quality: 85, analyses: 0 };

/// Without an analysis.
pub(crate) fn derive(hub: &Hub) -> Registry {
    Registry::new(hub.clone(), DERIVE, Vec::new())
}

/// Without a pipeline.
pub(crate) fn uploads(hub: &Hub, folder: PathBuf) -> Uploads {
    let settings = uploads::Settings {
        max_sessions: 2,
        max_memory_bytes: 1 << 20,
        spool_memory_bytes: 1 << 18,
        session_timeout: Duration::from_secs(300),
        max_frame_bytes: 1 << 20,
        max_video_bytes: 1 << 20,
        analyses: 1,
        folder,
        min_free_bytes: 0,
        jpeg_quality: 85,
    };
    Uploads::new(hub.clone(), settings, Vec::new())
}

/// Sessions of a simulator that is not there.
pub(crate) fn simulators(hub: &Hub) -> Sessions {
    let default =
        Place { host: "127.0.0.1".into(), port: 9, ws_port: 9, stream_port: 9, ws_path: "/".into() };
    let second = Duration::from_secs(1);
    let settings = sessions::settings::Settings {
        default,
        timeout: second,
        max_concurrent: 2,
        idle: second * 3600,
        check: second * 300,
    };
    let pictures = ingest::Admission::new(wire::image::Limits { max_bytes: 1 << 20, setting: "" }, 85);
    Sessions::new(hub.clone(), settings, &BTreeMap::new(), pictures, CancellationToken::new()).unwrap()
}

pub(crate) fn config(directory: PathBuf) -> Config {
    Config {
        directory,
        automatic: false,
        codec: Codec::Mp4v,
        target_fps: 30.0,
        segment: Duration::from_secs(900),
        sync: Duration::from_secs(3600),
        retention: Retention {
            // The recordings of these tests have been made long ago.
            max_age: Duration::from_secs(36_500 * 24 * 3600),
            max_total_bytes: None,
            min_free_bytes: 0,
        },
        schedule: record::TimeOfDay { hour: 3, minute: 0 },
    }
}

pub(crate) fn settings() -> Settings {
    Settings {
        address: "127.0.0.1:5000".parse().unwrap(),
        tls: None,
        base_path: crate::BasePath::default(),
        max_frame_bytes: 1 << 20,
        publisher_idle: Duration::from_secs(300),
        stream_fps: None,
        heartbeat: Duration::from_secs(5),
        default_stream: None,
        demo_stream: None,
        robot: RobotInfo {
            stream: None,
            fps: None,
            frame_cache: true,
            camera_size: (640, 480),
            jpeg_quality: 85,
        },
        cors: false,
        jpeg_quality: 85,
        auth: access::Settings {
            keys: Vec::new(),
            public: access::Scopes::NONE,
            secret: access::SigningSecret::new(*b"secret"),
            failed_keys_per_minute: None,
        },
        allowed_origins: Vec::new(),
        allowed_hosts: Vec::new(),
        request_rate: None,
        trusted_proxies: Vec::new(),
        connections: transport::testing::limits(),
        health: HealthInfo {
            stream_timeout: Duration::from_secs(300),
            simulator_ip: "127.0.0.1".into(),
            simulator_port: 8211,
            model_path: None,
            model_loaded: false,
        },
    }
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub(super) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl House {
    pub(super) fn store(&self) -> &Store {
        self.app.live().recordings.store()
    }

    pub(super) fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    pub(super) async fn call(&self, request: Request) -> Response {
        let counted = PerAddress::new(None, Vec::new()).count([127, 0, 0, 1].into()).unwrap();
        let place = Connections::new(settings().connections).admit(counted).unwrap();
        let busy = Arc::new(place).begin_request(usize::MAX);
        let mut request = receive(request, &busy);
        request.extensions_mut().insert(busy);
        self.dispatch.answer(request).await
    }

    pub(super) async fn send(
        &self,
        method: Method,
        uri: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = http::Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.call(request.body(body.into()).unwrap()).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(super) async fn get(&self, uri: &str) -> Answer {
        self.send(Method::GET, uri, &[], "").await
    }

    pub(super) async fn post(&self, uri: &str, body: &str) -> Answer {
        self.send(Method::POST, uri, &[], body.to_owned()).await
    }

    /// Serves the hub on a port of its own.
    pub(super) async fn listen(&self) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(crate::serve(listener, self.app.clone()));
        port
    }

    /// The newest frame of a stream, if there is the stream.
    pub(super) fn newest(&self, stream: &str) -> Option<Arc<Frame>> {
        self.app.live().hub.stream(&stream.parse().unwrap())?.newest()
    }

    /// Frames of a stream that were refused.
    pub(super) fn rejected(&self, stream: &str) -> u64 {
        let stream = self.app.live().hub.stream(&stream.parse().unwrap()).unwrap();
        stream.stats(Moment::now()).totals.rejected
    }

    /// Opens a view that goes on.
    pub(super) async fn watch(&self, uri: &str) -> View {
        let mut response = self.call(Request::get(uri).body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::OK, "{uri}");
        View(take_live(&mut response).expect("a live body"))
    }

    pub(super) fn publish(&self, stream: &str, jpeg: &[u8]) {
        self.publish_at(stream, jpeg, Moment::now());
    }

    pub(super) fn publish_at(&self, stream: &str, jpeg: &[u8], now: Moment) {
        let publisher = self.app.live().hub.publisher(&stream.parse().unwrap(), Claim::Shared, now).unwrap();
        let frame = NewFrame::new(Bytes::copy_from_slice(jpeg), Format::jpeg(64, 48));
        publisher.publish(frame, now).unwrap();
    }

    /// A frame that no view can show.
    pub(super) fn publish_h264(&self, stream: &str, access_unit: &[u8]) {
        let format = Format { codec: hub::Codec::H264, width: 64, height: 48, key: true };
        let frame = NewFrame::new(Bytes::copy_from_slice(access_unit), format);
        let publisher = self.app.live().hub.publisher(&stream.parse().unwrap(), Claim::Shared, Moment::now());
        publisher.unwrap().publish(frame, Moment::now()).unwrap();
    }

    /// A stream without a frame.
    pub(super) fn claim(&self, stream: &str) -> hub::Publisher {
        self.app.live().hub.publisher(&stream.parse().unwrap(), Claim::Exclusive, Moment::now()).unwrap()
    }

    /// Begins a recording file of `stream`, by hand.
    pub(super) fn film(&self, stream: &str, start: SystemTime) -> Film {
        Film::new(self.store(), stream, start)
    }

    /// A finished recording with these fragments: times of frames in milliseconds.
    pub(super) fn recorded(&self, stream: &str, start: SystemTime, fragments: &[&[u64]]) -> RecordingId {
        let mut film = self.film(stream, start);
        for times in fragments {
            film.append(times);
        }
        film.finish()
    }
}

/// A view's body, taken part by part as a connection takes it.
pub(super) struct View(LiveBox);

impl View {
    pub(super) async fn part(&mut self) -> Option<String> {
        let mut part = std::future::poll_fn(|cx| self.0.poll_part(cx)).await?;
        let bytes = part.copy_to_bytes(part.remaining());
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The number of the next frame; heartbeats and the opening are passed over. `None` at the end.
    pub(super) async fn frame(&mut self) -> Option<u64> {
        // Heartbeats repeat the newest frame: a numbered part comes soon or never.
        for _ in 0..100 {
            let part = self.part().await?;
            if let Some((_, rest)) = part.split_once("X-Frame-Seq: ") {
                return rest.split_once("\r\n").unwrap().0.parse().ok();
            }
        }
        panic!("no part has a number")
    }
}

/// A recording being written as the recorder does it: fragment by fragment. Frames carry their time in milliseconds as
/// their number, and as their picture.
pub(super) struct Film {
    writing: Writing,
    metadata: Metadata,
    init: Vec<u8>,
    fragments: Vec<FragmentEntry>,
    start: SystemTime,
    end: u64,
}

const TICKS_A_MS: u64 = fmp4::TIMESCALE as u64 / 1000;
/// How long the last frame of a fragment is shown.
const LAST_MS: u64 = 40;

impl Film {
    fn new(store: &Store, stream: &str, start: SystemTime) -> Self {
        let stream = stream.parse().unwrap();
        let time = start.try_into().unwrap();
        let writing = store.create(&stream, Kind::Segment, start, |id, path| Metadata {
            stream_name: id.stream.to_string(),
            start_time: time,
            end_time: time,
            duration_seconds: 0.0,
            total_frames: 0,
            average_fps: 25.0,
            target_fps: 30.0,
            codec: Codec::Mp4v,
            recording_path: path.display().to_string(),
            file: id.file.as_str().to_owned(),
            status: Status::Recording,
            kind: Kind::Segment,
            size_bytes: 0,
            width: 64,
            height: 48,
            frames_lost: 0,
            gaps: Vec::new(),
        });
        let writing = writing.unwrap();
        let metadata = store.get(&writing.id).unwrap();
        let init = fmp4::init(&Track { codec: fmp4::Codec::Mp4v, width: 64, height: 48 });
        let mut film = Self { writing, metadata, init: init.clone(), fragments: Vec::new(), start, end: 0 };
        film.write(&init);
        film
    }

    pub(super) fn id(&self) -> &RecordingId {
        &self.writing.id
    }

    pub(super) fn append(&mut self, times: &[u64]) {
        self.append_large(times, 0);
    }

    /// Each picture with so many bytes more.
    pub(super) fn append_large(&mut self, times: &[u64], padding: usize) {
        let mut samples = Vec::new();
        let mut pictures = Vec::new();
        for (index, &time) in times.iter().enumerate() {
            let picture = [picture(time), vec![0; padding]].concat();
            let next = times.get(index + 1).copied().unwrap_or(time + LAST_MS);
            samples.push(Sample {
                time: time * TICKS_A_MS,
                duration: u32::try_from((next - time) * TICKS_A_MS).unwrap(),
                bytes: u32::try_from(picture.len()).unwrap(),
                key: true,
                seq: time,
                captured: None,
                metadata: None,
            });
            pictures.extend(picture);
        }
        let wall = self.start + Duration::from_millis(times[0]);
        let number = u32::try_from(self.fragments.len() + 1).unwrap();
        let head = fmp4::fragment_head(number, wall, &samples).unwrap();
        let offset = self.metadata.size_bytes + fmp4::PRFT_BYTES;
        self.fragments.push(FragmentEntry { time: samples[0].time, offset });
        self.end = times[times.len() - 1] + LAST_MS;
        self.metadata.total_frames += times.len() as u64;
        self.write(&[head, pictures].concat());
    }

    /// Bytes of a fragment that is not whole yet.
    pub(super) fn tear(&self) {
        use std::io::Write;
        (&self.writing.file).write_all(&[0, 0, 4, 0, b'm', b'o', b'o', b'f', 0]).unwrap();
    }

    fn write(&mut self, bytes: &[u8]) {
        use std::io::Write;
        (&self.writing.file).write_all(bytes).unwrap();
        self.metadata.size_bytes += bytes.len() as u64;
        self.metadata.duration_seconds = self.end as f64 / 1000.0;
        self.metadata.end_time = (self.start + Duration::from_millis(self.end)).try_into().unwrap();
        self.writing.update(self.metadata.clone());
    }

    pub(super) fn finish(mut self) -> RecordingId {
        use std::os::unix::fs::FileExt;
        self.write(&fmp4::index(&self.fragments));
        let (offset, patch) = fmp4::duration_patch(&self.init, self.end * TICKS_A_MS).unwrap();
        self.writing.file.write_all_at(&patch, offset).unwrap();
        let id = self.id().clone();
        self.metadata.status = Status::Finished;
        self.writing.finish(self.metadata).unwrap();
        id
    }
}

/// Looks like a JPEG to whoever checks its first and last bytes.
pub(super) fn picture(time: u64) -> Vec<u8> {
    [&[0xFF, 0xD8], format!("<picture at {time}>").as_bytes(), &[0xFF, 0xD9]].concat()
}

/// One that can be decoded.
pub(super) fn jpeg(width: u32, height: u32) -> Vec<u8> {
    let rgb = (0..width * height * 3).map(|n| n as u8).collect();
    media::jpeg::encode(&media::Picture { width, height, rgb }, 85).unwrap()
}

/// Until `is_so`: of what another task does, which has no other sign.
pub(super) async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// `2026-01-21T10:30:00Z`, and some milliseconds.
pub(super) fn morning(ms: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(1_768_991_400_000 + ms)
}

pub(super) fn url(id: &RecordingId) -> String {
    format!("/api/recordings/{}/{}", id.stream, id.file.as_str())
}
