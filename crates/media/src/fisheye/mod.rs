//! Straight lines for wide lenses: OpenCV's fisheye model (Kannala and Brandt's, with four coefficients), undone by a
//! map that is computed once for a size of picture.
//!
//! Source of the model: OpenCV, "Fisheye camera model" (calib3d), whose `undistortImage` this agrees with to a grey
//! level: the same new camera matrix, the same map in 32nds of a pixel, the same bilinear mean.
//! A ray at the angle θ from the axis meets the picture at `r = f · (θ + k1·θ³ + k2·θ⁵ + k3·θ⁷ + k4·θ⁹)`.
//!
//! What does not belong here: finding a camera's coefficients, and other lens models.

mod map;

use std::f64::consts::FRAC_PI_2;

pub use map::{Crop, Map};

use crate::{Error, Result};

/// How often Newton's method looks for an angle, and when it has found it (as OpenCV's `undistortPoints` does).
const ROUNDS: usize = 10;
const CLOSE_ENOUGH: f64 = 1e-8;

/// A camera: where its axis meets the picture, and how rays away from it are bent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    /// Focal lengths across and down, in pixels.
    pub focal: (f64, f64),
    /// Where the axis meets the picture: column and row.
    pub centre: (f64, f64),
    /// k1 to k4.
    pub bend: [f64; 4],
}

impl Camera {
    /// The camera that is assumed where none was measured: it looks through the middle of the picture, and its focal
    /// length is the picture's longer side (a view of 58° along it where `bend` is -0.18, 0, 0, 0).
    pub fn assumed(width: u32, height: u32, bend: [f64; 4]) -> Self {
        let focal = f64::from(width.max(height));
        let centre = (f64::from(width) / 2.0, f64::from(height) / 2.0);
        Self { focal: (focal, focal), centre, bend }
    }

    /// The camera without bend that sees what this one does, as `estimateNewCameraMatrixForUndistortRectify` chooses it
    /// from the middles of the four sides. `balance` goes from 0 (zoomed in) to 1 (zoomed out).
    ///
    /// # Errors
    /// [`Error::UnfitLens`] where a number is not finite, a focal length not positive, or the sides lie where the
    /// model bends back on itself.
    pub fn straightened(&self, width: u32, height: u32, balance: f64) -> Result<Self> {
        self.check()?;
        let (columns, rows) = (f64::from(width), f64::from(height));
        // OpenCV halves whole numbers here.
        let (middle_x, middle_y) = (f64::from(width / 2), f64::from(height / 2));
        let aspect = self.focal.0 / self.focal.1;
        let mut sides = [(middle_x, 0.0), (columns, middle_y), (middle_x, rows), (0.0, middle_y)];
        for side in &mut sides {
            let (x, y) =
                self.ray(*side).ok_or(Error::UnfitLens("it bends the picture's sides back inside"))?;
            *side = (x, y * aspect);
        }
        let [top, right, bottom, left] = sides;
        let mean = |axis: fn((f64, f64)) -> f64| sides.into_iter().map(axis).sum::<f64>() / 4.0;
        let (mean_x, mean_y) = (mean(|side| side.0), mean(|side| side.1));
        let zooms = [
            columns * 0.5 / (mean_x - left.0),
            columns * 0.5 / (right.0 - mean_x),
            rows * 0.5 * aspect / (mean_y - top.1),
            rows * 0.5 * aspect / (bottom.1 - mean_y),
        ];
        let least = zooms.into_iter().fold(f64::INFINITY, f64::min);
        let most = zooms.into_iter().fold(0.0, f64::max);
        let balance = balance.clamp(0.0, 1.0);
        let focal = balance * least + (1.0 - balance) * most;
        let straight = Self {
            focal: (focal, focal / aspect),
            centre: (columns * 0.5 - mean_x * focal, rows * 0.5 - mean_y * focal / aspect),
            bend: [0.0; 4],
        };
        straight.check()?;
        Ok(straight)
    }

    /// The direction, as x/z and y/z, from which light comes to a point of the picture; `None` where the model knows none.
    fn ray(&self, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        let (x, y) = ((x - self.centre.0) / self.focal.0, (y - self.centre.1) / self.focal.1);
        let bent = x.hypot(y).min(FRAC_PI_2);
        if bent <= CLOSE_ENOUGH {
            return Some((x, y));
        }
        let angle = self.unbend(bent)?;
        let scale = angle.tan() / bent;
        Some((x * scale, y * scale))
    }

    /// Where light from a direction (x/z, y/z) meets the picture.
    fn point(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let radius = x.hypot(y);
        let scale = if radius == 0.0 { 1.0 } else { self.bent(radius.atan()) / radius };
        (self.focal.0 * x * scale + self.centre.0, self.focal.1 * y * scale + self.centre.1)
    }

    /// The model's polynomial.
    fn bent(&self, angle: f64) -> f64 {
        let square = angle * angle;
        let [k1, k2, k3, k4] = self.bend;
        angle * (1.0 + square * (k1 + square * (k2 + square * (k3 + square * k4))))
    }

    /// Its inverse, by Newton's method.
    fn unbend(&self, bent: f64) -> Option<f64> {
        let [k1, k2, k3, k4] = self.bend;
        let mut angle = bent;
        for _ in 0..ROUNDS {
            let square = angle * angle;
            let slope =
                1.0 + square * (3.0 * k1 + square * (5.0 * k2 + square * (7.0 * k3 + square * 9.0 * k4)));
            let step = (self.bent(angle) - bent) / slope;
            angle -= step;
            if step.abs() < CLOSE_ENOUGH {
                return (angle > 0.0 && angle < FRAC_PI_2).then_some(angle);
            }
        }
        None
    }

    fn check(&self) -> Result<()> {
        let Self { focal, centre, bend } = self;
        let finite =
            [focal.0, focal.1, centre.0, centre.1].iter().chain(bend).all(|number| number.is_finite());
        if !finite || focal.0 <= 0.0 || focal.1 <= 0.0 {
            return Err(Error::UnfitLens("its numbers have to be finite and its focal length positive"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
