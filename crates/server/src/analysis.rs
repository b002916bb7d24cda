//! The analyses of upload sessions and of live streams: where the rooms that analyse meet those that receive.

use std::sync::Arc;

use referee::pipeline::{self, Beginning, Encoding, Frame, Referee, poses::Poses, poses::persons_json};
use referee::pose::{self, OnDemand, Source};
use serde_json::{Map, Value, json};
use uploads::{Analysis, Failure, InputFrame, Job, Picture, Pipeline, Progress, Signal, Stop};

use derive::Analyser;

use crate::config::Config;

/// What all analyses share: the lens and the model.
#[derive(Debug)]
pub(crate) struct Analyses {
    referee: Referee,
}

impl Analyses {
    /// A model in a file is loaded now: where that fails the hub runs without one, and the log says why. The built-in one
    /// is loaded by the first analysis, whose thread gives way as well.
    pub(crate) fn load(config: &Config) -> Self {
        let settings = &config.referee;
        let (input_size, threads) = (settings.input_size, settings.threads);
        let model = settings.model.clone().and_then(|source| {
            let options = pose::Settings { input_size, threads, ..Default::default() };
            let model = OnDemand::new(source.clone(), options);
            let is_ready = source == Source::Builtin || load(&model, &source);
            is_ready.then(|| Arc::new(model))
        });
        Self { referee: Referee { lens: settings.fisheye.then_some(settings.lens), model } }
    }

    pub(crate) fn has_model(&self) -> bool {
        self.referee.model.is_some()
    }

    /// What can analyse live streams.
    pub(crate) fn live(&self) -> Vec<Arc<dyn Analyser>> {
        vec![Arc::new(LivePose(self.referee.model.clone()))]
    }

    /// Every pipeline of this hub.
    pub(crate) fn pipelines(&self) -> Vec<Arc<dyn Pipeline>> {
        vec![Arc::new(Judging(self.referee.clone())), Arc::new(Posing(self.referee.model.clone()))]
    }
}

/// Loads on a thread that gives way, since the model's own threads inherit that. Whether it could be loaded.
fn load(model: &OnDemand, source: &Source) -> bool {
    let loading = std::thread::scope(|scope| {
        let work = || {
            net::lower_priority();
            model.model().map(|_| ())
        };
        std::thread::Builder::new().name("model".into()).spawn_scoped(scope, work).map(|thread| thread.join())
    });
    match loading {
        Ok(Ok(Ok(()))) => {
            tracing::info!(path = %source, "the pose model is loaded");
            return true;
        }
        Ok(Ok(Err(error))) => tracing::error!(code = error.code(), "no pose model: {error}"),
        Ok(Err(_)) => tracing::error!(path = %source, "no pose model: loading it broke off"),
        Err(error) => tracing::error!(%error, "no pose model: there is no thread to load it"),
    }
    false
}

/// The pipeline `referee`.
struct Judging(Referee);

impl Pipeline for Judging {
    fn name(&self) -> &'static str {
        "referee"
    }

    fn begin(&self, job: Job) -> Result<Box<dyn Analysis>, Failure> {
        let beginning = Beginning {
            fps: job.fps,
            width: job.width,
            height: job.height,
            folder: &job.folder,
            overlay: job.options.save_overlay,
            key_points: job.options.include_keypoints,
        };
        let run = self.0.begin(&beginning).map_err(failure)?;
        Ok(Box::new(Judgement { run, stop: job.stop }))
    }
}

struct Judgement {
    run: pipeline::Run,
    stop: Stop,
}

impl Analysis for Judgement {
    fn frame(&mut self, frame: &InputFrame) -> Result<(), Failure> {
        self.run.push_frame(&as_frame(frame)).map_err(failure)
    }

    fn finish(
        self: Box<Self>,
        signal: Option<&Signal>,
        report: &mut dyn FnMut(Progress),
    ) -> Result<Map<String, Value>, Failure> {
        let Self { run, stop } = *self;
        let signal = signal.map(|signal| signal.bytes.as_ref());
        let mut forward = |progress: pipeline::Progress| {
            let pipeline::Progress { stage, share, message } = progress;
            report(Progress { stage, progress: share, message });
        };
        run.finish(signal, &mut forward, &|| stop.is_stopped()).map_err(failure)
    }
}

/// The pipeline `pose`.
struct Posing(Option<Arc<OnDemand>>);

impl Pipeline for Posing {
    fn name(&self) -> &'static str {
        "pose"
    }

    fn begin(&self, job: Job) -> Result<Box<dyn Analysis>, Failure> {
        let run = Poses::begin(self.0.clone(), job.fps, &job.folder).map_err(failure)?;
        Ok(Box::new(Posed(run)))
    }
}

struct Posed(Poses);

impl Analysis for Posed {
    fn frame(&mut self, frame: &InputFrame) -> Result<(), Failure> {
        self.0.push_frame(&as_frame(frame)).map_err(failure)
    }

    fn finish(
        self: Box<Self>,
        _signal: Option<&Signal>,
        report: &mut dyn FnMut(Progress),
    ) -> Result<Map<String, Value>, Failure> {
        let result = self.0.finish().map_err(failure)?;
        report(Progress { stage: "yolo", progress: 1.0, message: "Every frame is analysed".into() });
        Ok(result)
    }
}

fn as_frame(frame: &InputFrame) -> Frame<'_> {
    let encoding = match frame.picture {
        Picture::Jpeg { .. } => Encoding::Jpeg,
        Picture::Png { .. } => Encoding::Png,
        Picture::Raw { width, height, channels } => Encoding::Raw { width, height, channels },
    };
    Frame { number: frame.number, captured: frame.timestamp, encoding, bytes: frame.body() }
}

fn failure(error: pipeline::Error) -> Failure {
    Failure::Pipeline(error.into())
}

/// A picture is decoded only if it is no larger than 8K.
const MAX_PIXELS: u64 = 7680 * 4320;

/// The analysis `pose`: people and their key points, in pixels of the picture.
#[derive(Debug)]
struct LivePose(Option<Arc<OnDemand>>);

impl LivePose {
    fn model(&self) -> Result<&OnDemand, String> {
        let missing = "no pose model is loaded: set REFEREE_YOLO_MODEL (referee.yolo_model) to builtin or to a pose \
                       model in ONNX and start the hub again; its log says why one that is set was not taken";
        self.0.as_deref().ok_or_else(|| missing.to_owned())
    }
}

impl Analyser for LivePose {
    fn name(&self) -> &'static str {
        "pose"
    }

    fn ready(&self) -> Result<(), String> {
        self.model().map(|_| ())
    }

    fn analyse(&self, jpeg: &[u8]) -> Result<Value, String> {
        let model = self.model()?;
        let picture = media::jpeg::decode(jpeg, MAX_PIXELS).map_err(|error| error.to_string())?;
        let persons = model.run(&picture).map_err(|error| error.to_string())?;
        Ok(json!({ "width": picture.width, "height": picture.height, "persons": persons_json(&persons) }))
    }
}
