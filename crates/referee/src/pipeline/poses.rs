//! The pipeline `pose`: who is seen in each frame, as JSON, a line a frame, and nothing more.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{Error, Frame, files};
use crate::pose::OnDemand;
use crate::tracks::{Bounds, Person};

/// A run of it.
#[derive(Debug)]
pub struct Poses {
    model: Arc<OnDemand>,
    fps: f64,
    path: PathBuf,
    file: BufWriter<File>,
    frames: u64,
    unreadable: u64,
    persons: u64,
}

impl Poses {
    /// Begins a run; its file is left in `folder`.
    ///
    /// # Errors
    /// [`Error::NoModelForPoses`] or [`Error::Io`].
    pub fn begin(model: Option<Arc<OnDemand>>, fps: f64, folder: &Path) -> Result<Self, Error> {
        let model = model.ok_or(Error::NoModelForPoses)?;
        let path = folder.join(files::POSES);
        let file = File::create(&path).map_err(|source| Error::Io { path: path.clone(), source })?;
        let fps = if fps > 0.0 { fps } else { 30.0 };
        Ok(Self { model, fps, path, file: BufWriter::new(file), frames: 0, unreadable: 0, persons: 0 })
    }

    /// Takes the next frame. One that cannot be decoded is counted and passed over.
    ///
    /// # Errors
    /// [`Error::Model`] or [`Error::Io`].
    pub fn push_frame(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        self.frames += 1;
        let Ok(picture) = frame.picture() else {
            self.unreadable += 1;
            return Ok(());
        };
        let persons = self.model.run(&picture)?;
        self.persons += persons.len() as u64;
        let line = json!({
            "frame": frame.number,
            "time_secs": frame.number as f64 / self.fps,
            "persons": persons_json(&persons),
        });
        writeln!(self.file, "{line}").map_err(|source| Error::Io { path: self.path.clone(), source })
    }

    /// All frames have come.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn finish(mut self) -> Result<Map<String, Value>, Error> {
        self.file.flush().map_err(|source| Error::Io { path: self.path, source })?;
        let mut result = Map::new();
        result.insert("frames_analyzed".into(), (self.frames - self.unreadable).into());
        result.insert("frames_unreadable".into(), self.unreadable.into());
        result.insert("persons".into(), self.persons.into());
        result.insert("artifacts".into(), json!({"poses": files::POSES}));
        Ok(result)
    }
}

/// People as clients get them: `box` (left, top, right, bottom), `score`, and 17 `key_points` (x, y, score) in COCO's order.
/// Pixels have one decimal place, scores three.
pub fn persons_json(persons: &[Person]) -> Value {
    let pixels = |value: f64| (value * 10.0).round() / 10.0;
    let score = |value: f64| (value * 1000.0).round() / 1000.0;
    let person = |person: &Person| {
        let Bounds { left, top, right, bottom } = person.bounds;
        let points = person.key_points.map(|point| [pixels(point.x), pixels(point.y), score(point.score)]);
        json!({
            "box": ([left, top, right, bottom].map(pixels)),
            "score": score(person.score),
            "key_points": points,
        })
    };
    persons.iter().map(person).collect()
}
