//! JPEG to smaller JPEG. The planes are resampled as the JPEG keeps them, so that no colours are converted on the
//! way, and large reductions are mostly done by decoding less.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::jpeg::{self, Plane, Planes};
use crate::{Error, Result};

/// Chroma of a grey picture.
const NEUTRAL: u8 = 128;

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
                Some(source) => self.resample(source, size_of_plane(&picture, index), side)?,
                None => vec![NEUTRAL; side.0 as usize * side.1 as usize],
            };
        }
        let [y, u, v] = &planes;
        jpeg::encode_planes([y, u, v], width as usize, height as usize, quality)
    }

    /// The first `columns` and `rows` of a plane at another size.
    fn resample(
        &mut self,
        plane: &Plane,
        (columns, rows): (usize, usize),
        (width, height): (u32, u32),
    ) -> Result<Vec<u8>> {
        let unexpected = |what: &dyn std::fmt::Display| Error::BadJpeg(format!("its planes: {what}"));
        let (stride, whole_rows) = (plane.stride as u32, (plane.samples.len() / plane.stride.max(1)) as u32);
        let whole = &plane.samples[..plane.stride * whole_rows as usize];
        let source = ImageRef::new(stride, whole_rows, whole, PixelType::U8).map_err(|e| unexpected(&e))?;
        let mut target = Image::new(width, height, PixelType::U8);
        // Sharper than a linear filter at the same cost: its window is as wide.
        let filter = ResizeAlg::Convolution(FilterType::Hamming);
        let options = ResizeOptions::new().resize_alg(filter).crop(0.0, 0.0, columns as f64, rows as f64);
        self.resizer.resize(&source, &mut target, &options).map_err(|e| unexpected(&e))?;
        Ok(target.into_vec())
    }
}

/// Columns and rows of a plane that show the picture; the rest fills up its blocks.
fn size_of_plane(picture: &Planes, index: usize) -> (usize, usize) {
    let size = (picture.width, picture.height);
    let (Some(luma), Some(plane)) = (picture.planes.first(), picture.planes.get(index)) else { return size };
    let rows = |plane: &Plane| plane.samples.len() / plane.stride.max(1);
    let across = (luma.stride / plane.stride.max(1)).max(1);
    let down = (rows(luma) / rows(plane).max(1)).max(1);
    (size.0.div_ceil(across), size.1.div_ceil(down))
}
