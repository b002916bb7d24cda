//! RGB to JPEG and back. The codec (libjpeg-turbo-rs) is young: it is named in
//! this module alone, so that it can be exchanged, and its panics stay here.
//!
//! Whether bytes *are* a JPEG is asked elsewhere, at the door, by a marker walk
//! that costs a microsecond; this module is for uses that need the pixels.

use std::panic::{AssertUnwindSafe, catch_unwind};

use libjpeg_turbo_rs::Subsampling::{S411, S420, S422, S440, S441, S444};
use libjpeg_turbo_rs::tj3::{TjHandle, TjParam};
use libjpeg_turbo_rs::{ColorSpace, DecodeLimits, Decoder, JpegError, PixelFormat};

use crate::{Error, Picture, Result, check_pixels};

/// The largest side the codec accepts (libjpeg's `JPEG_MAX_DIMENSION`).
const MAX_SIDE: u32 = 65_500;

/// Scans a picture may have. Usual progressive scripts have 10, the longest
/// sensible ones a few dozen; each scan walks the whole picture, so thousands of
/// empty ones in a small file would keep a core busy for minutes.
const MAX_SCANS: usize = 100;

/// Encodes a picture as baseline JPEG with 4:2:0 chroma.
///
/// `quality` is 1 (small) to 100 (fine); values outside are moved to the
/// nearest of these. 85 is a good default for a live picture.
///
/// # Errors
/// [`Error::BadPicture`] when the buffer does not fit the size, or
/// [`Error::TooLargeForJpeg`].
pub fn encode(picture: &Picture, quality: u8) -> Result<Vec<u8>> {
    picture.check()?;
    let &Picture { width, height, .. } = picture;
    if width > MAX_SIDE || height > MAX_SIDE {
        return Err(Error::TooLargeForJpeg { width, height });
    }
    encode_packed(&picture.rgb, width as usize, height as usize, Packed::Rgb, quality)
}

/// Decodes a JPEG (baseline or progressive, grey or colour, with or without
/// Huffman tables of its own) to RGB.
///
/// The header is read first: a picture of more than `max_pixels` is refused
/// before a byte is allocated for it. Decoding takes about 6 bytes a pixel for
/// baseline, 12 to 15 for progressive pictures. Bytes that end early are an
/// error, not a half-grey picture. The camera's orientation (EXIF) is not
/// applied.
///
/// # Errors
/// [`Error::TooManyPixels`] or [`Error::BadJpeg`].
pub fn decode(bytes: &[u8], max_pixels: u64) -> Result<Picture> {
    let mut decoder = opened(bytes, max_pixels)?;
    let (width, height) = (decoder.header().width, decoder.header().height);
    decoder.set_output_format(PixelFormat::Rgb);
    let image = contained(|| decoder.decode_image())?;
    let picture = Picture { width: u32::from(width), height: u32::from(height), rgb: image.data };
    // 12-bit and lossless pictures take other ways through the codec: M2 is
    // checked here rather than believed.
    if picture.check().is_err() {
        return Err(Error::BadJpeg("not 8 bits a sample".into()));
    }
    Ok(picture)
}

/// How much memory decoding these bytes may take, for a caller that has to reckon with it. A picture that cannot be
/// decoded takes none.
pub fn decoding_bytes(bytes: &[u8], max_pixels: u64) -> u64 {
    let Ok(decoder) = opened(bytes, max_pixels) else { return 0 };
    let header = decoder.header();
    let pixels = u64::from(header.width) * u64::from(header.height);
    pixels * if header.is_progressive { 15 } else { 6 }
}

/// A decoder that has read the header, and found no more pixels than are allowed.
fn opened(bytes: &[u8], max_pixels: u64) -> Result<Decoder<'_>> {
    let limits = DecodeLimits { max_scans: MAX_SCANS, ..DecodeLimits::default() };
    let decoder = contained(|| Decoder::new_with_limits(bytes, limits))?;
    let (width, height) = (decoder.header().width, decoder.header().height);
    check_pixels(u64::from(width), u64::from(height), max_pixels)?;
    Ok(decoder)
}

/// A picture as JPEG keeps it, before colours are made of it (JFIF: BT.601, full
/// range): luma and, unless it is grey, the two chroma planes.
#[derive(Debug)]
pub(crate) struct Planes {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// One or three. The first covers the picture, whose blocks it fills up; of the
    /// others, each sample covers 1, 2 or 4 columns and rows of it.
    pub(crate) planes: Vec<Plane>,
}

/// Rows of samples, `stride` apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plane {
    pub(crate) stride: usize,
    pub(crate) samples: Vec<u8>,
}

impl Plane {
    pub(crate) fn rows(&self) -> usize {
        self.samples.len().checked_div(self.stride).unwrap_or(0)
    }
}

/// Decodes a JPEG as far as its planes; limits and errors are those of [`decode`].
pub(crate) fn decode_planes(bytes: &[u8], max_pixels: u64) -> Result<Planes> {
    /// For the few pictures that are encoded once more on their way.
    const FINE: u8 = 95;

    let decoder = opened(bytes, max_pixels)?;
    let colours = decoder.jpeg_color_space();
    let usual = matches!(decoder.jpeg_subsampling(), S420 | S422 | S440 | S444 | S411 | S441);
    if colours == ColorSpace::Grayscale || (colours == ColorSpace::YCbCr && usual) {
        let raw = contained(|| decoder.decode_raw())?;
        let planes = raw.planes.into_iter().zip(raw.plane_widths);
        let planes = planes.map(|(samples, stride)| Plane { stride, samples }).collect();
        return Ok(Planes { width: raw.width, height: raw.height, planes });
    }
    // RGB, CMYK, or chroma finer than luma.
    let usual = encode(&decode(bytes, max_pixels)?, FINE)?;
    decode_planes(&usual, max_pixels)
}

/// Decodes a JPEG as far as its planes, and no larger than needed: by the largest of
/// [`PARTS`] that leaves at least `width` by `height`. The codec then computes fewer
/// samples of each block, which is quicker and averages what it leaves out. Limits and
/// errors are those of [`decode`].
pub(crate) fn decode_planes_near(
    bytes: &[u8],
    (width, height): (usize, usize),
    max_pixels: u64,
) -> Result<Planes> {
    let mut codec = TjHandle::new();
    let header = contained(|| codec.decompress_header_info(bytes))?;
    check_pixels(header.width as u64, header.height as u64, max_pixels)?;
    let fits =
        |part: &usize| header.width.div_ceil(*part) >= width && header.height.div_ceil(*part) >= height;
    let part = PARTS.into_iter().find(fits);
    let usual = codec.get(TjParam::ColorSpace) == TJCS_YCBCR
        && matches!(header.subsampling, S420 | S422 | S440 | S444);
    let Some(part) = part.filter(|_| usual) else {
        return decode_planes(bytes, max_pixels);
    };
    let (planes, width, height, subsampling) = contained(|| {
        codec.set(TjParam::ScanLimit, MAX_SCANS as i32)?;
        codec.set_scaling_factor(1, part as u32)?;
        codec.decompress_to_yuv_planes(bytes)
    })?;
    let across = if matches!(subsampling, S420 | S422) { 2 } else { 1 };
    let luma = width.next_multiple_of(across);
    let planes = planes.into_iter().zip([luma, luma / across, luma / across]);
    let planes = planes.map(|(samples, stride)| Plane { stride, samples }).collect();
    Ok(Planes { width, height, planes })
}

/// Every so many columns and rows of a block may be decoded as one. (The codec knows factors in between, which take
/// longer than decoding everything.)
const PARTS: [usize; 3] = [8, 4, 2];

/// TurboJPEG's number for pictures of luma and two colour differences.
const TJCS_YCBCR: i32 = 1;

/// Encodes planes with 4:2:0 chroma: luma of exactly the picture's size, chroma of
/// half of it, rounded up, without gaps between rows.
pub(crate) fn encode_planes(planes: [&[u8]; 3], width: usize, height: usize, quality: u8) -> Result<Vec<u8>> {
    let (chroma_width, chroma_height) = (width.div_ceil(2), height.div_ceil(2));
    contained(|| {
        libjpeg_turbo_rs::compress_raw(
            &planes,
            &[width, chroma_width, chroma_width],
            &[height, chroma_height, chroma_height],
            width,
            height,
            quality.clamp(1, 100),
            S420,
        )
    })
}

/// What a pixel's bytes are, where they lie together.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Packed {
    Grey,
    Rgb,
    Bgr,
}

/// Encodes packed pixels without gaps between rows.
pub(crate) fn encode_packed(
    pixels: &[u8],
    width: usize,
    height: usize,
    packed: Packed,
    quality: u8,
) -> Result<Vec<u8>> {
    let (format, subsampling) = match packed {
        Packed::Grey => (PixelFormat::Grayscale, S444),
        Packed::Bgr => (PixelFormat::Bgr, S420),
        Packed::Rgb => (PixelFormat::Rgb, S420),
    };
    contained(|| {
        libjpeg_turbo_rs::compress(pixels, width, height, format, quality.clamp(1, 100), subsampling)
    })
}

/// Runs the codec and turns what it throws into an error.
///
/// The codec indexes its tables with values from the stream, and hostile bytes
/// may find a place where that panics. One picture must not end the task of the
/// connection that brought it, so the unwinding stops here. No state outlives a
/// call (the decoder is dropped with the error), which is why asserting unwind
/// safety is sound.
fn contained<T>(work: impl FnOnce() -> std::result::Result<T, JpegError>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Error::BadJpeg(error.to_string())),
        Err(_) => Err(Error::BadJpeg("the decoder gave up on it".into())),
    }
}

#[cfg(test)]
mod tests;
