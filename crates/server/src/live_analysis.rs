//! Live analyses: the referee's pose model as an analyser.

use std::sync::Arc;

use derive::Analyser;
use referee::{pipeline::poses::persons_json, pose::OnDemand};
use serde_json::{Value, json};

/// A picture is decoded only if it is no larger than 8K.
const MAX_PIXELS: u64 = 7680 * 4320;

/// The analysis `pose`: people and their key points, in pixels of the picture.
#[derive(Debug)]
pub(crate) struct LivePose(pub(crate) Option<Arc<OnDemand>>);

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
