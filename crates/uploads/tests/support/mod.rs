//! A house with one tiny pipeline that counts its frames, and a client that reads its mailbox.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use std::{
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use hub::{Hub, Limits, RingLimits};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use uploads::{
    Analysis, Connection, Failure, InputFrame, Job, Mailbox, Pipeline, Progress, Settings, Signal, Uploads,
};
use wire::upload::{ClientMessage, FrameHead, ServerMessage, SessionEnd, SessionStart, SignalHead};

/// Writes down what it is given; waits at its gate before the first frame.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    pub(crate) runs: AtomicUsize,
    pub(crate) running: AtomicUsize,
    pub(crate) most: AtomicUsize,
    pub(crate) gate: Gate,
    pub(crate) fails: Option<&'static str>,
    pub(crate) panics: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Gate {
    shut: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    pub(crate) fn shut(&self) {
        *self.shut.lock().unwrap() = true;
    }

    pub(crate) fn open(&self) {
        *self.shut.lock().unwrap() = false;
        self.opened.notify_all();
    }

    fn pass(&self) {
        drop(self.opened.wait_while(self.shut.lock().unwrap(), |shut| *shut).unwrap());
    }
}

pub(crate) struct CounterPipeline(pub(crate) Arc<Counter>);

struct Run {
    counter: Arc<Counter>,
    job: Job,
    numbers: Vec<u64>,
    bytes: usize,
}

impl Pipeline for CounterPipeline {
    fn name(&self) -> &'static str {
        "referee"
    }

    fn begin(&self, job: Job) -> Result<Box<dyn Analysis>, Failure> {
        let counter = Arc::clone(&self.0);
        counter.runs.fetch_add(1, Ordering::SeqCst);
        let running = counter.running.fetch_add(1, Ordering::SeqCst) + 1;
        counter.most.fetch_max(running, Ordering::SeqCst);
        Ok(Box::new(Run { counter, job, numbers: Vec::new(), bytes: 0 }))
    }
}

impl Analysis for Run {
    fn frame(&mut self, frame: &InputFrame) -> Result<(), Failure> {
        self.counter.gate.pass();
        assert!(!self.counter.panics, "as the test wants it");
        self.numbers.push(frame.number);
        self.bytes += frame.bytes.len();
        Ok(())
    }

    fn finish(
        self: Box<Self>,
        signal: Option<&Signal>,
        report: &mut dyn FnMut(Progress),
    ) -> Result<Map<String, Value>, Failure> {
        if let Some(why) = self.counter.fails {
            return Err(Failure::Pipeline(why.into()));
        }
        std::fs::write(self.job.folder.join("frames.txt"), self.numbers.len().to_string()).unwrap();
        report(Progress { stage: "decision", progress: 1.0, message: "counted".into() });
        let result = json!({
            "decision": { "winner": "left", "reason": "it was asked first" },
            "numbers": self.numbers,
            "bytes": self.bytes,
            "signal": signal.map(|signal| String::from_utf8_lossy(&signal.bytes)),
            "size": [self.job.width, self.job.height],
            "fps": self.job.fps,
        });
        Ok(result.as_object().unwrap().clone())
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.counter.running.fetch_sub(1, Ordering::SeqCst);
    }
}

pub(crate) struct House {
    pub(crate) uploads: Uploads,
    pub(crate) hub: Hub,
    pub(crate) counter: Arc<Counter>,
    pub(crate) folder: TempDir,
}

pub(crate) fn settings(folder: &TempDir) -> Settings {
    Settings {
        max_sessions: 3,
        max_memory_bytes: 3 << 20,
        spool_memory_bytes: 1 << 20,
        session_timeout: Duration::from_secs(300),
        max_frame_bytes: 1 << 20,
        max_video_bytes: 1 << 20,
        analyses: 2,
        folder: folder.path().join("artifacts"),
        min_free_bytes: 0,
        jpeg_quality: 85,
    }
}

pub(crate) fn house() -> House {
    house_with(|_| {}, Counter::default())
}

pub(crate) fn house_with(change: impl FnOnce(&mut Settings), counter: Counter) -> House {
    let folder = tempfile::tempdir().unwrap();
    let ring = RingLimits { frames: 4, history_bytes: 1 << 20, backlog_frames: 4, backlog_bytes: 1 << 20 };
    let hub = Hub::new(Limits { streams: 4, viewers_per_stream: 10, ring });
    let mut settings = settings(&folder);
    change(&mut settings);
    let counter = Arc::new(counter);
    let uploads = Uploads::new(hub.clone(), settings, vec![Arc::new(CounterPipeline(Arc::clone(&counter)))]);
    House { uploads, hub, counter, folder }
}

impl House {
    pub(crate) fn client(&self) -> Client {
        Client::of(self.uploads.connect(|_| true))
    }
}

pub(crate) struct Client {
    pub(crate) connection: Connection,
    mailbox: Arc<Mailbox>,
}

/// A JPEG as small as it gets: 8 × 8 grey pixels.
pub(crate) fn jpeg(number: u64) -> Bytes {
    let picture = media::Picture::filled(8, 8, [number as u8; 3]);
    media::jpeg::encode(&picture, 80).unwrap().into()
}

impl Client {
    pub(crate) fn of(connection: Connection) -> Self {
        Self { mailbox: connection.mailbox(), connection }
    }

    pub(crate) async fn say(&mut self, message: ClientMessage) {
        self.connection.text(&message.to_json()).await;
    }

    pub(crate) async fn hear(&mut self) -> ServerMessage {
        let waiting = tokio::time::timeout(Duration::from_secs(20), self.mailbox.next());
        let queued = waiting.await.expect("an answer").expect("not parted");
        let message = queued.message().clone();
        queued.sent();
        message
    }

    /// Why the hub has ended the connection.
    pub(crate) async fn close_reason(&mut self) -> String {
        let waiting = tokio::time::timeout(Duration::from_secs(20), self.mailbox.next());
        waiting.await.expect("an end").expect_err("a close_reason").reason
    }

    pub(crate) async fn start(&mut self, id: &str) -> ServerMessage {
        self.start_with(SessionStart { session_id: id.into(), fps: Some(25.0), ..SessionStart::default() })
            .await
    }

    pub(crate) async fn start_with(&mut self, start: SessionStart) -> ServerMessage {
        self.say(ClientMessage::SessionStart(start)).await;
        self.hear().await
    }

    pub(crate) async fn send(&mut self, number: u64) {
        self.send_as(number, "jpeg", jpeg(number)).await;
    }

    pub(crate) async fn send_as(&mut self, number: u64, encoding: &str, bytes: Bytes) {
        let head = FrameHead {
            frame_number: number,
            encoding: Some(encoding.into()),
            size: Some(bytes.len() as u64),
            ..FrameHead::default()
        };
        self.say(ClientMessage::Frame(head)).await;
        self.connection.payload(bytes).await;
    }

    pub(crate) async fn frames(&mut self, numbers: impl IntoIterator<Item = u64>) {
        for number in numbers {
            self.send(number).await;
            let ack = self.hear().await;
            assert!(
                matches!(ack, ServerMessage::FrameAck { frame_number, .. } if frame_number == number),
                "{ack:?}"
            );
        }
    }

    pub(crate) async fn end(&mut self) -> ServerMessage {
        self.say(ClientMessage::SessionEnd(SessionEnd::default())).await;
        self.hear().await
    }

    pub(crate) async fn signal(&mut self) -> ServerMessage {
        self.say(ClientMessage::Signal(SignalHead::default())).await;
        self.connection.payload(Bytes::from_static(b"HIT: Left scores on Right!")).await;
        self.hear().await
    }

    /// From `process_start` to the end: how many steps were told, and the last message.
    pub(crate) async fn outcome(&mut self) -> (usize, ServerMessage) {
        let start = self.hear().await;
        assert!(matches!(start, ServerMessage::ProcessStart { .. }), "{start:?}");
        let mut steps = 0;
        loop {
            match self.hear().await {
                ServerMessage::ProcessProgress { .. } => steps += 1,
                last => return (steps, last),
            }
        }
    }

    pub(crate) async fn result(&mut self) -> Map<String, Value> {
        match self.outcome().await.1 {
            ServerMessage::ProcessComplete { result, .. } => result,
            other => panic!("no result: {other:?}"),
        }
    }
}

/// The code, the words and whether it is recoverable.
pub(crate) fn error(message: ServerMessage) -> (String, String, bool) {
    match message {
        ServerMessage::Error { error_code, error_message, recoverable, .. } => {
            (error_code.to_string(), error_message, recoverable)
        }
        other => panic!("no error: {other:?}"),
    }
}

/// Looks again until it is true.
pub(crate) async fn eventually(what: &str, look: impl Fn() -> bool) {
    for _ in 0..2000 {
        if look() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not within 20 s: {what}");
}
