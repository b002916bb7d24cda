//! Planes between JPEG, whose chroma has one of several sizes, and H.264, whose
//! chroma is half as wide and high as its luma, and its luma even.

use fast_image_resize::{FilterType, Resizer};
use openh264::formats::YUVSource;

use crate::jpeg::{Plane, Planes};
use crate::luma::NEUTRAL;
use crate::scale::resample;
use crate::{Picture, Result};

/// A picture with 4:2:0 chroma and even sides.
#[derive(Debug)]
pub(super) struct I420 {
    width: usize,
    height: usize,
    y: Plane,
    u: Plane,
    v: Plane,
}

impl I420 {
    /// Takes the planes over. Where a side is odd, its last column or row is
    /// repeated.
    pub(super) fn new(picture: Planes) -> Result<Self> {
        let (width, height) = (picture.width.next_multiple_of(2), picture.height.next_multiple_of(2));
        let mut planes = picture.planes.into_iter();
        let (y, u, v) = (planes.next(), planes.next(), planes.next());
        let mut y = y.unwrap_or_else(|| Plane { stride: 0, samples: Vec::new() });
        let half = (y.stride / 2, y.rows() / 2);
        let (u, v) = (sized(u, half)?, sized(v, half)?);
        if picture.width < width {
            y.repeat_column(picture.width);
        }
        if picture.height < height {
            y.repeat_row(picture.height);
        }
        Ok(Self { width, height, y, u, v })
    }

    /// From colours, by BT.601's matrix in full range, as JPEG does it. Each chroma sample is the mean of four pixels.
    pub(super) fn of_colours(picture: &Picture) -> Self {
        let (columns, rows) = (picture.width as usize, picture.height as usize);
        let (width, height) = (columns.next_multiple_of(2), rows.next_multiple_of(2));
        let mut y = Plane { stride: width, samples: vec![0; width * height] };
        let mut u = Plane { stride: width / 2, samples: vec![0; width / 2 * (height / 2)] };
        let mut v = u.clone();
        let pixels = picture.rgb.as_chunks::<3>().0;
        let lines = y.samples.chunks_exact_mut(2 * width);
        let chroma = u.samples.chunks_exact_mut(width / 2).zip(v.samples.chunks_exact_mut(width / 2));
        for (at, (luma, (u, v))) in lines.zip(chroma).enumerate() {
            let upper = &pixels[2 * at * columns..][..columns];
            let lower =
                pixels.get((2 * at + 1) * columns..).and_then(|rest| rest.get(..columns)).unwrap_or(upper);
            let (luma_upper, luma_lower) = luma.split_at_mut(width);
            brightness(upper, luma_upper);
            brightness(lower, luma_lower);
            colours(upper, lower, u, v);
        }
        Self { width, height, y, u, v }
    }

    /// Whether the planes hold what the size asks for: the encoder reads without
    /// looking.
    pub(super) fn is_whole(&self) -> bool {
        let holds = |plane: &Plane, width: usize, height: usize| {
            plane.stride >= width && plane.samples.len() >= plane.stride * height
        };
        let (half_width, half_height) = (self.width / 2, self.height / 2);
        holds(&self.y, self.width, self.height)
            && holds(&self.u, half_width, half_height)
            && holds(&self.v, half_width, half_height)
    }
}

impl YUVSource for I420 {
    fn dimensions(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    fn strides(&self) -> (usize, usize, usize) {
        (self.y.stride, self.u.stride, self.v.stride)
    }

    fn y(&self) -> &[u8] {
        &self.y.samples
    }

    fn u(&self) -> &[u8] {
        &self.u.samples
    }

    fn v(&self) -> &[u8] {
        &self.v.samples
    }
}

impl Plane {
    /// Gives column `at` the samples of the one before it.
    fn repeat_column(&mut self, at: usize) {
        for row in self.samples.chunks_exact_mut(self.stride) {
            if let Some([before, column]) = row.get_mut(at - 1..=at) {
                *column = *before;
            }
        }
    }

    /// Gives row `at` the samples of the one before it.
    fn repeat_row(&mut self, at: usize) {
        let (begin, end) = ((at - 1) * self.stride, at * self.stride);
        if end + self.stride <= self.samples.len() {
            self.samples.copy_within(begin..end, end);
        }
    }
}

/// A chroma plane with so many columns and rows. Where it had more, each sample is the mean of those it covers.
fn sized(plane: Option<Plane>, (columns, rows): (usize, usize)) -> Result<Plane> {
    let samples = match plane {
        Some(plane) if (plane.stride, plane.rows()) == (columns, rows) => return Ok(plane),
        Some(plane) => {
            let whole = (plane.stride, plane.rows());
            resample(&mut Resizer::new(), &plane, whole, (columns as u32, rows as u32), FilterType::Box)?
        }
        None => vec![NEUTRAL; columns * rows],
    };
    Ok(Plane { stride: columns, samples })
}

/// Luma of a row; the last pixel is repeated where the plane is wider.
fn brightness(pixels: &[[u8; 3]], luma: &mut [u8]) {
    for (out, &[r, g, b]) in luma.iter_mut().zip(pixels) {
        let sum = 19_595 * u32::from(r) + 38_470 * u32::from(g) + 7_471 * u32::from(b);
        *out = ((sum + 32_768) >> 16) as u8;
    }
    if let [.., before, last] = luma
        && !pixels.len().is_multiple_of(2)
    {
        *last = *before;
    }
}

/// Chroma of two rows.
fn colours(upper: &[[u8; 3]], lower: &[[u8; 3]], u: &mut [u8], v: &mut [u8]) {
    // Four pixels are added up, which two more bits of the sum take.
    const HALF: i32 = 1 << 17;
    const MIDDLE: i32 = 128 << 18;
    let pairs = upper.chunks(2).zip(lower.chunks(2));
    for ((u, v), (upper, lower)) in u.iter_mut().zip(v).zip(pairs) {
        let (Some(&a), Some(&b)) = (upper.first(), upper.last()) else { return };
        let (Some(&c), Some(&d)) = (lower.first(), lower.last()) else { return };
        let sum = |channel: usize| [a, b, c, d].iter().map(|pixel| i32::from(pixel[channel])).sum::<i32>();
        let (red, green, blue) = (sum(0), sum(1), sum(2));
        let blueness = -11_058 * red - 21_710 * green + 32_768 * blue;
        let redness = 32_768 * red - 27_439 * green - 5_329 * blue;
        *u = ((blueness + MIDDLE + HALF) >> 18).clamp(0, 255) as u8;
        *v = ((redness + MIDDLE + HALF) >> 18).clamp(0, 255) as u8;
    }
}
