//! The video without the lens's bend. It is also where pictures are read back from.

use std::fs::File;
use std::path::{Path, PathBuf};

use media::fisheye::{Camera, Map};
use media::fmp4::{Codec, Reader, Track};
use media::{Picture, jpeg};

use super::{Beginning, Error, Lens};
use crate::film::Film;
use crate::pipeline::timeline::Place;

/// Fine enough to be drawn on once more.
const QUALITY: u8 = 90;

#[derive(Debug)]
pub(super) struct Corrected {
    /// `None`: pictures stay as they are.
    map: Option<Map>,
    /// Of the pictures made.
    pub(super) size: (u32, u32),
    film: Film,
    path: PathBuf,
}

impl Corrected {
    pub(super) fn create(path: &Path, lens: Option<Lens>, beginning: &Beginning<'_>) -> Result<Self, Error> {
        let &Beginning { width, height, .. } = beginning;
        let map = match lens {
            Some(lens) => {
                Some(Map::new(&Camera::assumed(width, height, lens.bend), width, height, lens.balance)?)
            }
            None => None,
        };
        let size = map.as_ref().map_or((width, height), |map| (map.crop().width, map.crop().height));
        let film = Film::create(path, &Track { codec: Codec::Mp4v, width: size.0, height: size.1 })?;
        Ok(Self { map, size, film, path: path.to_owned() })
    }

    /// Straightens a picture and keeps it.
    pub(super) fn push(&mut self, picture: Picture, place: Place) -> Result<Picture, Error> {
        if place.begins_group {
            self.film.cut()?;
        }
        let straight = match &self.map {
            Some(map) => map.apply(&picture)?,
            None => picture,
        };
        self.film.push(&jpeg::encode(&straight, QUALITY)?, true, place.moment)?;
        Ok(straight)
    }

    /// Ends the file and opens it for reading.
    pub(super) fn finish(self) -> Result<Reader, Error> {
        self.film.finish()?;
        let file = File::open(&self.path).map_err(|source| Error::Io { path: self.path.clone(), source })?;
        Ok(Reader::open(file, &self.path)?)
    }
}
