//! For each pixel of the straight picture the place in the bent one that it shows, in 32nds of a pixel.

use super::Camera;
use crate::{Error, Picture, Result};

/// Steps from a pixel to the next one (OpenCV's `INTER_TAB_SIZE`).
const STEPS: u32 = 32;

/// Half of the weights' sum, which rounds.
const HALF: u32 = STEPS * STEPS / 2;

/// The smallest picture that is left when those parts are cut off that nothing was seen of.
const MIN_SIDE: u32 = 16;

/// Straightens pictures of one size. It holds 6 bytes for each of their pixels.
#[derive(Clone)]
pub struct Map {
    /// Size of the pictures it takes.
    source: (u32, u32),
    crop: Crop,
    taps: Vec<Tap>,
}

/// The part of the straight picture that is shown: the largest one around its middle, with even sides, in which each
/// pixel was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crop {
    /// First column.
    pub x: u32,
    /// First row.
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

/// Where a pixel comes from.
#[derive(Clone, Copy, Debug)]
struct Tap {
    /// The pixel left above, counted row by row.
    pixel: u32,
    /// 32nds to the right of it, and below; up to 32.
    right: u8,
    below: u8,
}

impl Map {
    /// The map from what `camera` saw in pictures of this size to what it would have seen without its bend.
    /// `balance` as in [`Camera::straightened`].
    ///
    /// # Errors
    /// [`Error::UnfitLens`], also where nearly nothing of the picture would be left.
    pub fn new(camera: &Camera, width: u32, height: u32, balance: f64) -> Result<Self> {
        if width < MIN_SIDE || height < MIN_SIDE {
            return Err(Error::UnfitLens("the picture is smaller than 16x16"));
        }
        let straight = camera.straightened(width, height, balance)?;
        let places: Vec<Option<Tap>> = (0..height)
            .flat_map(|y| (0..width).map(move |x| (x, y)))
            .map(|(x, y)| {
                let direction = (
                    (f64::from(x) - straight.centre.0) / straight.focal.0,
                    (f64::from(y) - straight.centre.1) / straight.focal.1,
                );
                Tap::at(camera.point(direction), width, height)
            })
            .collect();
        let crop = Crop::of_seen(&places, width, height)
            .ok_or(Error::UnfitLens("nearly nothing of the picture would be left"))?;
        let rows = places.chunks(width as usize).skip(crop.y as usize).take(crop.height as usize);
        let taps = rows.flat_map(|row| &row[crop.x as usize..(crop.x + crop.width) as usize]);
        Ok(Self { source: (width, height), crop, taps: taps.flatten().copied().collect() })
    }

    /// Which part of the straight picture is shown; its size is that of the pictures made.
    pub fn crop(&self) -> Crop {
        self.crop
    }

    /// Straightens a picture.
    ///
    /// # Errors
    /// [`Error::BadPicture`], or [`Error::SizeChanged`] where it is not of the map's size.
    pub fn apply(&self, picture: &Picture) -> Result<Picture> {
        picture.check()?;
        let &Picture { width, height, .. } = picture;
        if (width, height) != self.source {
            let (expected_width, expected_height) = self.source;
            return Err(Error::SizeChanged { width, height, expected_width, expected_height });
        }
        let stride = width as usize * 3;
        let mut rgb = vec![0; self.taps.len() * 3];
        for (out, tap) in rgb.as_chunks_mut::<3>().0.iter_mut().zip(&self.taps) {
            let at = tap.pixel as usize * 3;
            let upper: &[u8; 6] = pair(&picture.rgb, at);
            let lower: &[u8; 6] = pair(&picture.rgb, at + stride);
            *out = tap.mean(upper, lower);
        }
        Ok(Picture { width: self.crop.width, height: self.crop.height, rgb })
    }
}

impl std::fmt::Debug for Map {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Map").field("source", &self.source).field("crop", &self.crop).finish_non_exhaustive()
    }
}

/// A pixel and its neighbour to the right. All taps lie inside: see [`Tap::at`].
fn pair(rgb: &[u8], at: usize) -> &[u8; 6] {
    rgb.get(at..).and_then(|rest| rest.first_chunk()).unwrap_or(&[0; 6])
}

impl Tap {
    /// The tap for a place in a picture of this size, or `None` where it lies outside. Each tap's four pixels lie inside:
    /// on the last column and row they are reached from the one before.
    fn at((x, y): (f64, f64), width: u32, height: u32) -> Option<Self> {
        let steps = |place: f64, count: u32| {
            let steps = (place * f64::from(STEPS)).round_ties_even();
            let last = f64::from((count - 1) * STEPS);
            (steps >= 0.0 && steps <= last).then_some(steps as u32)
        };
        let (x, y) = (steps(x, width)?, steps(y, height)?);
        let (column, row) = ((x / STEPS).min(width - 2), (y / STEPS).min(height - 2));
        Some(Self {
            pixel: row * width + column,
            right: (x - column * STEPS) as u8,
            below: (y - row * STEPS) as u8,
        })
    }

    /// The mean of the four pixels, by their areas.
    #[inline]
    fn mean(self, upper: &[u8; 6], lower: &[u8; 6]) -> [u8; 3] {
        let (right, below) = (u32::from(self.right), u32::from(self.below));
        let (left, above) = (STEPS - right, STEPS - below);
        std::array::from_fn(|channel| {
            let row =
                |pixels: &[u8; 6]| u32::from(pixels[channel]) * left + u32::from(pixels[channel + 3]) * right;
            ((row(upper) * above + row(lower) * below + HALF) / (STEPS * STEPS)) as u8
        })
    }
}

impl Crop {
    /// The largest part around the middle without a pixel that was not seen.
    fn of_seen(places: &[Option<Tap>], width: u32, height: u32) -> Option<Self> {
        let from_middle = |at: u32, count: u32| (2 * at + 1).abs_diff(count) / 2;
        // For each distance of a column from the middle: at which distance of a row something was not seen.
        let mut rows_seen = vec![height.div_ceil(2); width.div_ceil(2) as usize];
        for (row, y) in places.chunks(width as usize).zip(0..) {
            for (_, x) in row.iter().zip(0..).filter(|(tap, _)| tap.is_none()) {
                let seen = &mut rows_seen[from_middle(x, width) as usize];
                *seen = from_middle(y, height).min(*seen);
            }
        }
        // So many columns and rows from the middle on both sides, without an odd one.
        let even = |each_side: u32, count: u32| 2 * each_side.saturating_sub(count % 2);
        let mut best = (0, 0);
        let mut rows = height;
        for (seen, columns) in rows_seen.into_iter().zip(1..) {
            rows = rows.min(seen);
            let size = (even(columns, width), even(rows, height));
            if size.0 * size.1 > best.0 * best.1 {
                best = size;
            }
        }
        let (x, y) = ((width - best.0) / 2, (height - best.1) / 2);
        let crop = Self { x, y, width: best.0, height: best.1 };
        (crop.width >= MIN_SIDE && crop.height >= MIN_SIDE).then_some(crop)
    }
}
