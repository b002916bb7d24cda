//! Smaller pictures. From JPEG to JPEG the planes are resampled as the JPEG keeps them, so that no colours are converted on the
//! way, and large reductions are mostly done by decoding less.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::jpeg::{self, Plane, Planes};
use crate::luma::NEUTRAL;
use crate::{Error, Picture, Result};

/// Half as wide and high, rounded down: each pixel is the mean of four.
///
/// # Errors
/// [`Error::BadPicture`], also where nothing would be left.
pub fn halved(picture: &Picture) -> Result<Picture> {
    picture.check()?;
    let (width, height) = (picture.width / 2, picture.height / 2);
    let stride = picture.width as usize * 3;
    let mut rgb = Vec::with_capacity(width as usize * height as usize * 3);
    for rows in picture.rgb.chunks_exact(2 * stride) {
        let (upper, lower) = rows.split_at(stride);
        for (a, b) in upper.as_chunks::<6>().0.iter().zip(lower.as_chunks::<6>().0) {
            let sum = |channel: usize| {
                [a[channel], a[channel + 3], b[channel], b[channel + 3]].map(u16::from).iter().sum::<u16>()
            };
            rgb.extend([0, 1, 2].map(|channel| ((sum(channel) + 2) / 4) as u8));
        }
    }
    let half = Picture { width, height, rgb };
    half.check()?;
    Ok(half)
}

/// Makes pictures smaller. Keeps its working memory from one picture to the next.
#[derive(Debug, Default)]
pub struct Scaler {
    resizer: Resizer,
}

impl Scaler {
    pub fn new() -> Self {
        Self::default()
    }

    /// A JPEG of exactly `width` by `height` pixels, with 4:2:0 chroma. `quality` is 1 to 100.
    ///
    /// # Errors
    /// Those of [`jpeg::decode`].
    pub fn rescale(
        &mut self,
        bytes: &[u8],
        (width, height): (u32, u32),
        quality: u8,
        max_pixels: u64,
    ) -> Result<Vec<u8>> {
        let (width, height) = (width.max(1), height.max(1));
        let picture = jpeg::decode_planes_near(bytes, (width as usize, height as usize), max_pixels)?;
        let chroma = (width.div_ceil(2), height.div_ceil(2));
        let sides = [(width, height), chroma, chroma];
        let mut planes = [const { Vec::new() }; 3];
        for (index, (plane, side)) in planes.iter_mut().zip(sides).enumerate() {
            *plane = match picture.planes.get(index) {
                Some(source) => {
                    let shown = size_of_plane(&picture, index);
                    // Sharper than a linear filter at the same cost: its window is as wide.
                    resample(&mut self.resizer, source, shown, side, FilterType::Hamming)?
                }
                None => vec![NEUTRAL; side.0 as usize * side.1 as usize],
            };
        }
        let [y, u, v] = &planes;
        jpeg::encode_planes([y, u, v], width as usize, height as usize, quality)
    }
}

/// The first `columns` and `rows` of a plane at another size, without gaps between its rows.
pub(crate) fn resample(
    resizer: &mut Resizer,
    plane: &Plane,
    (columns, rows): (usize, usize),
    (width, height): (u32, u32),
    filter: FilterType,
) -> Result<Vec<u8>> {
    let unexpected = |what: &dyn std::fmt::Display| Error::BadJpeg(format!("its planes: {what}"));
    let (stride, whole_rows) = (plane.stride as u32, plane.rows() as u32);
    let whole = &plane.samples[..plane.stride * plane.rows()];
    let source = ImageRef::new(stride, whole_rows, whole, PixelType::U8).map_err(|e| unexpected(&e))?;
    let mut target = Image::new(width, height, PixelType::U8);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
    let options = options.crop(0.0, 0.0, columns as f64, rows as f64);
    resizer.resize(&source, &mut target, &options).map_err(|e| unexpected(&e))?;
    Ok(target.into_vec())
}

/// Columns and rows of a plane that show the picture; the rest fills up its blocks.
fn size_of_plane(picture: &Planes, index: usize) -> (usize, usize) {
    let size = (picture.width, picture.height);
    let (Some(luma), Some(plane)) = (picture.planes.first(), picture.planes.get(index)) else { return size };
    let across = (luma.stride / plane.stride.max(1)).max(1);
    let down = (luma.rows() / plane.rows().max(1)).max(1);
    (size.0.div_ceil(across), size.1.div_ceil(down))
}

#[cfg(test)]
mod tests;
