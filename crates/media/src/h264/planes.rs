//! Planes between JPEG, whose chroma has one of several sizes, and H.264, whose
//! chroma is half as wide and high as its luma, and its luma even.

use openh264::formats::YUVSource;

use crate::jpeg::{Plane, Planes};

/// Chroma of a grey picture.
const NEUTRAL: u8 = 128;

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
    pub(super) fn new(picture: Planes) -> Self {
        let (width, height) = (picture.width.next_multiple_of(2), picture.height.next_multiple_of(2));
        let mut planes = picture.planes.into_iter();
        let (y, u, v) = (planes.next(), planes.next(), planes.next());
        let mut y = y.unwrap_or_else(|| Plane { stride: 0, samples: Vec::new() });
        let luma = (y.stride, y.rows());
        let neutral = || Plane { stride: luma.0 / 2, samples: vec![NEUTRAL; luma.0 / 2 * (luma.1 / 2)] };
        let chroma = |plane: Option<Plane>| plane.map_or_else(neutral, |plane| plane.halved(luma));
        let (u, v) = (chroma(u), chroma(v));
        if picture.width < width {
            y.repeat_column(picture.width);
        }
        if picture.height < height {
            y.repeat_row(picture.height);
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
    fn rows(&self) -> usize {
        self.samples.len().checked_div(self.stride).unwrap_or(0)
    }

    /// This chroma plane at half the size of a luma plane with so many columns and rows.
    fn halved(self, (luma_columns, luma_rows): (usize, usize)) -> Self {
        let columns_each = luma_columns.checked_div(self.stride).unwrap_or(0);
        let rows_each = luma_rows.checked_div(self.rows()).unwrap_or(0);
        let plane = match rows_each {
            1 => self.rows_averaged(),
            4 => self.rows_doubled(),
            _ => self,
        };
        match columns_each {
            1 => plane.columns_averaged(),
            4 => plane.columns_doubled(),
            _ => plane,
        }
    }

    fn rows_averaged(self) -> Self {
        let mut samples = Vec::with_capacity(self.samples.len() / 2);
        for pair in self.samples.chunks_exact(2 * self.stride) {
            let (upper, lower) = pair.split_at(self.stride);
            samples.extend(upper.iter().zip(lower).map(|(a, b)| average(*a, *b)));
        }
        Self { stride: self.stride, samples }
    }

    /// Strides are multiples of a block's eight columns, so no pair crosses a row's end.
    fn columns_averaged(self) -> Self {
        let (pairs, _) = self.samples.as_chunks::<2>();
        let samples = pairs.iter().map(|[a, b]| average(*a, *b)).collect();
        Self { stride: self.stride / 2, samples }
    }

    fn rows_doubled(self) -> Self {
        let rows = self.samples.chunks_exact(self.stride);
        Self { stride: self.stride, samples: rows.flat_map(|row| [row, row]).flatten().copied().collect() }
    }

    fn columns_doubled(self) -> Self {
        let samples = self.samples.iter().flat_map(|sample| [*sample; 2]).collect();
        Self { stride: self.stride * 2, samples }
    }

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

fn average(a: u8, b: u8) -> u8 {
    (u16::from(a) + u16::from(b)).div_ceil(2) as u8
}
