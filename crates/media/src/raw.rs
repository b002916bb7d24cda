//! Uncompressed pictures, as cameras hand them over, to JPEG: planes straight into the codec, RGB is never made.
//!
//! Cameras' luma keeps to 16..235 (V4L2's default for YCbCr, as in television); a JPEG's goes from 0 to 255, so
//! samples are spread on the way.

use crate::jpeg::{Packed, encode_packed, encode_planes};
use crate::luma::spread_tables;
use crate::{Error, Result};

/// How pixels lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Y U Y V: two pixels in four bytes, chroma shared (4:2:2).
    Yuyv,
    /// U Y V Y.
    Uyvy,
    /// A plane of luma, then one of U and V in turn at half the width and height (4:2:0).
    Nv12,
    /// Three bytes a pixel.
    Rgb,
    /// Three bytes a pixel, blue first.
    Bgr,
    /// One byte a pixel.
    Grey,
}

/// A picture in a driver's buffer.
#[derive(Clone, Copy)]
pub struct Raw<'a> {
    pub bytes: &'a [u8],
    pub layout: Layout,
    /// Columns; even for YUYV, UYVY and NV12.
    pub width: usize,
    pub height: usize,
    /// Bytes from one row's begin to the next one's.
    pub stride: usize,
}

impl std::fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Raw { layout, width, height, stride, .. } = self;
        write!(f, "Raw({layout:?}, {width}×{height}, stride {stride}, {} bytes)", self.bytes.len())
    }
}

/// The largest side that is encoded.
const MAX_SIDE: usize = 16_384;

impl Raw<'_> {
    /// Encodes as JPEG with 4:2:0 chroma; `quality` is 1 to 100.
    ///
    /// # Errors
    /// [`Error::BadRaw`] when the buffer does not hold what its size asks for.
    pub fn to_jpeg(&self, quality: u8) -> Result<Vec<u8>> {
        self.check()?;
        match self.layout {
            Layout::Yuyv => self.packed_422([0, 2], [1, 3], quality),
            Layout::Uyvy => self.packed_422([1, 3], [0, 2], quality),
            Layout::Nv12 => self.nv12(quality),
            Layout::Rgb => self.packed(Packed::Rgb, quality),
            Layout::Bgr => self.packed(Packed::Bgr, quality),
            Layout::Grey => self.packed(Packed::Grey, quality),
        }
    }

    fn packed(&self, packed: Packed, quality: u8) -> Result<Vec<u8>> {
        let row = self.row_bytes();
        if self.stride == row {
            let pixels = &self.bytes[..row * self.height];
            return encode_packed(pixels, self.width, self.height, packed, quality);
        }
        let rows = self.bytes.chunks(self.stride).take(self.height);
        let tight: Vec<u8> = rows.flat_map(|line| &line[..row]).copied().collect();
        encode_packed(&tight, self.width, self.height, packed, quality)
    }

    fn row_bytes(&self) -> usize {
        match self.layout {
            Layout::Yuyv | Layout::Uyvy => self.width * 2,
            Layout::Nv12 | Layout::Grey => self.width,
            Layout::Rgb | Layout::Bgr => self.width * 3,
        }
    }

    fn rows(&self) -> usize {
        if self.layout == Layout::Nv12 { self.height + self.height.div_ceil(2) } else { self.height }
    }

    fn check(&self) -> Result<()> {
        let bad = |why: String| Err(Error::BadRaw(why));
        let sides = 1..=MAX_SIDE;
        if !sides.contains(&self.width) || !sides.contains(&self.height) {
            return bad(format!("{} × {} pixels", self.width, self.height));
        }
        let pairs = matches!(self.layout, Layout::Yuyv | Layout::Uyvy | Layout::Nv12);
        if pairs && !self.width.is_multiple_of(2) {
            return bad(format!("{} columns are not even", self.width));
        }
        let row = self.row_bytes();
        if self.stride < row {
            return bad(format!("rows of {} bytes lie {} apart", row, self.stride));
        }
        // The last row may end without its gap.
        let wanted = self.stride.saturating_mul(self.rows() - 1).saturating_add(row);
        if self.bytes.len() < wanted {
            return bad(format!("{} bytes in place of {wanted}", self.bytes.len()));
        }
        Ok(())
    }

    /// `luma` and `chroma` say where they stand in each four bytes. Two rows share their chroma afterwards.
    fn packed_422(&self, luma: [usize; 2], chroma: [usize; 2], quality: u8) -> Result<Vec<u8>> {
        let (spread_y, spread_c) = spread_tables();
        let (width, height) = (self.width, self.height);
        let half = width / 2;
        let mut y = vec![0; width * height];
        let mut u = vec![0; half * height.div_ceil(2)];
        let mut v = u.clone();
        let row = self.row_bytes();
        for (number, (line, out)) in self.bytes.chunks(self.stride).zip(y.chunks_exact_mut(width)).enumerate()
        {
            let (groups, _) = line[..row].as_chunks::<4>();
            let (pairs, _) = out.as_chunks_mut::<2>();
            for (group, pair) in groups.iter().zip(pairs) {
                *pair = luma.map(|at| spread_y[usize::from(group[at])]);
            }
            if number % 2 == 0 {
                let below = &self.bytes
                    [if number + 1 < height { self.stride * (number + 1) } else { self.stride * number }..];
                let (below, _) = below[..row].as_chunks::<4>();
                let from = number / 2 * half;
                let (u, v) = (&mut u[from..from + half], &mut v[from..from + half]);
                for (((group, below), u), v) in groups.iter().zip(below).zip(u).zip(v) {
                    let [a, b] = chroma.map(|at| spread_c[usize::from(average(group[at], below[at]))]);
                    (*u, *v) = (a, b);
                }
            }
        }
        encode_planes([&y, &u, &v], width, height, quality)
    }

    fn nv12(&self, quality: u8) -> Result<Vec<u8>> {
        let (spread_y, spread_c) = spread_tables();
        let (width, height) = (self.width, self.height);
        let rows = self.bytes.chunks(self.stride);
        let mut y = Vec::with_capacity(width * height);
        for line in rows.clone().take(height) {
            y.extend(line[..width].iter().map(|sample| spread_y[usize::from(*sample)]));
        }
        let size = width / 2 * height.div_ceil(2);
        let (mut u, mut v) = (Vec::with_capacity(size), Vec::with_capacity(size));
        for line in rows.skip(height).take(height.div_ceil(2)) {
            let (pairs, _) = line[..width].as_chunks::<2>();
            u.extend(pairs.iter().map(|pair| spread_c[usize::from(pair[0])]));
            v.extend(pairs.iter().map(|pair| spread_c[usize::from(pair[1])]));
        }
        encode_planes([&y, &u, &v], width, height, quality)
    }
}

fn average(a: u8, b: u8) -> u8 {
    (u16::from(a) + u16::from(b)).div_ceil(2) as u8
}

#[cfg(test)]
mod tests;
