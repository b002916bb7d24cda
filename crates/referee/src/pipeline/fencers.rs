//! Both fencers in each frame, where there is a model.

use std::sync::Arc;

use media::Picture;

use super::Error;
use crate::pose::OnDemand;
use crate::tracking::Tracker;
use crate::tracks::{Pair, Tracks};

#[derive(Debug)]
pub(super) struct Fencers {
    pub(super) model: Option<Arc<OnDemand>>,
    tracker: Tracker,
}

impl Fencers {
    pub(super) fn new(model: Option<Arc<OnDemand>>, fps: f64, picture_height: u32) -> Self {
        Self { model, tracker: Tracker::new(fps, picture_height) }
    }

    /// Who is seen in the next picture, as far as is known now.
    pub(super) fn push(&mut self, picture: &Picture, time_secs: f64) -> Result<Pair, Error> {
        let persons = match &self.model {
            Some(model) => model.run(picture)?,
            None => Vec::new(),
        };
        Ok(self.tracker.push(time_secs, &persons))
    }

    /// All frames, in pixels.
    pub(super) fn finish(self) -> Tracks {
        self.tracker.finish()
    }
}
