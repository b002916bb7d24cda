//! One run: its parts in a row, fed with each frame, and finished one after the other.

use std::path::{Path, PathBuf};

use media::fmp4::Reader;
use serde_json::{Map, Value, json};

use super::corrected::Corrected;
use super::fencers::Fencers;
use super::received::Received;
use super::timeline::Timeline;
use super::{Beginning, Error, Frame, Progress, Referee, files};
use crate::decision::{Decision, decide};
use crate::overlay::{Closing, Overlay};
use crate::signal::SignalLog;
use crate::tracks::Tracks;

/// A run while frames come.
#[derive(Debug)]
pub struct Run {
    folder: PathBuf,
    size: (u32, u32),
    key_points: bool,
    timeline: Timeline,
    received: Received,
    corrected: Corrected,
    fencers: Fencers,
    overlay: Option<Overlay>,
    /// Why there is no overlay.
    no_overlay: &'static str,
    /// Frames whose pictures were read.
    seen: u64,
    unreadable: u64,
}

/// Reports how far a stage is, and asks whether to go on.
struct Reporter<'a> {
    report: &'a mut dyn FnMut(Progress),
    is_stopped: &'a dyn Fn() -> bool,
}

impl Reporter<'_> {
    fn at(&mut self, stage: &'static str, share: f64, message: impl Into<String>) -> Result<(), Error> {
        if (self.is_stopped)() {
            return Err(Error::Stopped);
        }
        (self.report)(Progress { stage, share, message: message.into() });
        Ok(())
    }
}

impl Run {
    pub(super) fn begin(referee: &Referee, beginning: &Beginning<'_>) -> Result<Self, Error> {
        let timeline = Timeline::new(beginning.fps);
        let file = |name| beginning.folder.join(name);
        let received = Received::create(&file(files::RECEIVED), beginning.width, beginning.height)?;
        let corrected = Corrected::create(&file(files::CORRECTED), referee.lens, beginning)?;
        let (width, height) = corrected.size;
        let fencers = Fencers::new(referee.model.clone(), timeline.fps, height);
        let (overlay, no_overlay) = match beginning.overlay {
            false => (None, "not asked for"),
            true => match Overlay::create(&file(files::SCRATCH), width, height, timeline.fps) {
                Ok(overlay) => (Some(overlay), ""),
                Err(Error::Media(media::Error::UnfitForH264 { .. })) => {
                    (None, "the pictures are too small or too large for H.264")
                }
                Err(error) => return Err(error),
            },
        };
        Ok(Self {
            folder: beginning.folder.to_owned(),
            size: (beginning.width, beginning.height),
            key_points: beginning.key_points,
            timeline,
            received,
            corrected,
            fencers,
            overlay,
            no_overlay,
            seen: 0,
            unreadable: 0,
        })
    }

    /// Takes the next frame; its number is larger than those before. One that cannot be decoded is counted and passed over.
    ///
    /// # Errors
    /// [`Error`]: a frame of another size, a full disk, a model that fails.
    pub fn push_frame(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        let Ok(picture) = frame.picture() else {
            self.unreadable += 1;
            return Ok(());
        };
        let (width, height) = (picture.width, picture.height);
        let (first_width, first_height) = self.size;
        if (width, height) != self.size {
            return Err(Error::OtherSize { width, height, first_width, first_height });
        }
        let place = self.timeline.place(frame);
        self.received.push(frame, place.moment, place.begins_group)?;
        let straight = self.corrected.push(picture, place)?;
        let pair = self.fencers.push(&straight, place.time_secs)?;
        if let Some(overlay) = &mut self.overlay {
            overlay.push(&straight, &pair, place.moment, place.begins_group)?;
        }
        self.seen += 1;
        Ok(())
    }

    /// All frames have come. `signal` holds the bytes of the apparatus's log; `is_stopped` is asked between steps.
    ///
    /// The result: `decision`, `frames_analyzed`, `frames_unreadable`, `artifacts` (file names by what they are), and
    /// `keypoints` where asked for.
    ///
    /// # Errors
    /// [`Error`]; [`Error::NoModel`] where both lights are on and there was no model to find the fencers.
    pub fn finish(
        self,
        signal: Option<&[u8]>,
        report: &mut dyn FnMut(Progress),
        is_stopped: &dyn Fn() -> bool,
    ) -> Result<Map<String, Value>, Error> {
        let mut reporter = Reporter { report, is_stopped };
        let seen = self.seen;
        self.received.finish()?;
        if seen == 0 {
            return Err(Error::NoPicture { frames: self.unreadable });
        }
        reporter.at("video_reconstruction", 1.0, format!("{seen} frames in {}", files::RECEIVED))?;
        let corrected = self.corrected.finish()?;
        reporter.at("fisheye", 1.0, "Straight pictures are written")?;
        let has_model = self.fencers.model.is_some();
        let tracks = self.fencers.finish();
        let (message, seen_fencers) = match has_model {
            true => (seen_in(&tracks), Some(&tracks)),
            false => ("Skipped: no pose model is loaded".to_owned(), None),
        };
        reporter.at("yolo", 1.0, message)?;

        let signal = signal.ok_or(Error::NoSignal)?;
        write(&self.folder, files::SIGNAL, signal)?;
        let log = SignalLog::parse(signal)?;
        let decision = decide(&log, seen_fencers)?;
        reporter.at("decision", 1.0, decision.reason.clone())?;

        let mut artifacts = Map::new();
        artifacts.insert("video".into(), files::RECEIVED.into());
        artifacts.insert("corrected_video".into(), files::CORRECTED.into());
        artifacts.insert("signal".into(), files::SIGNAL.into());
        if let Some(tracks) = seen_fencers {
            write(&self.folder, files::KEY_POINTS, &tracks.write()?)?;
            artifacts.insert("keypoints".into(), files::KEY_POINTS.into());
        }
        match self.overlay {
            Some(overlay) => {
                finish_overlay(overlay, &self.folder, &corrected, &tracks, &log, &decision, &mut reporter)?;
                artifacts.insert("overlay".into(), files::OVERLAY.into());
            }
            None => reporter.at("overlay", 1.0, format!("Left out: {}", self.no_overlay))?,
        }

        let mut result = Map::new();
        result.insert("decision".into(), serde_json::to_value(&decision)?);
        result.insert("frames_analyzed".into(), seen.into());
        result.insert("frames_unreadable".into(), self.unreadable.into());
        result.insert("artifacts".into(), artifacts.into());
        if let Some(tracks) = seen_fencers.filter(|_| self.key_points) {
            result.insert("keypoints".into(), serde_json::from_slice(&tracks.write()?)?);
        }
        result.insert("pictures".into(), json!({"width": self.size.0, "height": self.size.1}));
        Ok(result)
    }
}

fn finish_overlay(
    overlay: Overlay,
    folder: &Path,
    corrected: &Reader,
    tracks: &Tracks,
    log: &SignalLog,
    decision: &Decision,
    reporter: &mut Reporter<'_>,
) -> Result<(), Error> {
    let closing = Closing { corrected, tracks, events: &log.events, verdict: Some(decision) };
    let mut stopped = Ok(());
    overlay.finish(&folder.join(files::OVERLAY), &closing, &mut |share| {
        stopped = reporter.at("overlay", share, "Drawing the signal and the verdict");
        stopped.is_ok()
    })?;
    stopped
}

/// How often both fencers were seen, in words.
fn seen_in(tracks: &Tracks) -> String {
    let both = tracks.frames.iter().filter(|pair| pair.left.is_some() && pair.right.is_some()).count();
    format!("Both fencers are seen in {both} of {} frames", tracks.frames.len())
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), Error> {
    let path = folder.join(name);
    std::fs::write(&path, bytes).map_err(|source| Error::Io { path, source })
}
