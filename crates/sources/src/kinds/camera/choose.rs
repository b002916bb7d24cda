//! Chooses among the formats that a camera offers.

use super::capture::Pixels;
use media::raw::Layout;

/// The requested mode.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Preference {
    pub(super) width: Option<u32>,
    pub(super) height: Option<u32>,
    pub(super) fps: Option<f64>,
}

/// A mode that the camera offers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Offer {
    pub(super) pixels: Pixels,
    pub(super) width: u32,
    pub(super) height: u32,
    /// The fastest; `None` where the driver does not say.
    pub(super) fps: Option<f64>,
}

/// Where nothing is requested: every camera has it.
const USUAL_SIZE: (u32, u32) = (640, 480);
const USUAL_FPS: f64 = 30.0;

impl Preference {
    pub(super) fn size(&self) -> (u32, u32) {
        match (self.width, self.height) {
            (Some(width), Some(height)) => (width, height),
            // One side is given: 4:3, as sensors are.
            (Some(width), None) => (width, width * 3 / 4),
            (None, Some(height)) => (height * 4 / 3, height),
            (None, None) => USUAL_SIZE,
        }
    }

    pub(super) fn fps(&self) -> f64 {
        self.fps.unwrap_or(USUAL_FPS)
    }
}

/// The nearest offer: first in size, then in rate, then the cheapest to encode, which is JPEG.
pub(super) fn choose(offers: &[Offer], preferred: &Preference) -> Option<Offer> {
    let (width, height) = preferred.size();
    let distance =
        |offer: &Offer| u64::from(offer.width.abs_diff(width)) + u64::from(offer.height.abs_diff(height));
    // An unknown rate is taken to be enough; missing frames a second are rounded to whole ones.
    let missing = |offer: &Offer| offer.fps.map_or(0, |fps| (preferred.fps() - fps).max(0.0).round() as u64);
    let key = |offer: &&Offer| (distance(offer), missing(offer), cost(offer.pixels));
    offers.iter().min_by_key(key).copied()
}

/// What encoding a picture costs: nothing for JPEG, else by the bytes that are moved.
fn cost(pixels: Pixels) -> u8 {
    match pixels {
        Pixels::Jpeg => 0,
        Pixels::Raw(Layout::Nv12) => 1,
        Pixels::Raw(Layout::Yuyv | Layout::Uyvy) => 2,
        Pixels::Raw(Layout::Rgb | Layout::Bgr) => 3,
        // It has no colours.
        Pixels::Raw(Layout::Grey) => 4,
    }
}
