//! The video that shows what was seen: skeletons, boxes, time, the apparatus's events and the verdict. H.264 in MP4, which
//! browsers play.
//!
//! It is encoded while frames come, in groups that decode on their own, with what is known of the fencers at the time.
//! What the signal log says is known only at the end: then those groups are drawn again in which an event shows, with the
//! final tracks, from the corrected video on disk; the others are copied. So finishing is cheap, and memory holds one
//! picture. A closing card with the verdict follows.

mod draw;

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use media::fmp4::{Codec, Placed, Reader, TIMESCALE, Track};
use media::{Picture, h264, jpeg, scale};

use crate::decision::Decision;
use crate::film::{Film, Moment};
use crate::pipeline::Error;
use crate::signal::Event;
use crate::tracks::{Pair, Tracks};
use draw::Brush;

/// Wider pictures are halved until they are at most so wide: the overlay is for looking at.
const MAX_WIDTH: u32 = 1280;

/// The closing card: so many frames of so many ticks.
const CARD_FRAMES: u64 = 5;
const CARD_TICKS: u32 = TIMESCALE / 2;

/// An overlay while frames come.
#[derive(Debug)]
pub struct Overlay {
    fps: f64,
    /// How often pictures are halved.
    halvings: u32,
    size: (u32, u32),
    encoder: h264::Encoder,
    brush: Brush,
    /// Sequence and picture parameter set, once the first frame is encoded.
    parameter_sets: Option<(Vec<u8>, Vec<u8>)>,
    scratch: Scratch,
    groups: Vec<Group>,
}

/// Frames that are encoded, in a file that is removed in the end.
#[derive(Debug)]
struct Scratch {
    path: PathBuf,
    file: File,
    length: u64,
}

/// Frames that decode by themselves, the first one first.
#[derive(Debug, Default)]
struct Group {
    offset: u64,
    frames: Vec<Coded>,
}

#[derive(Clone, Copy, Debug)]
struct Coded {
    bytes: u32,
    key: bool,
    moment: Moment,
}

/// What the overlay shows in the end.
#[derive(Debug)]
pub struct Closing<'a> {
    /// The frames as they were pushed, JPEG; fragments as groups were.
    pub corrected: &'a Reader,
    /// In the pixels of `corrected`; a pair a frame.
    pub tracks: &'a Tracks,
    /// What the apparatus said, in the order of time.
    pub events: &'a [Event],
    pub verdict: Option<&'a Decision>,
}

impl Overlay {
    /// For pictures of this size, about `fps` a second. Encoded frames are kept in `scratch` until the end.
    ///
    /// # Errors
    /// [`Error`], also where the size does not suit H.264.
    pub fn create(scratch: &Path, width: u32, height: u32, fps: f64) -> Result<Self, Error> {
        let (mut halvings, mut size) = (0, (width, height));
        while size.0 > MAX_WIDTH && size.1 >= 64 {
            size = (size.0 / 2, size.1 / 2);
            halvings += 1;
        }
        Ok(Self {
            fps,
            halvings,
            size,
            encoder: h264::Encoder::new(size.0, size.1, fps)?,
            brush: Brush::new(size.1, 0.5_f64.powi(halvings as i32)),
            parameter_sets: None,
            scratch: Scratch::create(scratch)?,
            groups: Vec::new(),
        })
    }

    /// Draws and encodes the next frame; `begins_group` where it is to decode on its own.
    pub fn push(
        &mut self,
        picture: &Picture,
        pair: &Pair,
        moment: Moment,
        begins_group: bool,
    ) -> Result<(), Error> {
        let mut drawn = self.reduced(picture)?;
        self.brush.frame(&mut drawn, pair, &[]);
        let key = begins_group || self.groups.is_empty();
        let encoded = self.encoder.encode_picture(&drawn, key)?;
        if self.parameter_sets.is_none() {
            self.parameter_sets = encoded.parameter_sets;
        }
        if key {
            self.groups.push(Group { offset: self.scratch.length, frames: Vec::new() });
        }
        self.scratch.append(&encoded.avcc)?;
        if let Some(group) = self.groups.last_mut() {
            group.frames.push(Coded { bytes: encoded.avcc.len() as u32, key: encoded.key, moment });
        }
        Ok(())
    }

    /// Writes the video to `path`: groups with events drawn anew, the others as they are, and the card. `report` hears how
    /// far it is, 0 to 1, and answers whether to go on.
    pub fn finish(
        mut self,
        path: &Path,
        closing: &Closing<'_>,
        report: &mut dyn FnMut(f64) -> bool,
    ) -> Result<(), Error> {
        let Some((sps, pps)) = self.parameter_sets.clone() else {
            return Ok(());
        };
        let codec = Codec::H264 { sps, pps };
        let mut film = Film::create(path, &Track { codec, width: self.size.0, height: self.size.1 })?;
        let groups = std::mem::take(&mut self.groups);
        let mut first = 0;
        for (at, group) in groups.iter().enumerate() {
            let pairs = closing.tracks.frames.get(first..first + group.frames.len()).unwrap_or_default();
            first += group.frames.len();
            let anew = if shows_event(pairs, closing.events) {
                self.drawn_anew(at, group, pairs, closing)?
            } else {
                None
            };
            match anew {
                Some(samples) => write_all(&mut film, group, &samples)?,
                None => self.copy(&mut film, group)?,
            }
            film.cut()?;
            if !report((at + 1) as f64 / (groups.len() + 1) as f64) {
                return Ok(());
            }
        }
        let end = groups.last().and_then(|group| group.frames.last()).map(|frame| frame.moment);
        if let (Some(verdict), Some(end)) = (closing.verdict, end) {
            self.card(&mut film, verdict, end, closing.corrected)?;
        }
        film.finish()?;
        report(1.0);
        Ok(())
    }

    /// A group's frames with their events; `None` where the corrected video does not have them, or the encoder has become
    /// another: then they stay as they are.
    fn drawn_anew(
        &mut self,
        at: usize,
        group: &Group,
        pairs: &[Pair],
        closing: &Closing<'_>,
    ) -> Result<Option<Vec<h264::Encoded>>, Error> {
        let places: Vec<Placed> = closing.corrected.samples(at).unwrap_or_default();
        if places.len() != group.frames.len() || pairs.len() != places.len() {
            return Ok(None);
        }
        let mut encoder = h264::Encoder::new(self.size.0, self.size.1, self.fps)?;
        let mut samples = Vec::with_capacity(places.len());
        for (place, pair) in places.iter().zip(pairs) {
            let bytes = closing.corrected.read(place)?;
            let mut drawn = self.reduced(&jpeg::decode(&bytes, u64::MAX)?)?;
            self.brush.frame(&mut drawn, pair, closing.events);
            let encoded = encoder.encode_picture(&drawn, samples.is_empty())?;
            if encoded.key && encoded.parameter_sets != self.parameter_sets {
                return Ok(None);
            }
            samples.push(encoded);
        }
        Ok(Some(samples))
    }

    fn copy(&mut self, film: &mut Film, group: &Group) -> Result<(), Error> {
        let mut offset = group.offset;
        for frame in &group.frames {
            let bytes = self.scratch.read(offset, frame.bytes)?;
            film.push(&bytes, frame.key, frame.moment)?;
            offset += u64::from(frame.bytes);
        }
        Ok(())
    }

    /// The verdict over the last picture.
    fn card(
        &mut self,
        film: &mut Film,
        verdict: &Decision,
        end: Moment,
        corrected: &Reader,
    ) -> Result<(), Error> {
        let places = corrected.samples(corrected.fragments().len().saturating_sub(1))?;
        let Some(last) = places.last() else {
            return Ok(());
        };
        let mut picture = self.reduced(&jpeg::decode(&corrected.read(last)?, u64::MAX)?)?;
        self.brush.card(&mut picture, verdict);
        let mut encoder = h264::Encoder::new(self.size.0, self.size.1, self.fps)?;
        for at in 0..CARD_FRAMES {
            let encoded = encoder.encode_picture(&picture, at == 0)?;
            let ticks = end.ticks + u64::from(end.duration) + at * u64::from(CARD_TICKS);
            let moment = Moment { ticks, duration: CARD_TICKS, number: end.number + 1 + at, captured: None };
            film.push(&encoded.avcc, encoded.key, moment)?;
        }
        film.cut()
    }

    fn reduced(&self, picture: &Picture) -> Result<Picture, Error> {
        let mut reduced = picture.clone();
        for _ in 0..self.halvings {
            reduced = scale::halved(&reduced)?;
        }
        Ok(reduced)
    }
}

fn shows_event(pairs: &[Pair], events: &[Event]) -> bool {
    pairs.iter().any(|pair| events.iter().any(|event| draw::is_shown(event, pair.time_secs)))
}

fn write_all(film: &mut Film, group: &Group, samples: &[h264::Encoded]) -> Result<(), Error> {
    for (frame, sample) in group.frames.iter().zip(samples) {
        film.push(&sample.avcc, sample.key, frame.moment)?;
    }
    Ok(())
}

impl Scratch {
    fn create(path: &Path) -> Result<Self, Error> {
        let file = File::options().read(true).write(true).create_new(true).open(path);
        let file = file.map_err(|source| Error::Io { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), file, length: 0 })
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = self.file.write_all(bytes);
        written.map_err(|source| Error::Io { path: self.path.clone(), source })?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    fn read(&mut self, offset: u64, bytes: u32) -> Result<Vec<u8>, Error> {
        let mut buffer = vec![0; bytes as usize];
        let read = self.file.seek(SeekFrom::Start(offset)).and_then(|_| self.file.read_exact(&mut buffer));
        read.map_err(|source| Error::Io { path: self.path.clone(), source })?;
        Ok(buffer)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nothing is lost where it stays behind: it lies among the run's own files.
        let _ = std::fs::remove_file(&self.path);
    }
}
